use std::{fmt, mem, time::Instant};

use bytes::BufMut;
use spola_frame::{CloseCode, Opcode};

use crate::{
    CloseFrame, CloseReason, Config, Entropy, Event, Message, Output, Payload, Prepared, SendError,
    Violation,
    control_rate::ControlRate,
    reader::{Read, Reader},
    writer::Writer,
};

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
    config: Config,
    reader: Reader,
    writer: Writer,
    state: State,
    /// When the message in progress began to arrive.
    message_since: Option<Instant>,
    control_rate: ControlRate,
}

#[derive(Debug)]
enum State {
    Open,
    /// Our Close frame is out, the peer's is awaited.
    CloseSent {
        deadline: Option<Instant>,
    },
    /// In a client: both Close frames have passed, the server is to hang up (RFC 6455 §7.1.1).
    Draining {
        deadline: Option<Instant>,
        reason: Box<CloseReason>,
    },
    /// The last event is due.
    Ending(Box<CloseReason>),
    Closed,
}

impl Connection {
    /// The server's end: expects masked frames, sends unmasked ones.
    #[must_use]
    pub fn server(config: Config) -> Self {
        Self::new(config, Writer::new(None))
    }

    /// The client's end: masks each frame with a key from `entropy`, expects unmasked ones.
    #[must_use]
    pub fn client(config: Config, entropy: impl Entropy + Send + 'static) -> Self {
        Self::new(config, Writer::new(Some(Box::new(entropy))))
    }

    fn new(config: Config, writer: Writer) -> Self {
        Self {
            config,
            reader: Reader::default(),
            writer,
            state: State::Open,
            message_since: None,
            control_rate: ControlRate::default(),
        }
    }

