use std::{mem, time::Instant};

use spola_engineio_packet::{EncodedMessage, Handshake, WebSocketMessage};

use super::{
    dialect::Dialect,
    heartbeat::{Heartbeat, Tick},
    io::{
        BinaryMode, CloseReason, Event, Fault, Opening, PollResponse, PostOutcome, RequestId,
        SendError, Transmit,
    },
    queue::{BURST, Outgoing, Queue},
    sse::Sse,
    state::{Link, PROBE_ANSWER, Polling, State, WebSocket, is_due},
};
use crate::{
    config::{Config, Transport},
    request::SessionStatus,
    revision::Revision,
    sid::Sid,
};

/// One Engine.IO session of a server.
///
/// See the [module](super) for how a session lives and how to drive it.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) sid: Sid,
    pub(super) dialect: Dialect,
    pub(super) state: State,
    pub(super) link: Link,
    pub(super) heartbeat: Heartbeat,
    /// What the application sent and no transport took yet.
    pub(super) outgoing: Outgoing,
    /// What goes out before anything of `outgoing`.
    pub(super) replies: Queue<Transmit, 1>,
    pub(super) events: Queue<Event, BURST>,
}

impl Session {
    /// Opens a session, and queues its open packet and [`Event::Opened`].
    ///
    /// `sid` must be unique among the server's sessions; `dialect` is what the request's check
    /// [said](crate::request::Verified::Open).
    #[must_use]
    pub fn new(
        sid: Sid,
        opening: Opening,
        dialect: Dialect,
        config: &Config,
        now: Instant,
    ) -> Self {
        let mut session = Self {
            config: config.clone(),
            sid,
            dialect,
            state: State::Open,
            link: match opening {
                Opening::Polling(_) => {
                    Link::Polling(Polling { get: None, post: None, upgrade: None })
                }
                Opening::WebSocket => Link::WebSocket(WebSocket::new(dialect.binary)),
                Opening::Sse(id) => Link::Sse(Box::new(Sse::new(now, id))),
            },
            heartbeat: Heartbeat::new(dialect.revision, now, config),
            outgoing: Outgoing::new(),
            replies: Queue::new(),
            events: Queue::new(),
        };
        session.events.push(Event::Opened);
        let initial = config.initial_packet.clone().map(EncodedMessage::into_wire);
        let first = [session.open_packet()].into_iter().chain(initial);
        match opening {
            Opening::Polling(id) => {
                let first: Vec<_> = first.collect();
                let len = first.iter().map(|packet| dialect.packet_len(packet) + 1).sum();
                let payload = dialect.payload(first.into_iter(), len);
                session.answer_get(id, PollResponse::Payload(payload));
            }
            Opening::Sse(id) => {
                session.start_stream(id);
                let first = first.map(EncodedMessage::from_wire);
                first.for_each(|packet| session.outgoing.push(packet));
            }
            Opening::WebSocket => {
                let first = first.map(EncodedMessage::from_wire);
                first.for_each(|packet| session.outgoing.push(packet));
            }
        }
        session
    }

    fn open_packet(&self) -> WebSocketMessage {
        let websocket = self.accepts_upgrade();
        let sse = self.dialect.knows_sse && self.accepts_stream();
        let upgrades: &[&str] = match (websocket, sse) {
            (false, false) => &[],
            (true, false) => &[Transport::WebSocket.as_str()],
            (false, true) => &[Transport::Sse.as_str()],
            (true, true) => &[Transport::WebSocket.as_str(), Transport::Sse.as_str()],
        };
        let handshake = Handshake {
            sid: self.sid.as_str(),
            upgrades,
            ping_interval: self.config.ping_interval,
            ping_timeout: self.config.ping_timeout,
            max_payload: self.config.max_payload,
        };
        handshake.to_packet()
    }

    /// How a binary message goes out that is sent now, unless the session upgrades before: where that is
    /// [`BinaryMode::Base64`], [`EncodedMessage::into_text`] spares the session the encoding.
    #[must_use]
    pub fn binary_mode(&self) -> BinaryMode {
        match &self.link {
            Link::WebSocket(websocket) => websocket.binary,
            Link::Polling(_) => self.dialect.binary_of_polls(),
            Link::Sse(_) => BinaryMode::Base64,
            Link::Gone { .. } => BinaryMode::Native,
        }
    }

