//! What carries a client's packets: polling over raw HTTP, a WebSocket, or an event stream.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use spola_tokio::websocket::{ClientWebSocket, Message, connect};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::http::Http;
use crate::packet::{Packet, Sent, payload};
use crate::stream::{EventStream, Opening, Streaming};

/// Where an upgrade is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nowhere,
    AfterOpening,
    AfterProbe,
    AfterAnswer,
}

pub(crate) enum Link {
    Polling(Polling),
    WebSocket(Box<ClientWebSocket>),
    Stream(Box<Streaming>),
}

impl Link {
    pub(crate) async fn open_websocket(server: SocketAddr) -> Result<Self, Failure> {
        let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
        Ok(Self::WebSocket(Box::new(connect(url).await?)))
    }

    /// The next packet; `None` at the end. May be dropped at any `await`.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        match self {
            Self::Polling(polling) => polling.next().await,
            Self::Stream(streaming) => streaming.next().await,
            Self::WebSocket(socket) => match socket.recv().await.ok()?? {
                Message::Text(text) => Some(Packet::read(&text)),
                Message::Binary(_) => Some(Packet::Binary),
            },
        }
    }

    pub(crate) async fn send(&mut self, packets: Vec<Sent>) -> Result<(), Failure> {
        match self {
            Self::Polling(polling) => polling.post(packets).await,
            Self::Stream(streaming) => streaming.post(packets).await,
            Self::WebSocket(socket) => {
                for packet in packets {
                    match packet {
                        Sent::Text(text) => socket.send(text).await?,
                        Sent::Binary(data) => socket.send(data).await?,
                    }
                }
                Ok(socket.flush().await?)
            }
        }
    }
}

/// A session over polling. A task of its own polls; what it brings waits here.
pub(crate) struct Polling {
    server: SocketAddr,
    sid: String,
    poster: Http,
    arrived: mpsc::UnboundedReceiver<Packet>,
    pausing: Arc<AtomicBool>,
    poller: JoinHandle<()>,
    queue: VecDeque<Packet>,
}

impl Polling {
    /// Opens a session. A slow one rests between its polls.
    pub(crate) async fn open(server: SocketAddr, rest: Duration) -> Result<Self, Failure> {
        let mut http = Http::connect(server).await?;
        let (status, body) = http.ask("GET", "transport=polling&sse=1", b"").await?;
        let Packet::Open(sid) = Packet::read(&body) else {
            return Err(format!("{status} to a handshake: {body}").into());
        };
        let (arrive, arrived) = mpsc::unbounded_channel();
        let pausing = Arc::new(AtomicBool::new(false));
        let paused = Arc::clone(&pausing);
        let target = format!("transport=polling&sid={sid}");
        let poller = tokio::spawn(async move {
            while !paused.load(Ordering::Acquire) {
                let Ok((200, body)) = http.ask("GET", &target, b"").await else {
                    return;
                };
                for packet in body.split('\u{1e}') {
                    let _ = arrive.send(Packet::read(packet));
                }
                tokio::time::sleep(rest).await;
            }
        });
        let poster = Http::connect(server).await?;
        Ok(Self { server, sid, poster, arrived, pausing, poller, queue: VecDeque::new() })
    }

    async fn next(&mut self) -> Option<Packet> {
        match self.queue.pop_front() {
            Some(packet) => Some(packet),
            None => self.arrived.recv().await,
        }
    }

    async fn post(&mut self, packets: Vec<Sent>) -> Result<(), Failure> {
        self.poster.freshen(self.server).await?;
        let query = format!("transport=polling&sid={}", self.sid);
        let (status, answer) = self.poster.ask("POST", &query, payload(packets).as_bytes()).await?;
        if status == 200 { Ok(()) } else { Err(format!("{status} to a POST: {answer}").into()) }
    }

    /// Moves the session to a WebSocket, unless that is to be cut. `Ok(None)`: it was, and the session
    /// polls on.
    pub(crate) async fn upgrade(&mut self, cut: Cut) -> Result<Option<Link>, Failure> {
        let url =
            format!("ws://{}/socket.io/?EIO=4&transport=websocket&sid={}", self.server, self.sid);
        let mut socket = connect(url).await?;
        if cut == Cut::AfterOpening {
            return Ok(None);
        }
        socket.send("2probe").await?;
        socket.flush().await?;
        if cut == Cut::AfterProbe {
            return Ok(None);
        }
        if socket.recv().await? != Some(Message::from("3probe")) {
            return Err("a probe was not answered".into());
        }
        if cut == Cut::AfterAnswer {
            return Ok(None);
        }
        self.pause().await?;
        socket.send("5").await?;
        socket.flush().await?;
        Ok(Some(Link::WebSocket(Box::new(socket))))
    }

    /// Moves the session to an event stream, unless that is to be cut.
    pub(crate) async fn upgrade_to_stream(
        &mut self,
        cut: Cut,
        opening: Opening,
    ) -> Result<Option<Link>, Failure> {
        let query = format!("transport=sse&sid={}", self.sid);
        let mut stream = EventStream::open(self.server, &query, None).await?;
        if cut == Cut::AfterOpening {
            return Ok(None);
        }
        self.tell(&format!("{query}&seq=1"), "2probe").await?;
        if cut == Cut::AfterProbe {
            return Ok(None);
        }
        match stream.next().await? {
            Some((1, packet)) if packet == "3probe" => {}
            other => return Err(format!("{other:?} to a probe").into()),
        }
        if cut == Cut::AfterAnswer {
            return Ok(None);
        }
        self.pause().await?;
        self.tell(&format!("{query}&seq=2"), "5").await?;
        let streaming = Streaming::start(opening, self.sid.clone(), stream, (1, 2)).await?;
        Ok(Some(Link::Stream(Box::new(streaming))))
    }

    async fn tell(&mut self, query: &str, packet: &str) -> Result<(), Failure> {
        self.poster.freshen(self.server).await?;
        match self.poster.ask("POST", query, packet.as_bytes()).await? {
            (200, _) => Ok(()),
            (status, answer) => Err(format!("{status} to {packet}: {answer}").into()),
        }
    }

    /// Ends polling. The poll that is under way is answered by a noop.
    async fn pause(&mut self) -> Result<(), Failure> {
        self.pausing.store(true, Ordering::Release);
        (&mut self.poller).await?;
        while let Some(packet) = self.arrived.recv().await {
            self.queue.push_back(packet);
        }
        Ok(())
    }

    /// What was polled before the upgrade and not looked at yet.
    pub(crate) fn left(&mut self) -> VecDeque<Packet> {
        std::mem::take(&mut self.queue)
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.poller.abort();
    }
}
