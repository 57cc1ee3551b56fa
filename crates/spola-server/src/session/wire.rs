//! The session's WebSocket: bytes of an upgraded connection to messages, and back.

use std::cell::Cell;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf as _;
use hyper::rt::{Read, ReadBuf, Write};
use hyper::upgrade::{OnUpgrade, Upgraded};
use spola_engineio_packet::WebSocketMessage;
use spola_websocket::{CloseReason, Connection, Event, Message};

use crate::config::Config;

/// Bytes that one read may bring.
const READ_LEN: usize = 64 << 10;

/// Bytes that may wait in the connection before more packets are taken from the session.
const OUTPUT_LEN: usize = 256 << 10;

/// Slices that one vectored write may take.
const SLICES: usize = 32;

/// Time for a peer to close its side, and bytes it may still send, after we closed ours.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_LEN: usize = 4 << 20;

/// The WebSocket, on its way to be one, or done.
pub(crate) enum Wire {
    /// The response that switches protocols is being written, until the given moment.
    Opening(OnUpgrade, Instant),
    Open(Box<Line>),
}

/// What came of reading.
pub(super) enum Incoming {
    /// The protocols were switched.
    Opened,
    Message(WebSocketMessage),
    /// Nothing more will come. `clean` unless the peer broke the rules.
    Closed {
        clean: bool,
    },
}

/// An open WebSocket.
pub(crate) struct Line {
    io: Upgraded,
    connection: Connection,
    /// What was read and not yet parsed: borrowed from the thread, and returned when empty.
    input: Vec<u8>,
    parsed: usize,
    read: usize,
    /// When the last progress was made in writing, if something waits to be written.
    stalled_since: Option<Instant>,
    /// When it ends, whatever is left to write: set once the session has closed.
    end: Option<Instant>,
    close: CloseState,
}

enum CloseState {
    Open,
    /// `Closed` came out of the machine.
    Reported,
    /// Our side is shut; the peer's is read until it ends, so that it gets our last bytes.
    Lingering {
        until: Instant,
        read: usize,
    },
    Done,
}

impl Wire {
    /// A WebSocket to be, once the response is written.
    pub(crate) fn opening(upgrade: OnUpgrade, now: Instant, config: &Config) -> Self {
        Self::Opening(upgrade, now + config.engine.upgrade_timeout)
    }

    /// The next thing that comes in; pending once nothing is left to read.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        config: &Config,
    ) -> Poll<Incoming> {
        match self {
            Self::Opening(_, until) if now >= *until => {
                tracing::debug!("the protocol was not switched in time");
                Poll::Ready(Incoming::Closed { clean: false })
            }
            Self::Opening(upgrade, _) => match ready!(Pin::new(upgrade).poll(cx)) {
                Ok(io) => {
                    *self = Self::Open(Box::new(Line::new(io, config)));
                    Poll::Ready(Incoming::Opened)
                }
                Err(error) => {
                    tracing::debug!(%error, "the protocol was not switched");
                    Poll::Ready(Incoming::Closed { clean: false })
                }
            },
            Self::Open(line) => line.poll_next(cx, now),
        }
    }

    /// Whether the connection takes more packets now.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Opening(..) => false,
            Self::Open(line) => line.connection.buffered_amount() < OUTPUT_LEN,
        }
    }

    pub(super) fn send(&mut self, message: WebSocketMessage) {
        if let Self::Open(line) = self {
            let message = match message {
                WebSocketMessage::Text(text) => Message::Text(text),
                WebSocketMessage::Binary(data) => Message::Binary(data),
            };
            // An `Err` says that the connection is closing: its end is about to be reported.
            let _ = line.connection.send(message);
        }
    }

    /// Starts the closing handshake, without a status.
    pub(super) fn close(&mut self, now: Instant) {
        if let Self::Open(line) = self {
            let _ = line.connection.close_without_status(now);
        }
    }

    /// Ends it after `time`, whatever is left to write by then.
    pub(super) fn end_within(&mut self, now: Instant, time: Duration) {
        if let Self::Open(line) = self {
            line.end.get_or_insert(now + time);
        }
    }

    /// Writes what waits; `true` if the next thing to do is to read the peer's end, `Err` if the
    /// connection failed.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        match self {
            Self::Opening(..) => Ok(false),
            Self::Open(line) => line.flush(cx, now),
        }
    }

    /// Whether the connection has ended, and every byte for it has been written.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Open(line) if matches!(line.close, CloseState::Done))
    }

    /// Tells it that a timer may have run out; `true` if the peer has taken nothing for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> bool {
        let Self::Open(line) = self else { return false };
        line.connection.handle_timeout(now);
        let stalled = line.stalled_since.is_some_and(|since| now >= since + config.write_timeout);
        let lingered = matches!(line.close, CloseState::Lingering { until, .. } if now >= until);
        let overdue = line.end.is_some_and(|end| now >= end);
        if stalled || lingered || overdue {
            line.connection.handle_eof(now);
            line.close = CloseState::Done;
        }
        stalled
    }

    pub(super) fn poll_timeout(&self, config: &Config) -> Option<Instant> {
        let line = match self {
            Self::Opening(_, until) => return Some(*until),
            Self::Open(line) => line,
        };
        let linger = match line.close {
            CloseState::Lingering { until, .. } => Some(until),
            CloseState::Open | CloseState::Reported | CloseState::Done => None,
        };
        let stalled = line.stalled_since.map(|since| since + config.write_timeout);
        [line.connection.poll_timeout(), linger, stalled, line.end].into_iter().flatten().min()
    }
}

