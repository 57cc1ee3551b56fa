//! What the application wants of a connection.

use std::time::{Duration, Instant};

use spola_socketio_packet::{AckId, Encoded, Namespace, Packet, RawValue};

use super::{
    CloseReason, Connection, DisconnectReason, Revision, SendError, legacy,
    slots::{State, Stay},
};

impl Connection {
    /// Lets the client join a namespace it asked for. `sid` is the public id of the new socket,
    /// not the session's.
    ///
    /// # Errors
    ///
    /// [`SendError::NotRequested`] without a CONNECT that waits.
    pub fn accept(&mut self, namespace: &Namespace, sid: &str) -> Result<(), SendError> {
        let reply = self.connect_reply(namespace, sid, None);
        self.join(namespace)?;
        self.transmits.push(reply);
        Ok(())
    }

    /// Lets the client join, and tells it by which secret id, `pid`, it may ask for this stay to be
    /// restored. A client that has just asked so gets the events that it missed first: the caller
    /// sends them now, before what [`poll_transmit`](Self::poll_transmit) gives next (§20.1). Not for
    /// clients of an older revision, which know nothing of it.
    ///
    /// # Errors
    ///
    /// [`SendError::NotRequested`] without a CONNECT that waits.
    pub fn accept_recoverable(
        &mut self,
        namespace: &Namespace,
        sid: &str,
        pid: &str,
    ) -> Result<(), SendError> {
        let reply = self.connect_reply(namespace, sid, Some(pid));
        self.join(namespace)?;
        self.transmits.push(reply);
        Ok(())
    }

    /// Turns down a CONNECT, with a message and data for the client. It may ask again.
    ///
    /// A client of revision 4 is told the data alone, or, if there is none, the message; that a
    /// namespace does not exist it hears in the words `Invalid namespace`, which go as in revision 5.
    ///
    /// # Errors
    ///
    /// [`SendError::NotRequested`] without a CONNECT that waits.
    pub fn refuse(
        &mut self,
        namespace: &Namespace,
        message: &str,
        data: Option<&RawValue>,
    ) -> Result<(), SendError> {
        self.check_pending(namespace)?;
        self.slots.remove(namespace);
        self.send_refusal(namespace, message, data);
        Ok(())
    }

    /// Sends an event that is encoded already, as for a broadcast: for this namespace, with the
    /// connection's prefix and without an acknowledgement id.
    ///
    /// # Errors
    ///
    /// Those of [`check_emit`](Self::check_emit).
    pub fn emit(&mut self, namespace: &Namespace, event: Encoded) -> Result<(), SendError> {
        self.check_emit(namespace, event.attachments.len())?;
        self.transmits.push(event);
        Ok(())
    }

    /// Whether an event with so many attachments may be sent now, by a caller who has it in the form
    /// that goes out, and sends it behind what [`poll_transmit`](Self::poll_transmit) gives.
    ///
    /// # Errors
    ///
    /// If the namespace is not joined, or these are too many attachments.
    pub fn check_emit(&self, namespace: &Namespace, attachments: usize) -> Result<(), SendError> {
        // In other formats than the default, clients have no such limit.
        if self.format.is_text() && attachments > self.max_attachments as usize {
            return Err(SendError::TooManyAttachments);
        }
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        if !self.is_joined(namespace) {
            return Err(SendError::NotJoined);
        }
        Ok(())
    }

