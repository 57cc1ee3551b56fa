//! One connection of the load: the handshake, then messages forth and replies back.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use crate::Failure;
use crate::frames::{Echo, Frames};

/// The patience for a connection and its handshake.
const PATIENCE: Duration = Duration::from_secs(5);

const KEY: &str = "c3BvbGEgYmVuY2htYXJrcw==";
const ACCEPT: &str = "02gXFBPqpgAFxOfttHJnFhVA7zE=";

/// The longest response head that is read.
const MAX_HEAD: usize = 4096;

pub(super) struct Connection {
    stream: TcpStream,
    /// Where in the sequences the next bytes to send and to receive are.
    sent: usize,
    received: usize,
    /// Bytes that wait for room in the socket.
    unsent: usize,
    /// Whether epoll was last asked for that room.
    watched: bool,
    /// Messages under way: when a batch was sent, and how many of it are still out.
    waiting: VecDeque<(Instant, usize)>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, echo: Echo) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        match echo {
            Echo::Raw => {}
            Echo::WebSocket => handshake(&mut stream, address)?,
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            sent: 0,
            received: 0,
            unsent: 0,
            watched: false,
            waiting: VecDeque::new(),
        })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether bytes wait for room, if that has changed since the last call.
    pub(super) fn interest_changed(&mut self) -> Option<bool> {
        let blocked = self.unsent > 0;
        (blocked != self.watched).then(|| {
            self.watched = blocked;
            blocked
        })
    }

    /// Sends the next `count` messages in one write.
    pub(super) fn send(
        &mut self,
        frames: &Frames,
        count: usize,
        now: Instant,
    ) -> Result<(), Failure> {
        self.waiting.push_back((now, count));
        self.unsent += count * frames.sent_len();
        self.write(frames)
    }

    /// Writes what there is room for.
    pub(super) fn write(&mut self, frames: &Frames) -> Result<(), Failure> {
        while self.unsent > 0 {
            match self.stream.write(frames.to_send(self.sent, self.unsent)) {
                Ok(0) => return Err("the server takes no more bytes".into()),
                Ok(written) => {
                    self.sent = frames.advance_sent(self.sent, written);
                    self.unsent -= written;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads once, checks it, and tells how many replies it completed.
    pub(super) fn read(
        &mut self,
        frames: &mut Frames,
        buffer: &mut [u8],
    ) -> Result<usize, Failure> {
        let count = match self.stream.read(buffer) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let received = buffer.get(..count).unwrap_or_default();
        let (position, completed) = frames.verify(self.received, received)?;
        self.received = position;
        let owed: usize = self.waiting.iter().map(|(_, count)| count).sum();
        if completed > owed {
            return Err("more replies than messages".into());
        }
        Ok(completed)
    }

    /// Records how long the oldest `completed` messages took.
    pub(super) fn settle(&mut self, completed: usize, now: Instant, latencies: &mut Histogram) {
        let mut left = completed;
        while left > 0 {
            let Some((sent, count)) = self.waiting.front_mut() else {
                return;
            };
            let part = left.min(*count);
            latencies.record(now.duration_since(*sent), part as u64);
            *count -= part;
            left -= part;
            if *count == 0 {
                self.waiting.pop_front();
            }
        }
    }
}

/// Opens the WebSocket (RFC 6455 §4.1). The server has nothing to say before the first message, so
/// whatever it sends is the response's head.
fn handshake(stream: &mut TcpStream, address: SocketAddr) -> Result<(), Failure> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut buffer)?;
        head.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || head.len() > MAX_HEAD {
            return Err("the server does not complete the opening handshake".into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    if head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
        Ok(())
    } else {
        Err(format!("the server refuses the opening handshake: {head}").into())
    }
}
