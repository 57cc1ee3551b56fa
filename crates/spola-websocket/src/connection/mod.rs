//! One end of a connection: its state, what comes in, what goes out, and when.

mod closing;
mod commands;
mod control;

use std::{fmt, num::NonZeroUsize, time::Instant};

use crate::{
    Chunk, ChunkEvent, CloseReason, Config, Entropy, Event, Output, Payload, Violation,
    config::Limits,
    control_rate::ControlRate,
    liveness::{Due, Liveness},
    reader::{Depth, Read, Reader, Rules, Whole},
    writer::Writer,
};
use closing::State;

/// One end of a WebSocket connection after its opening handshake, server or client.
///
/// ```text
///          our close            peer's Close
///   Open ────────────▶ CloseSent ────────────┐
///    │ peer's Close                           ▼     EOF, timeout
///    ├──────────────────────────▶ client: Draining ────────────▶ Ending ──Event::Closed──▶ Closed
///    │                            server: straight on ──────────▶   ▲
///    └── violation, EOF, timeout ───────────────────────────────────┘
/// ```
///
/// See the [crate's example](crate) for the loop around it.
pub struct Connection {
    limits: Limits,
    reader: Reader,
    writer: Writer,
    state: State,
    /// When the message in progress began to arrive.
    message_since: Option<Instant>,
    control_rate: ControlRate,
    /// Present if the peer's silence has consequences.
    liveness: Option<Box<Liveness>>,
}