    /// Awaits the acknowledgement of an event that is about to be sent with this id: for `timeout`,
    /// or for the configuration's `ack_timeout`. (A time beyond what the clock can express is none.)
    /// Settles by [`Event::Acked`], [`Event::AckTimedOut`] or [`Event::Disconnected`].
    ///
    /// Whoever has many connections in a namespace counts the ids for all of them: so one event goes
    /// to any number, encoded once, with one id.
    ///
    /// # Errors
    ///
    /// If the namespace is not joined, too many acknowledgements are awaited already, or one of this
    /// id is.
    ///
    /// [`Event::Acked`]: super::Event::Acked
    /// [`Event::AckTimedOut`]: super::Event::AckTimedOut
    /// [`Event::Disconnected`]: super::Event::Disconnected
    pub fn await_ack(
        &mut self,
        now: Instant,
        namespace: &Namespace,
        ack: AckId,
        timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        let limit = self.max_outstanding_acks as usize;
        let deadline = now.checked_add(timeout.unwrap_or(self.ack_timeout));
        let stay = self.joined(namespace)?;
        if stay.acks.contains(ack) {
            return Err(SendError::AckIdInUse);
        }
        if stay.acks.len() >= limit {
            return Err(SendError::TooManyAcks);
        }
        stay.acks.insert(ack, deadline);
        let id = stay.id;
        self.ack_deadlines.insert(deadline, id, ack);
        Ok(())
    }

    /// Awaits an acknowledgement no longer; nothing is reported of it. Does nothing if none of
    /// this id is awaited.
    pub fn cancel_ack(&mut self, namespace: &Namespace, ack: AckId) {
        self.settle(namespace, ack);
    }

    /// Sends the answer to an event that asked for one, encoded with the event's id. At most one
    /// answer for each event is the caller's duty.
    ///
    /// # Errors
    ///
    /// If the namespace is not joined, or the answer has too many attachments.
    pub fn acknowledge(&mut self, namespace: &Namespace, ack: Encoded) -> Result<(), SendError> {
        self.emit(namespace, ack)
    }

    /// Sends the client off a namespace, reported by [`Event::Disconnected`]. What it has under
    /// way there is ignored; it may join again.
    ///
    /// # Errors
    ///
    /// If the namespace is not joined.
    ///
    /// [`Event::Disconnected`]: super::Event::Disconnected
    pub fn disconnect(&mut self, namespace: &Namespace) -> Result<(), SendError> {
        self.joined(namespace)?;
        let Some(stay) = self.slots.end(namespace, self.max_namespaces as usize) else {
            return Err(SendError::NotJoined);
        };
        let packet = Packet::Disconnect { namespace: namespace.clone() };
        self.transmits.push(self.format.encode(self.prefix, &packet));
        self.leave(namespace.clone(), stay, DisconnectReason::ServerNamespaceDisconnect);
        Ok(())
    }

    /// Sends the client off every namespace and ends the connection. Without effect once it is
    /// over.
    pub fn close(&mut self) {
        for namespace in self.slots.joined() {
            let packet = Packet::Disconnect { namespace: namespace.clone() };
            self.transmits.push(self.format.encode(self.prefix, &packet));
        }
        self.finish(CloseReason::Command);
    }

    pub(super) fn send_refusal(
        &mut self,
        namespace: &Namespace,
        message: &str,
        data: Option<&RawValue>,
    ) {
        self.transmits.push(match self.revision {
            Revision::V5 => self.format.encode_connect_error(self.prefix, namespace, message, data),
            Revision::V4 => {
                legacy::connect_error(&self.format, self.prefix, namespace, message, data)
            }
        });
    }

    fn connect_reply(&self, namespace: &Namespace, sid: &str, pid: Option<&str>) -> Encoded {
        match self.revision {
            Revision::V5 => self.format.encode_connect_reply(self.prefix, namespace, sid, pid),
            Revision::V4 => legacy::connect_reply(&self.format, self.prefix, namespace),
        }
    }

    /// Turns a CONNECT that waits into a stay.
    fn join(&mut self, namespace: &Namespace) -> Result<(), SendError> {
        self.check_pending(namespace)?;
        self.slots.join(namespace);
        self.connect_deadline = None;
        Ok(())
    }

    fn joined(&mut self, namespace: &Namespace) -> Result<&mut Stay, SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        self.slots.stay_mut(namespace).ok_or(SendError::NotJoined)
    }

    fn check_pending(&self, namespace: &Namespace) -> Result<(), SendError> {
        if self.is_closed() {
            return Err(SendError::Closed);
        }
        match self.slots.state(namespace) {
            Some(State::Pending) => Ok(()),
            Some(State::Joined(_) | State::Ended { .. }) | None => Err(SendError::NotRequested),
        }
    }
}
