//! What carries a client's packets: polling over raw HTTP, or a WebSocket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use spola_tokio::websocket::{ClientWebSocket, Message, connect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::packet::{Packet, Sent};

/// Longer, and the server may have closed a connection that is to be used again.
const KEPT: Duration = Duration::from_secs(5);

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
            Self::WebSocket(socket) => match socket.recv().await.ok()?? {
                Message::Text(text) => Some(Packet::read(&text)),
                Message::Binary(_) => Some(Packet::Binary),
            },
        }
    }

    pub(crate) async fn send(&mut self, packets: Vec<Sent>) -> Result<(), Failure> {
        match self {
            Self::Polling(polling) => polling.post(packets).await,
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
        let (status, body) = http.ask("GET", "", b"").await?;
        let Packet::Open(sid) = Packet::read(&body) else {
            return Err(format!("{status} to a handshake: {body}").into());
        };
        let (arrive, arrived) = mpsc::unbounded_channel();
        let pausing = Arc::new(AtomicBool::new(false));
        let paused = Arc::clone(&pausing);
        let target = format!("&sid={sid}");
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
        let packets: Vec<_> = packets
            .into_iter()
            .map(|packet| match packet {
                Sent::Text(text) => text,
                Sent::Binary(data) => format!("b{}", base64(&data)),
            })
            .collect();
        if self.poster.used.elapsed() > KEPT {
            self.poster = Http::connect(self.server).await?;
        }
        let body = packets.join("\u{1e}");
        let (status, answer) =
            self.poster.ask("POST", &format!("&sid={}", self.sid), body.as_bytes()).await?;
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
        // The poll that is under way is answered by a noop.
        self.pausing.store(true, Ordering::Release);
        (&mut self.poller).await?;
        while let Some(packet) = self.arrived.recv().await {
            self.queue.push_back(packet);
        }
        socket.send("5").await?;
        socket.flush().await?;
        Ok(Some(Link::WebSocket(Box::new(socket))))
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

/// A connection of HTTP/1.1, used again and again.
pub(crate) struct Http {
    stream: TcpStream,
    used: Instant,
}

impl Http {
    async fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, used: Instant::now() })
    }

    /// The status and the body of the answer to one request.
    async fn ask(
        &mut self,
        method: &str,
        query: &str,
        body: &[u8],
    ) -> Result<(u16, String), Failure> {
        let len = body.len();
        let head = format!(
            "{method} /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nHost: x\r\n\
             Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len}\r\n\r\n"
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let mut received = Vec::new();
        let head_len = loop {
            if let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut received).await? == 0 {
                return Err("hung up".into());
            }
        };
        let head = String::from_utf8_lossy(received.get(..head_len).unwrap_or_default());
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let len = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|len| len.trim().parse::<usize>().ok())
        });
        let (Some(status), Some(len)) = (status, len) else {
            return Err(format!("an answer without a length: {head}").into());
        };
        let mut body = received.split_off(head_len);
        while body.len() < len {
            if self.stream.read_buf(&mut body).await? == 0 {
                return Err("hung up".into());
            }
        }
        self.used = Instant::now();
        Ok((status, String::from_utf8(body)?))
    }
}

fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in data.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let index = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= chunk.len() { ALPHABET[index] as char } else { '=' });
        }
    }
    text
}