    /// Queues a message. Nothing is copied.
    ///
    /// A binary one may come as text where [`binary_mode`](Self::binary_mode) says that it goes so.
    ///
    /// # Errors
    /// The session is not open, its queue is full, or the text cannot go over polling.
    pub fn send(&mut self, message: EncodedMessage) -> Result<(), SendError> {
        if !matches!(self.state, State::Open) {
            return Err(SendError::Closed);
        }
        let bytes = self.outgoing.bytes().saturating_add(message.len());
        if bytes > self.config.max_queued_bytes
            || self.outgoing.len() >= self.config.max_queued_packets
        {
            return Err(SendError::Full);
        }
        if matches!(self.link, Link::Polling(_)) && !self.dialect.can_poll(message.as_wire()) {
            return Err(SendError::Separator);
        }
        self.outgoing.push(message);
        Ok(())
    }

    /// Tells the session that one of its timers may have run out. Early, late and repeated calls are
    /// harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Closing { deadline } = self.state
            && is_due(deadline, now)
        {
            self.finish(CloseReason::ForcedClose);
        }
        self.handle_upgrade_timeout(now);
        self.handle_stream_timeout(now);
        match self.heartbeat.handle_timeout(now, &self.config) {
            Tick::Nothing => {}
            // The one thing that happens to an idle session, and so the time to free its memory.
            Tick::PingDue => self.release_memory(),
            Tick::TimedOut => {
                if matches!(self.link, Link::WebSocket(_) | Link::Sse(_)) {
                    // Nobody reads it.
                    self.outgoing.clear();
                }
                self.fail(Fault::PingTimeout);
            }
        }
    }

    /// The next answer to a request, one of what [`poll_transmit`](Self::poll_transmit) gives: for a
    /// driver whose WebSocket or event stream has no room now, as no request is to wait for that.
    #[must_use]
    pub fn poll_reply(&mut self) -> Option<Transmit> {
        self.replies.pop()
    }

    /// The next thing to write. Poll until `None` after every input and command, also after
    /// [`Event::Closed`].
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(reply) = self.poll_reply() {
            return Some(reply);
        }
        match &mut self.link {
            Link::Sse(_) => self.poll_stream(),
            Link::Polling(polling) => {
                let transmit = polling.poll_upgrade();
                if transmit.is_some() {
                    return transmit;
                }
                self.flush_to_get();
                self.replies.pop()
            }
            Link::WebSocket(websocket) => {
                if mem::take(&mut websocket.pong_due) {
                    return Some(Transmit::WebSocketMessage(PROBE_ANSWER));
                }
                if let Some(beat) = self.heartbeat.take_packet() {
                    return Some(Transmit::WebSocketMessage(beat));
                }
                if let Some(packet) = self.outgoing.pop() {
                    let compress = packet.may_compress();
                    let message = self.dialect.on_websocket(packet.into_wire(), websocket.binary);
                    return Some(match compress {
                        true => Transmit::WebSocketMessage(message),
                        false => Transmit::Uncompressed(message),
                    });
                }
                if websocket.close_due {
                    self.link = Link::Gone { last: Transport::WebSocket, close_due: false };
                    return Some(Transmit::CloseWebSocket);
                }
                None
            }
            Link::Gone { close_due, .. } => {
                mem::take(close_due).then_some(Transmit::CloseWebSocket)
            }
        }
    }

    /// The next event. Poll until `None` after every input and command.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event) would give
    /// nothing, as far as one sees at a glance: `true` is certain, `false` is not.
    #[inline]
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let transport_is = match &self.link {
            Link::WebSocket(websocket) => {
                let due = websocket.pong_due | websocket.close_due | self.heartbeat.packet_due();
                !due && self.outgoing.is_empty()
            }
            Link::Polling(polling) => {
                let due = polling.get.is_some() & self.heartbeat.packet_due();
                let sent = polling.get.is_none() || self.outgoing.is_empty();
                !due && sent && polling.upgrade.is_none()
            }
            Link::Sse(_) => false,
            Link::Gone { close_due, .. } => !close_due,
        };
        transport_is && self.replies.is_empty() && self.events.is_empty()
    }

    /// When to call [`Session::handle_timeout`]. `None` once the session is closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let closing = match self.state {
            State::Open => None,
            State::Closing { deadline } => deadline,
            State::Closed { .. } => return None,
        };
        let (upgrade, noop) = match &self.link {
            Link::Polling(Polling { upgrade: Some(upgrade), .. }) => {
                (upgrade.deadline, upgrade.noop_at)
            }
            Link::Sse(sse) => (sse.deadline(), None),
            Link::Polling(_) | Link::WebSocket(_) | Link::Gone { .. } => (None, None),
        };
        [closing, upgrade, noop, self.heartbeat.deadline()].into_iter().flatten().min()
    }

    /// Bytes of messages sent and not yet polled.
    #[must_use]
    pub const fn buffered_amount(&self) -> usize {
        self.outgoing.bytes()
    }

    /// How many messages were sent and not yet polled.
    #[must_use]
    pub fn queued_packets(&self) -> usize {
        self.outgoing.len()
    }

    /// Whether a message sent now would go out now: the session is open, nothing is queued, over
    /// polling a GET is pending, and an event stream is there. Volatile messages depend on it (§5.1).
    #[must_use]
    pub fn is_writable(&self) -> bool {
        matches!(self.state, State::Open)
            && self.outgoing.is_empty()
            && match &self.link {
                Link::Polling(polling) => polling.get.is_some(),
                Link::WebSocket(_) => true,
                Link::Sse(sse) => sse.is_writable(),
                Link::Gone { .. } => false,
            }
    }

    /// The session's id.
    #[must_use]
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The transport that the session uses now, or used last.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.link {
            Link::Polling(_) => Transport::Polling,
            Link::WebSocket(_) => Transport::WebSocket,
            Link::Sse(_) => Transport::Sse,
            Link::Gone { last, .. } => last,
        }
    }

    /// Whether a WebSocket may begin an upgrade now: the session polls, upgrades are allowed and none
    /// is under way. A session opened over a WebSocket never accepts one.
    #[must_use]
    pub const fn accepts_upgrade(&self) -> bool {
        self.may_upgrade() && self.config.transports.websocket
    }

    /// The same for an event stream.
    pub(super) const fn accepts_stream(&self) -> bool {
        let served = self.config.transports.sse && matches!(self.dialect.revision, Revision::V4);
        served && self.may_upgrade()
    }

    const fn may_upgrade(&self) -> bool {
        let polls = matches!(self.link, Link::Polling(Polling { upgrade: None, .. }));
        polls && self.config.allow_upgrades && matches!(self.state, State::Open)
    }

    /// What [`verify`](crate::request::verify) needs to know, or `None` if the session is closed.
    #[must_use]
    pub const fn status(&self) -> Option<SessionStatus> {
        if matches!(self.state, State::Closed { .. }) {
            return None;
        }
        Some(SessionStatus {
            transport: self.transport(),
            accepts_upgrade: self.accepts_upgrade(),
            revision: self.dialect.revision,
        })
    }

    /// What the client did that closed the session, if that was why: known with [`Event::Closed`].
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self.state {
            State::Closed { fault } => fault,
            State::Open | State::Closing { .. } => None,
        }
    }

    /// Frees what the queues keep, once in a while.
    pub(super) fn release_memory(&mut self) {
        self.outgoing.release();
        self.replies.release();
        self.events.release();
    }

    pub(super) fn answer_get(&mut self, id: RequestId, response: PollResponse) {
        self.replies.push(Transmit::PollResponse { id, response });
    }

    pub(super) fn answer_post(&mut self, id: RequestId, outcome: PostOutcome) {
        self.replies.push(Transmit::PostResponse { id, outcome });
    }
}
