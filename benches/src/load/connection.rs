//! One connection of the load: messages forth and replies back.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::histogram::Histogram;
use super::socketio::PING;
use crate::Failure;
use crate::replies::{Progress, Replies};
use crate::script::Script;

pub(super) struct Connection {
    stream: TcpStream,
    /// The number of the next message to send, and where in the script the next byte is.
    next: usize,
    sent: usize,
    /// Bytes that wait for room in the socket.
    unsent: usize,
    /// Whether epoll was last asked for that room.
    watched: bool,
    progress: Progress,
    /// Messages under way: when a batch was sent, and how many of it are still out.
    waiting: VecDeque<(Instant, usize)>,
    /// Replies since the window opened.
    replies: usize,
}

/// What one read brought.
#[derive(Clone, Copy, Default)]
pub(super) struct Received {
    pub(super) bytes: usize,
    /// Replies that it completed.
    pub(super) completed: usize,
}

impl Connection {
    /// Over a socket on which messages may be sent.
    pub(super) fn new(stream: TcpStream, progress: Progress) -> Result<Self, Failure> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            next: 0,
            sent: 0,
            unsent: 0,
            watched: false,
            progress,
            waiting: VecDeque::new(),
            replies: 0,
        })
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Replies since the last call.
    pub(super) fn take_replies(&mut self) -> usize {
        std::mem::take(&mut self.replies)
    }

    /// Whether bytes wait for room, if that has changed since the last call.
    pub(super) fn interest_changed(&mut self) -> Option<bool> {
        let blocked = self.unsent > 0;
        (blocked != self.watched).then(|| {
            self.watched = blocked;
            blocked
        })
    }

    /// So many replies are to come, to messages sent now.
    pub(super) fn expect(&mut self, count: usize, now: Instant) {
        self.waiting.push_back((now, count));
    }

    /// Sends the next `count` messages in one write.
    pub(super) fn send(
        &mut self,
        script: &Script,
        count: usize,
        now: Instant,
    ) -> Result<(), Failure> {
        self.expect(count, now);
        self.unsent += script.len_of(self.next, count);
        self.next = script.after(self.next, count);
        self.write(script)
    }

    /// Writes what there is room for.
    pub(super) fn write(&mut self, script: &Script) -> Result<(), Failure> {
        while self.unsent > 0 {
            match self.stream.write(script.bytes(self.sent, self.unsent)) {
                Ok(0) => return Err("the server takes no more bytes".into()),
                Ok(written) => {
                    self.sent = script.after_bytes(self.sent, written);
                    self.unsent -= written;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads once, and checks what came.
    pub(super) fn read(
        &mut self,
        replies: &mut Replies,
        buffer: &mut [u8],
    ) -> Result<Received, Failure> {
        let bytes = match self.stream.read(buffer) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Received::default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Received::default()),
            Err(error) => return Err(error.into()),
        };
        let received = buffer.get(..bytes).unwrap_or_default();
        let completed = replies.verify(&mut self.progress, received).or_else(|failure| {
            let rest = cut_ping(received).ok_or(failure)?;
            replies.verify(&mut self.progress, &rest)
        })?;
        let owed: usize = self.waiting.iter().map(|(_, count)| count).sum();
        if completed > owed {
            return Err("more replies than messages".into());
        }
        self.replies += completed;
        Ok(Received { bytes, completed })
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
/// The bytes without the ping among them, if there is one.
fn cut_ping(received: &[u8]) -> Option<Vec<u8>> {
    let at = received.windows(PING.len()).position(|bytes| bytes == PING)?;
    let (before, rest) = received.split_at(at);
    Some([before, rest.get(PING.len()..).unwrap_or_default()].concat())
}
