use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio_packet::{
    AckId, DecodeError, Encoded, Format, FormatDecoder, Namespace, Packet,
};

use super::{
    CloseReason, Config, Declined, DisconnectReason, Event, Revision, Violation,
    acks::Deadlines,
    legacy,
    slots::{Slots, State, Stay},
};
use crate::queue::Queue;

/// One client's Engine.IO session and the namespaces it joins, as the server sees them.
///
/// After any input or command poll [`poll_transmit`](Self::poll_transmit) and
/// [`poll_event`](Self::poll_event) until `None`, in this order, then ask
/// [`poll_timeout`](Self::poll_timeout). After [`Event::Closed`] inputs are ignored and commands
/// fail; what is left to transmit still goes out.
#[derive(Debug)]
pub struct Connection {
    pub(super) prefix: &'static str,
    pub(super) revision: Revision,
    pub(super) format: Format,
    pub(super) ack_timeout: Duration,
    binary_timeout: Duration,
    max_pending_connects: u32,
    pub(super) max_auth_bytes: u32,
    pub(super) max_namespaces: u32,
    pub(super) max_outstanding_acks: u32,
    pub(super) max_attachments: u32,
    pub(super) closed: Option<CloseReason>,
    decoder: FormatDecoder,
    pub(super) slots: Slots,
    /// Set until a namespace is joined for the first time.
    pub(super) connect_deadline: Option<Instant>,
    /// Set while attachments are due.
    binary_deadline: Option<Instant>,
    pub(super) ack_deadlines: Deadlines,
    events: Queue<Event>,
    pub(super) transmits: Queue<Encoded>,
}