/// What polling came to, at either depth.
enum Polled<'a> {
    Message(Event<'a>),
    Chunk(Chunk<'a>),
    Pong(Payload<'a>),
    Closed(CloseReason),
}

impl Connection {
    /// The server's end: expects masked frames, sends unmasked ones.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self::new(&config, None)
    }

    /// The client's end: masks each frame with a key from `entropy`, expects unmasked ones.
    #[must_use]
    pub fn client(config: Config, entropy: impl Entropy + Send + 'static) -> Self {
        Self::new(&config, Some(Box::new(entropy)))
    }

    fn new(config: &Config, entropy: Option<Box<dyn Entropy + Send>>) -> Self {
        let writer =
            Writer::new(entropy, config.fragment_size.map_or(usize::MAX, NonZeroUsize::get));
        Self {
            reader: Reader::default(),
            writer,
            state: State::Open,
            message_since: None,
            control_rate: ControlRate::default(),
            liveness: Liveness::of(config).map(Box::new),
            limits: Limits::of(config),
        }
    }

    /// Compresses as the two ends agreed in the opening handshake.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreement: &crate::deflate::Agreement) -> Self {
        self.reader.inflation.agree(agreement);
        self.writer.deflation.agree(agreement);
        self
    }

    /// Takes bytes off the front of `input` until an event is ready. `None`: all of it is consumed.
    ///
    /// Call it until it returns `None`, then write the output and read more. Payloads are unmasked
    /// in place and borrow `input`, never `self`, so an answer can be sent while the event lives.
    /// Call it with an empty input after [`handle_eof`](Self::handle_eof),
    /// [`handle_timeout`](Self::handle_timeout) and
    /// [`handle_large_read`](Self::handle_large_read), and once at the start.
    ///
    /// The rest of a message that [`poll_chunk`](Self::poll_chunk) began is skipped.
    #[inline]
    #[must_use = "events may carry messages"]
    pub fn poll_event<'a>(&mut self, now: Instant, input: &mut &'a mut [u8]) -> Option<Event<'a>> {
        if matches!(self.state, State::Open) {
            if input.is_empty() && self.reader.is_idle() {
                self.note_time(now, false);
                return None;
            }
            if let Some(whole) = self.find_whole(input) {
                return self.take_whole(now, whole, input);
            }
            self.note_time(now, !input.is_empty());
        }
        self.poll_any(now, input)
    }

    /// A message that lies whole, uncompressed and within the limits at the front of `input`, the bytes
    /// that were read and not yet consumed: [`take_whole`](Self::take_whole) hands it out.
    #[inline]
    #[must_use]
    pub fn find_whole(&self, input: &[u8]) -> Option<Whole> {
        if !self.can_send() {
            return None;
        }
        self.reader.find_whole(&self.limits, !self.writer.is_client(), input)
    }

    /// What [`poll_event`](Self::poll_event) gives where [`find_whole`](Self::find_whole) has found
    /// `whole` in the same input: the message, lent out of `input`, or `Closed` if its text is not
    /// UTF-8.
    #[inline]
    pub fn take_whole<'a>(
        &mut self,
        now: Instant,
        whole: Whole,
        input: &mut &'a mut [u8],
    ) -> Option<Event<'a>> {
        self.note_time(now, true);
        match whole.take(input)? {
            Ok(event) => {
                self.note_message();
                Some(event)
            }
            Err(violation) => {
                self.fail(violation);
                self.poll_any(now, input)
            }
        }
    }

    fn poll_any<'a>(&mut self, now: Instant, input: &mut &'a mut [u8]) -> Option<Event<'a>> {
        loop {
            return Some(match self.poll(now, Depth::Messages, input)? {
                Polled::Message(event) => event,
                Polled::Pong(payload) => Event::Pong(payload),
                Polled::Closed(reason) => Event::Closed(reason),
                Polled::Chunk(_) => continue,
            });
        }
    }

    /// As [`poll_event`](Self::poll_event), but hands messages out as they arrive, so that one of any
    /// size needs no more memory than a read.
    ///
    /// A message keeps the depth at which it began: what `poll_event` has put together so far comes
    /// as one chunk, once it is complete.
    #[must_use = "events may carry parts of messages"]
    pub fn poll_chunk<'a>(
        &mut self,
        now: Instant,
        input: &mut &'a mut [u8],
    ) -> Option<ChunkEvent<'a>> {
        if matches!(self.state, State::Open) {
            self.note_time(now, !input.is_empty());
        }
        Some(match self.poll(now, Depth::Chunks, input)? {
            Polled::Chunk(chunk) => ChunkEvent::Chunk(chunk),
            Polled::Pong(payload) | Polled::Message(Event::Pong(payload)) => {
                ChunkEvent::Pong(payload)
            }
            Polled::Closed(reason) | Polled::Message(Event::Closed(reason)) => {
                ChunkEvent::Closed(reason)
            }
            Polled::Message(Event::Text(text)) => ChunkEvent::Chunk(Chunk::whole_text(text)),
            Polled::Message(Event::Binary(data)) => ChunkEvent::Chunk(Chunk::whole_binary(data)),
        })
    }

    fn poll<'a>(
        &mut self,
        now: Instant,
        depth: Depth,
        input: &mut &'a mut [u8],
    ) -> Option<Polled<'a>> {
        loop {
            if !self.state.reads() {
                *input = &mut [];
                return self.take_end().map(Polled::Closed);
            }
            let masked = !self.writer.is_client();
            let rules = Rules { limits: &self.limits, masked, depth };
            match self.reader.read(&rules, input) {
                Ok(Read::NeedsInput) => {
                    self.watch(now);
                    return None;
                }
                Ok(Read::Message(event)) => {
                    self.message_since = None;
                    self.note_message();
                    return Some(Polled::Message(event));
                }
                Ok(Read::Chunk(chunk)) => {
                    self.watch(now);
                    self.note_message();
                    return Some(Polled::Chunk(chunk));
                }
                Ok(Read::Control(opcode, payload)) => {
                    if let Some(payload) = self.control(now, opcode, payload) {
                        return Some(Polled::Pong(payload));
                    }
                }
                Err(violation) => self.fail(violation),
            }
        }
    }

    /// While inside a large binary frame: where to read the socket straight into, saving a copy.
    ///
    /// It has room for at most the rest of the frame. After reading into its front, call
    /// [`handle_large_read`](Self::handle_large_read). `None` most of the time: read into a scratch
    /// buffer then, and always when unread input is left.
    #[must_use]
    pub fn large_read(&mut self) -> Option<&mut [u8]> {
        if self.state.reads() { self.reader.large_read() } else { None }
    }

    /// `len` bytes were read into what [`large_read`](Self::large_read) gave; now call
    /// [`poll_event`](Self::poll_event) with an empty input.
    pub fn handle_large_read(&mut self, now: Instant, len: usize) {
        if self.state.reads() {
            self.reader.read_large(len);
        }
        self.note_time(now, len > 0);
    }

    /// The clock has moved, perhaps past [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        self.close_timeout(now);
        if self.message_deadline().is_some_and(|deadline| deadline <= now) {
            self.fail(Violation::MessageTimeout);
        }
        if !self.can_send() {
            return;
        }
        match self.liveness.as_mut().and_then(|liveness| liveness.due(now)) {
            None => {}
            Some(Due::Ping) => {
                // A ping without a payload is never too long.
                let _ = self.writer.ping(&[]);
            }
            Some(Due::PongTimeout) => self.give_up(CloseReason::PongTimeout),
            Some(Due::IdleTimeout) => self.give_up(CloseReason::IdleTimeout),
        }
    }

    /// The moment to call [`handle_timeout`](Self::handle_timeout) at. It changes with every call:
    /// ask again after each.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let message = self.message_deadline();
        let own = match &self.state {
            State::Open => self.liveness.as_ref().and_then(|liveness| liveness.deadline()),
            State::CloseSent { deadline } => *deadline,
            State::Draining { deadline, .. } => return *deadline,
            State::Ending(_) | State::Closed => return None,
        };
        message.into_iter().chain(own).min()
    }

    /// Bytes of a message that has begun and is to be completed in time, as far as they are kept; `None`
    /// between messages. For figures: it changes with whatever is read.
    #[inline]
    #[must_use]
    pub fn incomplete_len(&self) -> Option<usize> {
        self.message_since?;
        Some(self.reader.kept_len())
    }

    /// What wants to be written. Ask for it anew before each write: an answer that had to wait for
    /// room, or the next frame of a large message, may have joined it.
    #[inline]
    pub fn output(&mut self) -> &mut Output {
        self.writer.output()
    }

    /// Bytes sent but not yet written.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.writer.buffered_amount()
    }

    /// Whether messages can still be sent: no Close frame was sent or received.
    #[must_use]
    pub fn can_send(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether the connection has ended: [`Event::Closed`] is the next event, or has been handed out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ending(_) | State::Closed)
    }

    /// Whether [`Event::Closed`] has been handed out: once the output is written, hang up.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Notes when an incomplete message began.
    fn watch(&mut self, now: Instant) {
        if !self.reader.is_timed() {
            self.message_since = None;
        } else if self.message_since.is_none() {
            self.message_since = Some(now);
        }
    }

    /// The time is `now`; `heard` says whether bytes have come.
    #[inline]
    fn note_time(&mut self, now: Instant, heard: bool) {
        if let Some(liveness) = &mut self.liveness {
            liveness.note(now, heard);
        }
    }

    #[inline]
    fn note_message(&mut self) {
        if let Some(liveness) = &mut self.liveness {
            liveness.message_passed();
        }
    }

    fn message_deadline(&self) -> Option<Instant> {
        self.message_since?.checked_add(self.limits.message_timeout?)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("buffered_amount", &self.buffered_amount())
            .finish_non_exhaustive()
    }
}
