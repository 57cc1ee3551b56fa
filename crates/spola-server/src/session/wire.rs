//! The session's WebSocket: bytes of an upgraded connection to messages, and back.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::upgrade::OnUpgrade;
use spola_driver::upgrade::HyperIo;
use spola_driver::{Deflation, Line, deflating};
use spola_engineio_packet::WebSocketMessage;
use spola_websocket::{CloseReason, Compression, Connection, Event, Message, Text};

use crate::config::Config;
use crate::reject_reason::RejectReason;

/// Bytes that may wait in the connection before more packets are taken from the session.
const OUTPUT_LEN: usize = 256 << 10;

/// Bytes of a text up to which it is lent to the session.
const LENT_LEN: usize = 1024;

/// The WebSocket, on its way to be one, or done.
pub(crate) enum Wire {
    /// The response that switches protocols is being written, until the given moment if there is one.
    Opening(Switch, Option<Instant>),
    Open(Box<Line<HyperIo>>),
}

/// A connection that becomes a WebSocket once its response is written.
pub(crate) struct Switch {
    pub(crate) on: OnUpgrade,
    pub(crate) deflation: Deflation,
}

/// What came of reading.
pub(super) enum Incoming<'a> {
    /// The protocols were switched.
    Opened,
    /// A short text, which is cheaper to take a part out of than to own.
    Text(&'a str),
    Message(WebSocketMessage),
    /// Nothing that matters; there may be more.
    Nothing,
    /// Nothing more will come. `clean` unless the peer broke the rules.
    Closed {
        clean: bool,
        rejected: Option<RejectReason>,
    },
}

impl Wire {
    /// A WebSocket to be, once the response is written.
    pub(crate) fn opening(switch: Switch, now: Instant, config: &Config) -> Self {
        Self::Opening(switch, now.checked_add(config.engine.upgrade_timeout))
    }

    /// The next thing that comes in; pending once nothing is left to read.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        config: &Config,
    ) -> Poll<Incoming<'_>> {
        match self {
            Self::Open(line) => poll_line(line, cx, now),
            Self::Opening(..) => self.poll_open(cx, now, config),
        }
    }

    #[cold]
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        config: &Config,
    ) -> Poll<Incoming<'static>> {
        match self {
            Self::Opening(_, Some(until)) if now >= *until => {
                tracing::debug!("the protocol was not switched in time");
                let rejected = Some(RejectReason::Upgrade);
                Poll::Ready(Incoming::Closed { clean: false, rejected })
            }
            Self::Opening(switch, _) => match ready!(Pin::new(&mut switch.on).poll(cx)) {
                Ok(stream) => {
                    let line = open(HyperIo(stream), &switch.deflation, now, config);
                    *self = Self::Open(Box::new(line));
                    Poll::Ready(Incoming::Opened)
                }
                Err(error) => {
                    tracing::debug!(%error, "the protocol was not switched");
                    Poll::Ready(Incoming::Closed { clean: false, rejected: None })
                }
            },
            Self::Open(_) => Poll::Pending,
        }
    }

    /// Whether the connection takes more packets now.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Opening(..) => false,
            Self::Open(line) => line.buffered_amount() < OUTPUT_LEN,
        }
    }

    pub(super) fn send(&mut self, message: WebSocketMessage, compression: Compression) {
        if let Self::Open(line) = self {
            line.lend_output();
            let message = match message {
                WebSocketMessage::Text(text) => Message::Text(text),
                WebSocketMessage::Binary(data) => Message::Binary(data),
            };
            // An `Err` says that the connection is closing: its end is about to be reported.
            let _ = line.connection().send_with(message, compression);
        }
    }

    /// Bytes that are kept of a message that is not complete.
    #[inline]
    pub(super) fn incomplete_len(&self) -> Option<usize> {
        match self {
            Self::Opening(..) => None,
            Self::Open(line) => line.incomplete_len(),
        }
    }

    /// Bytes that wait to be written.
    pub(super) fn buffered_amount(&self) -> usize {
        match self {
            Self::Opening(..) => 0,
            Self::Open(line) => line.buffered_amount(),
        }
    }

    /// Whether it is open, and all that was sent is on its way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Self::Open(line) if line.buffered_amount() == 0)
    }

    /// Starts the closing handshake, without a status.
    pub(super) fn close(&mut self, now: Instant) {
        if let Self::Open(line) = self {
            let _ = line.connection().close_without_status(now);
        }
    }

    /// Ends it after `time`, whatever is left to write by then.
    pub(super) fn end_within(&mut self, now: Instant, time: Duration) {
        if let Self::Open(line) = self {
            line.end_within(now, time);
        }
    }

    /// Writes what waits, and parts from a peer that has closed.
    ///
    /// # Errors
    /// If the connection failed.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<io::Result<()>> {
        match self {
            Self::Opening(..) => Poll::Ready(Ok(())),
            Self::Open(line) if line.is_closed() => line.poll_end(cx, || now).map(Ok),
            Self::Open(line) => line.poll_flush(cx, || now),
        }
    }

    /// Whether the connection has ended, and every byte for it has been written.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Open(line) if line.is_done())
    }

    /// Tells it that a timer may have run out; `true` if the peer has taken nothing for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        match self {
            Self::Opening(..) => false,
            Self::Open(line) => line.handle_timeout(now),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Opening(_, until) => *until,
            Self::Open(line) => line.poll_timeout(),
        }
    }
}

fn open(stream: HyperIo, deflation: &Deflation, now: Instant, config: &Config) -> Line<HyperIo> {
    let mut settings = config.websocket.clone();
    settings.max_message_size = config.engine.max_payload;
    let connection = deflating(Connection::server(settings), deflation);
    let mut line = Line::new(stream, connection, Vec::new(), now);
    line.set_write_timeout(Some(config.write_timeout));
    line
}

fn poll_line<'a>(
    line: &'a mut Line<HyperIo>,
    cx: &mut Context<'_>,
    now: Instant,
) -> Poll<Incoming<'a>> {
    loop {
        if line.is_tired() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if line.is_due() {
            return Poll::Ready(line.next_event(|| now).map_or(Incoming::Nothing, incoming));
        }
        if line.is_closed() {
            let _ = line.poll_end(cx, || now);
            return Poll::Pending;
        }
        if let Err(error) = ready!(line.poll_fill(cx, || now)) {
            tracing::debug!(%error, "a connection failed");
            line.fail(now);
        }
    }
}

fn incoming(event: Event<'_>) -> Incoming<'_> {
    match event {
        Event::Text(Text::Borrowed(text)) if text.len() <= LENT_LEN => Incoming::Text(text),
        Event::Text(text) => Incoming::Message(WebSocketMessage::Text(text.into_byte_string())),
        Event::Binary(data) => Incoming::Message(WebSocketMessage::Binary(data.into_bytes())),
        Event::Pong(_) => Incoming::Nothing,
        Event::Closed(reason) => {
            let clean = !matches!(reason, CloseReason::Violation(_));
            Incoming::Closed { clean, rejected: RejectReason::of_websocket(&reason) }
        }
    }
}