impl Connection {
    /// A connection on a session that has just opened, in the default packet format.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self::with_format(Format::TEXT, config, now)
    }

    /// A connection whose packets have another format. Events and answers that are handed over
    /// encoded have to be in it, too.
    #[must_use]
    pub fn with_format(format: Format, config: Config, now: Instant) -> Self {
        let decoder = format.decoder(config.packets);
        let mut connection = Self {
            prefix: config.prefix,
            revision: config.revision,
            format,
            ack_timeout: config.ack_timeout,
            binary_timeout: config.binary_timeout,
            max_pending_connects: config.max_pending_connects,
            max_auth_bytes: config.packets.max_auth_bytes,
            max_namespaces: config.max_namespaces,
            max_outstanding_acks: config.max_outstanding_acks,
            max_attachments: config.packets.max_attachments,
            closed: None,
            decoder,
            slots: Slots::default(),
            connect_deadline: deadline(now, config.connect_timeout),
            binary_deadline: None,
            ack_deadlines: Deadlines::default(),
            events: Queue::new(),
            transmits: Queue::new(),
        };
        if config.revision == Revision::V4 {
            connection.handle_connect(Namespace::root(), None);
        }
        connection
    }

    /// A text message came (without what the layer below puts in front of it).
    pub fn handle_text(&mut self, now: Instant, text: ByteString) {
        if self.is_closed() {
            return;
        }
        if self.revision == Revision::V4
            && matches!(&self.decoder, FormatDecoder::Text(decoder) if !decoder.is_pending())
            && let Some(name) = legacy::connect_name(&text)
        {
            return self.handle_legacy_connect(name);
        }
        match self.decoder.decode_text(text) {
            Ok(Some(packet)) => self.handle_any_packet(packet),
            Ok(None) => self.await_attachments(now),
            Err(error) => self.malformed(error),
        }
    }

    /// A binary message came: an attachment, or in other formats a packet.
    pub fn handle_binary(&mut self, now: Instant, data: Bytes) {
        if self.is_closed() {
            return;
        }
        match self.decoder.decode_binary(data) {
            Ok(Some(packet)) => self.handle_any_packet(packet),
            Ok(None) => self.await_attachments(now),
            Err(error) => self.malformed(error),
        }
    }

    /// What carried the connection is gone, or was taken away to shut the server down.
    pub fn handle_closed(&mut self, reason: DisconnectReason) {
        self.finish(CloseReason::Transport(reason));
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. Early and repeated calls do
    /// nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.connect_deadline.is_some_and(|deadline| deadline <= now) {
            return self.finish(CloseReason::ConnectTimeout);
        }
        if self.binary_deadline.is_some_and(|deadline| deadline <= now) {
            return self.finish(CloseReason::BinaryTimeout);
        }
        while let Some((stay, ack)) = self.ack_deadlines.pop_expired(now) {
            if let Some((namespace, stay)) = self.slots.stay_by_id(stay) {
                stay.acks.remove(ack);
                self.events.push(Event::AckTimedOut { namespace: namespace.clone(), ack });
            }
        }
    }

    /// The next packet to send, its text first and then its attachments.
    #[must_use]
    pub fn poll_transmit(&mut self) -> Option<Encoded> {
        self.transmits.pop()
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) and [`poll_event`](Self::poll_event) would give
    /// nothing.
    #[inline]
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.transmits.is_empty() && self.events.is_empty()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; `None` for no need.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = [self.connect_deadline, self.binary_deadline, self.ack_deadlines.first()];
        timers.into_iter().flatten().min()
    }

    /// Bytes that are kept of a packet whose attachments are due; `None` if none are.
    #[inline]
    #[must_use]
    pub fn incomplete_len(&self) -> Option<usize> {
        self.decoder.pending_len()
    }

    /// Whether the client has joined this namespace.
    #[must_use]
    pub fn is_joined(&self, namespace: &Namespace) -> bool {
        matches!(self.slots.state(namespace), Some(State::Joined(_)))
    }

    /// Whether a CONNECT for a namespace waits to be accepted or refused.
    #[must_use]
    pub fn is_requested(&self, namespace: &Namespace) -> bool {
        !self.is_closed() && matches!(self.slots.state(namespace), Some(State::Pending))
    }

    /// The namespaces joined, in order of name.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.slots.joined()
    }

    /// Whether the connection is over, even if [`Event::Closed`] has not been polled yet.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Why it is over, if it is: already while the events of its end are polled.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.closed
    }

    /// Handles a packet of whatever revision the client speaks.
    fn handle_any_packet(&mut self, packet: Packet) {
        match self.revision {
            Revision::V5 => self.handle_packet(packet),
            Revision::V4 => match legacy::normal_packet(packet) {
                Ok(packet) => self.handle_packet(packet),
                Err(error) => self.malformed(error.into()),
            },
        }
    }

    fn handle_packet(&mut self, packet: Packet) {
        self.binary_deadline = None;
        match packet {
            Packet::Event { namespace, ack, data } => match self.slots.state(&namespace) {
                Some(State::Joined(_)) => {
                    self.events.push(Event::Received { namespace, ack, data });
                }
                Some(State::Ended { .. }) => {}
                Some(State::Pending) | None => self.violation(Violation::NotJoined),
            },
            Packet::Ack { namespace, ack, data } => match self.slots.state(&namespace) {
                Some(State::Joined(_)) => {
                    let awaited = self.settle(&namespace, ack);
                    self.events.push(match awaited {
                        true => Event::Acked { namespace, ack, data },
                        false => Event::Declined(Declined::UnknownAck),
                    });
                }
                Some(State::Ended { .. }) => {}
                Some(State::Pending) | None => self.violation(Violation::NotJoined),
            },
            Packet::Connect { namespace, auth } => self.handle_connect(namespace, auth),
            Packet::Disconnect { namespace } => self.handle_disconnect(namespace),
            Packet::ConnectError { .. } => self.violation(Violation::ConnectErrorFromClient),
        }
    }

    pub(super) fn handle_connect(&mut self, namespace: Namespace, auth: Option<ByteString>) {
        if let Some(State::Pending | State::Joined(_)) = self.slots.state(&namespace) {
            return self.violation(Violation::DuplicateConnect);
        }
        let pending = self.slots.count(|state| matches!(state, State::Pending));
        let present = self.slots.count(|state| !matches!(state, State::Ended { .. }));
        let declined = if pending >= self.max_pending_connects as usize {
            Some(Declined::PendingConnects)
        } else if present >= self.max_namespaces as usize {
            Some(Declined::Namespaces)
        } else {
            None
        };
        if let Some(declined) = declined {
            self.events.push(Event::Declined(declined));
            // The namespace may have been left ended: what follows there is still ignored.
            return self.send_refusal(&namespace, "too many namespaces", None);
        }
        self.slots.request(&namespace);
        self.events.push(Event::ConnectRequested { namespace, auth });
    }

    fn handle_disconnect(&mut self, namespace: Namespace) {
        match self.slots.state(&namespace) {
            Some(State::Joined(_)) => {
                if let Some(State::Joined(stay)) = self.slots.remove(&namespace) {
                    self.leave(namespace, stay, DisconnectReason::ClientNamespaceDisconnect);
                }
            }
            Some(State::Ended { .. }) => {}
            Some(State::Pending) | None => self.violation(Violation::NotJoined),
        }
    }

    /// A packet goes on in the next message: all of it has to be there in time. Its namespace is
    /// checked now, not after its attachments.
    fn await_attachments(&mut self, now: Instant) {
        if self.binary_deadline.is_some() {
            return;
        }
        let name = self.decoder.pending_namespace().map(|name| match self.revision {
            Revision::V5 => Ok(Cow::Borrowed(name)),
            Revision::V4 => legacy::normal(name),
        });
        let name = match name.transpose() {
            Ok(name) => name,
            Err(error) => return self.malformed(error.into()),
        };
        let joined = name.is_none_or(|name| {
            matches!(self.slots.state(&name), Some(State::Joined(_) | State::Ended { .. }))
        });
        if !joined {
            return self.violation(Violation::NotJoined);
        }
        self.binary_deadline = deadline(now, self.binary_timeout);
    }

    /// Forgets an acknowledgement and its deadline. False if it was not awaited.
    pub(super) fn settle(&mut self, namespace: &Namespace, ack: AckId) -> bool {
        let Some(stay) = self.slots.stay_mut(namespace) else {
            return false;
        };
        let Some(deadline) = stay.acks.remove(ack) else {
            return false;
        };
        let id = stay.id;
        self.ack_deadlines.remove(deadline, id, ack);
        true
    }

    pub(super) fn leave(&mut self, namespace: Namespace, stay: Stay, reason: DisconnectReason) {
        let mut unanswered = Vec::with_capacity(stay.acks.len());
        for (ack, deadline) in stay.acks.into_all() {
            self.ack_deadlines.remove(deadline, stay.id, ack);
            unanswered.push(ack);
        }
        self.events.push(Event::Disconnected { namespace, reason, unanswered });
    }

    fn malformed(&mut self, error: DecodeError) {
        self.finish(CloseReason::Malformed(error));
    }

    fn violation(&mut self, violation: Violation) {
        self.finish(CloseReason::Violation(violation));
    }

    pub(super) fn finish(&mut self, reason: CloseReason) {
        if self.is_closed() {
            return;
        }
        self.closed = Some(reason);
        self.connect_deadline = None;
        self.binary_deadline = None;
        self.ack_deadlines.clear();
        self.decoder = FormatDecoder::default();
        for (namespace, stay) in self.slots.drain() {
            self.leave(namespace, stay, reason.disconnect_reason());
        }
        self.events.push(Event::Closed(reason));
    }
}

/// When a timer that starts now runs out; a zero timer never starts.
fn deadline(now: Instant, timeout: Duration) -> Option<Instant> {
    if timeout.is_zero() { None } else { now.checked_add(timeout) }
}