impl Line {
    fn new(io: Upgraded, config: &Config) -> Self {
        let mut settings = config.websocket.clone();
        settings.max_message_size = config.engine.max_payload;
        Self {
            io,
            connection: Connection::server(settings),
            input: Vec::new(),
            parsed: 0,
            read: 0,
            stalled_since: None,
            end: None,
            close: CloseState::Open,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Incoming> {
        loop {
            if let Some(incoming) = self.parse(now) {
                return Poll::Ready(incoming);
            }
            match self.close {
                CloseState::Open => {}
                CloseState::Reported | CloseState::Lingering { .. } => return self.linger(cx),
                CloseState::Done => return Poll::Pending,
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) => self.connection.handle_eof(now),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a connection failed");
                    self.connection.handle_eof(now);
                    self.close = CloseState::Done;
                }
            }
        }
    }

    /// Takes the next event out of what was read.
    fn parse(&mut self, now: Instant) -> Option<Incoming> {
        loop {
            let mut input = self.input.get_mut(self.parsed..self.read).unwrap_or_default();
            let event = self.connection.poll_event(now, &mut input);
            let incoming = match event? {
                Event::Text(text) => Some(WebSocketMessage::Text(text.into_byte_string())),
                Event::Binary(data) => Some(WebSocketMessage::Binary(data.into_bytes())),
                Event::Closed(reason) => {
                    if matches!(self.close, CloseState::Open) {
                        self.close = CloseState::Reported;
                    }
                    return Some(Incoming::Closed {
                        clean: !matches!(reason, CloseReason::Violation(_)),
                    });
                }
                _ => None,
            };
            self.parsed = self.read - input.len();
            if let Some(message) = incoming {
                return Some(Incoming::Message(message));
            }
        }
    }

    /// Reads into a buffer of the thread's, which is kept only while there is something in it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = std::mem::take(&mut self.input);
        if buffer.is_empty() {
            buffer = SCRATCH.take();
            buffer.resize(READ_LEN, 0);
        }
        let mut unfilled = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut self.io).poll_read(cx, unfilled.unfilled());
        (self.parsed, self.read) = (0, unfilled.filled().len());
        if self.read == 0 {
            SCRATCH.set(buffer);
        } else {
            self.input = buffer;
        }
        polled.map_ok(|()| self.read)
    }

    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> io::Result<bool> {
        // Asked for anew each time: a pong that waited for room may have joined it.
        while self.connection.output().has_remaining() {
            let output = self.connection.output();
            let io = Pin::new(&mut self.io);
            let polled = if output.chunk().len() == output.remaining() {
                // One slice, as nearly always: cheaper to write alone than as a list of one.
                io.poll_write(cx, output.chunk())
            } else {
                let mut slices = [io::IoSlice::new(&[]); SLICES];
                let used = output.chunks_vectored(&mut slices);
                io.poll_write_vectored(cx, &slices[..used])
            };
            let Poll::Ready(written) = polled else {
                self.stalled_since.get_or_insert(now);
                return Ok(false);
            };
            let written = written?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            output.advance(written);
            self.stalled_since = None;
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(flushed) => flushed?,
            Poll::Pending => return Ok(false),
        }
        if !matches!(self.close, CloseState::Reported) {
            return Ok(false);
        }
        self.end.get_or_insert(now + LINGER);
        let shut = Pin::new(&mut self.io).poll_shutdown(cx);
        if shut.is_ready() {
            // Should the peer be gone already, there is nobody left to tell.
            self.close = CloseState::Lingering { until: now + LINGER, read: 0 };
        }
        Ok(shut.is_ready())
    }

    /// Reads on until the peer's side ends: closing with unread input would make the kernel reset
    /// the connection, and our Close frame be lost.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let read = ready!(self.poll_read(cx)).unwrap_or(0);
            self.parsed = self.read;
            SCRATCH.set(std::mem::take(&mut self.input));
            let CloseState::Lingering { read: total, .. } = &mut self.close else {
                return Poll::Pending;
            };
            *total += read;
            if read == 0 || *total > LINGER_LEN {
                self.close = CloseState::Done;
                return Poll::Pending;
            }
        }
    }
}

thread_local! {
    /// The buffer that this thread's connections read into, one after the other.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
