//! A session over an event stream (`docs/guide/sse.md`): its stream drops now and then, and so do its
//! POSTs, and neither may show.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Failure;
use crate::chance::Chance;
use crate::http::{Http, request};
use crate::packet::{Packet, Sent, payload};
use crate::record::{Record, count};

/// POSTs of a hundred whose connection breaks, before or after all was sent.
const BROKEN_POSTS: u64 = 10;

/// What a session over an event stream is opened with.
pub(crate) struct Opening {
    pub(crate) server: SocketAddr,
    pub(crate) chance: Chance,
    pub(crate) record: Arc<Record>,
    /// A slow reader rests this long between its reads.
    pub(crate) rest: Duration,
}

/// A session over an event stream. A task of its own reads it, drops it and resumes it; what it brings
/// waits here.
pub(crate) struct Streaming {
    server: SocketAddr,
    sid: String,
    chance: Chance,
    poster: Http,
    posts: u64,
    heard: Arc<AtomicU64>,
    arrived: mpsc::UnboundedReceiver<Packet>,
    reader: JoinHandle<()>,
}

impl Streaming {
    /// Opens a session with its stream.
    pub(crate) async fn open(opening: Opening) -> Result<Self, Failure> {
        let mut stream = EventStream::open(opening.server, "transport=sse", None).await?;
        let Some((1, open)) = stream.next().await? else {
            return Err("a stream does not begin with event 1".into());
        };
        let Packet::Open(sid) = Packet::read(&open) else {
            return Err(format!("a stream begins with {open}").into());
        };
        Self::start(opening, sid, stream, (1, 0)).await
    }

    /// Goes on with a stream of which so many events were heard, and so many POSTs sent.
    pub(crate) async fn start(
        opening: Opening,
        sid: String,
        stream: EventStream,
        (events, posts): (u64, u64),
    ) -> Result<Self, Failure> {
        let heard = Arc::new(AtomicU64::new(events));
        let (arrive, arrived) = mpsc::unbounded_channel();
        let poster = Http::connect(opening.server).await?;
        let reader = Reader {
            server: opening.server,
            sid: sid.clone(),
            chance: opening.chance.branch(1),
            record: opening.record,
            rest: opening.rest,
            heard: Arc::clone(&heard),
            arrive,
        };
        let server = opening.server;
        let chance = opening.chance.branch(2);
        let reader = tokio::spawn(reader.read(stream));
        Ok(Self { server, sid, chance, poster, posts, heard, arrived, reader })
    }

    pub(crate) async fn next(&mut self) -> Option<Packet> {
        self.arrived.recv().await
    }