    /// Takes bytes off the front of `input` until an event is ready. `None`: all of it is consumed.
    ///
    /// Call it until it returns `None`, then write the output and read more. Payloads are unmasked
    /// in place and borrow `input`, never `self`, so an answer can be sent while the event lives.
    /// Call it with an empty input after [`handle_eof`](Self::handle_eof),
    /// [`handle_timeout`](Self::handle_timeout) and a [`large_read`](Self::large_read).
    #[inline]
    #[must_use = "events may carry messages"]
    pub fn poll_event<'a>(&mut self, now: Instant, input: &mut &'a mut [u8]) -> Option<Event<'a>> {
        if matches!(self.state, State::Open) {
            if input.is_empty() && self.reader.is_idle() {
                return None;
            }
            match self.reader.read_whole(&self.config, !self.writer.is_client(), input) {
                Some(Ok(event)) => return Some(event),
                Some(Err(violation)) => self.fail(violation),
                None => {}
            }
        }
        self.poll_rest(now, input)
    }

    /// Everything but a whole message on an idle connection.
    fn poll_rest<'a>(&mut self, now: Instant, input: &mut &'a mut [u8]) -> Option<Event<'a>> {
        loop {
            match &mut self.state {
                State::Open | State::CloseSent { .. } => {}
                State::Draining { .. } | State::Closed => {
                    *input = &mut [];
                    return None;
                }
                State::Ending(reason) => {
                    *input = &mut [];
                    let reason = mem::replace(&mut **reason, CloseReason::Eof);
                    self.state = State::Closed;
                    return Some(Event::Closed(reason));
                }
            }
            match self.reader.read(&self.config, !self.writer.is_client(), input) {
                Ok(Read::NeedsInput) => {
                    self.watch(now);
                    return None;
                }
                Ok(Read::Message(event)) => {
                    self.message_since = None;
                    return Some(event);
                }
                Ok(Read::Control(opcode, payload)) => {
                    if let Some(event) = self.control(now, opcode, payload) {
                        return Some(event);
                    }
                }
                Err(violation) => self.fail(violation),
            }
        }
    }

    /// The peer will send nothing more: the transport's read side has ended.
    pub fn handle_eof(&mut self, _now: Instant) {
        match mem::replace(&mut self.state, State::Closed) {
            State::Open | State::CloseSent { .. } => self.end(CloseReason::Eof),
            State::Draining { reason, .. } => self.state = State::Ending(reason),
            over @ (State::Ending(_) | State::Closed) => self.state = over,
        }
    }

    /// The clock has moved, perhaps past [`poll_timeout`](Self::poll_timeout).
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        match &mut self.state {
            State::CloseSent { deadline } if due(*deadline) => self.end(CloseReason::CloseTimeout),
            State::Draining { deadline, reason } if due(*deadline) => {
                let reason = mem::replace(reason, Box::new(CloseReason::Eof));
                self.state = State::Ending(reason);
            }
            State::Open
            | State::CloseSent { .. }
            | State::Draining { .. }
            | State::Ending(_)
            | State::Closed => {}
        }
        if self.message_deadline().is_some_and(|deadline| deadline <= now) {
            self.fail(Violation::MessageTimeout);
        }
    }

    /// The moment to call [`handle_timeout`](Self::handle_timeout) at. It changes with every call:
    /// ask again after each.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let message = self.message_deadline();
        match self.state {
            State::Open => message,
            State::CloseSent { deadline } => message.into_iter().chain(deadline).min(),
            State::Draining { deadline, .. } => deadline,
            State::Ending(_) | State::Closed => None,
        }
    }

    /// While inside a large binary frame: where to read the socket straight into, saving a copy.
    ///
    /// Takes at most the rest of the frame. After reading into it, call
    /// [`poll_event`](Self::poll_event) with an empty input. `None` most of the time: read into a
    /// scratch buffer then, and always when unread input is left.
    #[must_use]
    pub fn large_read(&mut self) -> Option<impl BufMut + '_> {
        match self.state {
            State::Open | State::CloseSent { .. } => self.reader.large_read(),
            State::Draining { .. } | State::Ending(_) | State::Closed => None,
        }
    }

    /// Sends a message. A server queues a large payload without copying it; a client masks it in
    /// place if nobody else holds it.
    ///
    /// # Errors
    /// [`SendError::Closed`] once a Close frame was sent or received.
    pub fn send(&mut self, message: Message) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.message(message);
        Ok(())
    }

    /// Sends a text message, copying it into the output (and masking it in the same pass).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.frame(Opcode::Text, text.as_bytes());
        Ok(())
    }

    /// Sends a binary message, copying it into the output (and masking it in the same pass).
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    #[inline]
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.frame(Opcode::Binary, payload);
        Ok(())
    }

    /// Sends a message that was encoded before, for broadcasts.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.prepared(prepared);
        Ok(())
    }

    /// Sends a Ping frame with at most 125 bytes of payload; [`Event::Pong`] will repeat it.
    ///
    /// # Errors
    /// [`SendError::ControlTooLong`], or as for [`send`](Self::send).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.ping(payload)
    }

    /// Starts the closing handshake with a status and a reason of at most 123 bytes.
    ///
    /// Messages that the peer sent before its answer are still delivered.
    ///
    /// # Errors
    /// [`SendError::InvalidCloseCode`] for a code that is for reporting only,
    /// [`SendError::ControlTooLong`], or as for [`send`](Self::send).
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) -> Result<(), SendError> {
        if !code.may_be_sent() {
            return Err(SendError::InvalidCloseCode);
        }
        if reason.len() > 123 {
            return Err(SendError::ControlTooLong);
        }
        self.start_close(now, Some(code), reason)
    }

    /// Starts the closing handshake with an empty Close frame; the peer reports 1005.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn close_without_status(&mut self, now: Instant) -> Result<(), SendError> {
        self.start_close(now, None, "")
    }

    /// What wants to be written. Ask for it anew before each write: an answer that had to wait for
    /// room may have joined it.
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

    /// Whether [`Event::Closed`] has been handed out: once the output is written, hang up.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    #[inline]
    fn check_open(&self) -> Result<(), SendError> {
        if self.can_send() { Ok(()) } else { Err(SendError::Closed) }
    }

    fn start_close(
        &mut self,
        now: Instant,
        code: Option<CloseCode>,
        reason: &str,
    ) -> Result<(), SendError> {
        self.check_open()?;
        self.writer.close(code, reason);
        self.state = State::CloseSent { deadline: self.close_deadline(now) };
        Ok(())
    }

    /// Handles a whole control frame, answering it as RFC 6455 §5.5 asks.
    fn control<'a>(
        &mut self,
        now: Instant,
        opcode: Opcode,
        payload: Payload<'a>,
    ) -> Option<Event<'a>> {
        if self.reader.is_idle() {
            self.message_since = None;
        }
        if let Err(violation) = self.control_rate.count(now, &self.config) {
            self.fail(violation);
            return None;
        }
        match opcode {
            Opcode::Ping => {
                if self.can_send() {
                    self.writer.pong(&payload);
                }
                None
            }
            Opcode::Pong => Some(Event::Pong(payload)),
            Opcode::Close | Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                match CloseFrame::decode(&payload) {
                    Ok(frame) => self.peer_closed(now, frame),
                    Err(violation) => self.fail(violation),
                }
                None
            }
        }
    }

    fn peer_closed(&mut self, now: Instant, frame: CloseFrame) {
        self.drop_input();
        let reason = if self.can_send() {
            self.writer.close(frame.code, "");
            CloseReason::Peer(frame)
        } else {
            CloseReason::Local(frame)
        };
        let reason = Box::new(reason);
        self.state = if self.writer.is_client() {
            State::Draining { deadline: self.close_deadline(now), reason }
        } else {
            State::Ending(reason)
        };
    }

    /// Fails the connection (RFC 6455 §7.1.7).
    #[cold]
    fn fail(&mut self, violation: Violation) {
        if self.can_send() {
            self.writer.close(Some(violation.close_code()), "");
        }
        self.end(CloseReason::Violation(violation));
    }

    fn end(&mut self, reason: CloseReason) {
        self.drop_input();
        self.state = State::Ending(Box::new(reason));
    }

    fn drop_input(&mut self) {
        self.reader = Reader::default();
        self.message_since = None;
    }

    /// Notes when an incomplete message began.
    fn watch(&mut self, now: Instant) {
        if self.reader.is_idle() {
            self.message_since = None;
        } else if self.message_since.is_none() {
            self.message_since = Some(now);
        }
    }

    fn close_deadline(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.config.close_timeout)
    }

    fn message_deadline(&self) -> Option<Instant> {
        self.message_since?.checked_add(self.config.message_timeout?)
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