    /// Sends packets by a POST, which may have to be sent again.
    pub(crate) async fn post(&mut self, packets: Vec<Sent>) -> Result<(), Failure> {
        self.posts += 1;
        let heard = self.heard.load(Ordering::Acquire);
        let query = format!("transport=sse&sid={}&seq={}&ack={heard}", self.sid, self.posts);
        let body = payload(packets);
        if self.chance.percent(BROKEN_POSTS) {
            let whole = request("POST", &query, body.as_bytes());
            let len = self.chance.within(1..whole.len() as u64 + 1) as usize;
            let mut broken = TcpStream::connect(self.server).await?;
            broken.write_all(whole.get(..len).unwrap_or(&whole)).await?;
            sleep(self.chance.millis(0..20)).await;
        }
        self.poster.freshen(self.server).await?;
        let (status, answer) = self.poster.ask("POST", &query, body.as_bytes()).await?;
        if status == 200 { Ok(()) } else { Err(format!("{status} to a POST: {answer}").into()) }
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

struct Reader {
    server: SocketAddr,
    sid: String,
    chance: Chance,
    record: Arc<Record>,
    rest: Duration,
    heard: Arc<AtomicU64>,
    arrive: mpsc::UnboundedSender<Packet>,
}

impl Reader {
    async fn read(mut self, mut stream: EventStream) {
        while self.read_for_a_while(&mut stream).await {
            count(&self.record.dropped_streams);
            // Now and then the server still believes in the old stream.
            let old = self.chance.percent(30).then_some(stream);
            if old.is_none() {
                sleep(self.chance.millis(0..1500)).await;
            }
            let Ok(next) = self.resume().await else { return };
            stream = next;
        }
    }

    /// Reads until the stream drops, or is to be dropped: then there is more to come.
    async fn read_for_a_while(&mut self, stream: &mut EventStream) -> bool {
        let while_ = sleep(self.chance.millis(500..8000));
        tokio::pin!(while_);
        loop {
            let (id, packet) = tokio::select! {
                event = stream.next() => match event {
                    Ok(Some(event)) => event,
                    Ok(None) | Err(_) => return true,
                },
                () = &mut while_ => return true,
            };
            let before = self.heard.swap(id, Ordering::AcqRel);
            if id != before + 1 {
                let _ = self.arrive.send(Packet::Other(format!("event {id} after {before}")));
            }
            let packet = Packet::read(&packet);
            let last = packet == Packet::Close;
            if self.arrive.send(packet).is_err() || last {
                return false;
            }
            if stream.is_drained() && !self.rest.is_zero() {
                sleep(self.rest).await;
            }
        }
    }

    async fn resume(&mut self) -> Result<EventStream, Failure> {
        let heard = self.heard.load(Ordering::Acquire);
        let query = format!("transport=sse&sid={}", self.sid);
        if self.chance.percent(50) {
            return EventStream::open(self.server, &query, Some(heard)).await;
        }
        EventStream::open(self.server, &format!("{query}&lastEventId={heard}"), None).await
    }
}

/// A response of events, in chunks.
pub(crate) struct EventStream {
    stream: TcpStream,
    received: Vec<u8>,
    text: Vec<u8>,
    ended: bool,
}

impl EventStream {
    pub(crate) async fn open(
        server: SocketAddr,
        query: &str,
        last_event_id: Option<u64>,
    ) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(server).await?;
        let field = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!("GET /socket.io/?EIO=4&{query} HTTP/1.1\r\nHost: x\r\n{field}\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut received = Vec::new();
        let head_len = loop {
            if let Some(at) = find(&received, b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Err("hung up".into());
            }
        };
        let rest = received.split_off(head_len);
        if !received.starts_with(b"HTTP/1.1 200") {
            return Err(format!("no stream: {}", String::from_utf8_lossy(&received)).into());
        }
        Ok(Self { stream, received: rest, text: Vec::new(), ended: false })
    }

    /// The next event's number and data; `None` at the end. May be dropped at its `await`.
    pub(crate) async fn next(&mut self) -> Result<Option<(u64, String)>, Failure> {
        loop {
            self.take_chunks()?;
            while let Some(at) = find(&self.text, b"\n\n") {
                let event: Vec<_> = self.text.drain(..at + 2).collect();
                let event = std::str::from_utf8(&event)?.trim_end();
                if !event.starts_with(':') {
                    return read_event(event).map(Some);
                }
            }
            if self.ended || self.stream.read_buf(&mut self.received).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whether the next event has to be waited for.
    fn is_drained(&self) -> bool {
        find(&self.text, b"\n\n").is_none()
    }

    fn take_chunks(&mut self) -> Result<(), Failure> {
        while let Some(at) = find(&self.received, b"\r\n") {
            let len = std::str::from_utf8(self.received.get(..at).unwrap_or_default())?;
            let len = usize::from_str_radix(len, 16)?;
            let end = at + 2 + len;
            if self.received.len() < end + 2 {
                break;
            }
            self.text.extend(self.received.drain(..end + 2).skip(at + 2).take(len));
            self.ended |= len == 0;
        }
        Ok(())
    }
}

fn read_event(event: &str) -> Result<(u64, String), Failure> {
    let event = event.strip_prefix("id: ").and_then(|rest| rest.split_once("\ndata: "));
    let (id, data) = event.ok_or("an event without a number")?;
    Ok((id.parse()?, data.replace("\ndata: ", "\n")))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
