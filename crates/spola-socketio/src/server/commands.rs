//! What the application wants of a connection.

use std::time::{Duration, Instant};

use spola_socketio_packet::{AckId, Data, Encoded, Namespace, Packet, RawValue};

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
        self.check_pending(namespace)?;
        self.slots.join(namespace);
        self.connect_deadline = None;
        self.transmits.push(match self.revision {
            Revision::V5 => self.format.encode_connect_reply(self.prefix, namespace, sid),
            Revision::V4 => legacy::connect_reply(&self.format, self.prefix, namespace),
        });
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
    /// If the namespace is not joined, or the event has too many attachments.
    pub fn emit(&mut self, namespace: &Namespace, event: Encoded) -> Result<(), SendError> {
        self.check_attachments(event.attachments.len())?;
        self.joined(namespace)?;
        self.transmits.push(event);
        Ok(())
    }

    /// Sends an event and awaits its acknowledgement: for `timeout`, or for the configuration's
    /// `ack_timeout`. (A time beyond what the clock can express is none.) Settles by
    /// [`Event::Acked`], [`Event::AckTimedOut`] or [`Event::Disconnected`].
    ///
    /// # Errors
    ///
    /// If the namespace is not joined, the event has too many attachments, too many
    /// acknowledgements are awaited already, or `data` is not an event's.
    ///
    /// [`Event::Acked`]: super::Event::Acked
    /// [`Event::AckTimedOut`]: super::Event::AckTimedOut
    /// [`Event::Disconnected`]: super::Event::Disconnected
    pub fn emit_with_ack(
        &mut self,
        now: Instant,
        namespace: &Namespace,
        data: &Data,
        timeout: Option<Duration>,
    ) -> Result<AckId, SendError> {
        if !data.is_event() {
            return Err(SendError::NotAnEvent);
        }
        self.check_attachments(data.attachments().len())?;
        self.check_room_for_ack(namespace)?;
        let ack = self.joined(namespace)?.acks.choose();
        self.await_ack(now, namespace, ack, timeout)?;
        self.transmits.push(self.format.encode_data(self.prefix, namespace, Some(ack), data));
        Ok(ack)
    }

    /// Sends an event that is encoded already, acknowledgement id included, and awaits the
    /// acknowledgement, like [`emit_with_ack`](Self::emit_with_ack). So one event goes with one
    /// id to many connections; the caller chooses ids from
    /// [`FIRST_SHARED_ACK`](Self::FIRST_SHARED_ACK) on.
    ///
    /// # Errors
    ///
    /// Those of `emit_with_ack`, and if the id is below that range or awaited already.
    pub fn emit_with_shared_ack(
        &mut self,
        now: Instant,
        namespace: &Namespace,
        ack: AckId,
        event: Encoded,
        timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        if ack.value() < Self::FIRST_SHARED_ACK {
            return Err(SendError::AckIdReserved);
        }
        self.check_attachments(event.attachments.len())?;
        self.check_room_for_ack(namespace)?;
        if self.joined(namespace)?.acks.contains(ack) {
            return Err(SendError::AckIdInUse);
        }
        self.await_ack(now, namespace, ack, timeout)?;
        self.transmits.push(event);
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

    fn await_ack(
        &mut self,
        now: Instant,
        namespace: &Namespace,
        ack: AckId,
        timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        let deadline = now.checked_add(timeout.unwrap_or(self.ack_timeout));
        let stay = self.joined(namespace)?;
        stay.acks.insert(ack, deadline);
        let id = stay.id;
        self.ack_deadlines.insert(deadline, id, ack);
        Ok(())
    }

    fn joined(&mut self, namespace: &Namespace) -> Result<&mut Stay, SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        self.slots.stay_mut(namespace).ok_or(SendError::NotJoined)
    }

    fn check_pending(&self, namespace: &Namespace) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::Closed);
        }
        match self.slots.state(namespace) {
            Some(State::Pending) => Ok(()),
            Some(State::Joined(_) | State::Ended { .. }) | None => Err(SendError::NotRequested),
        }
    }

    /// In other formats than the default, clients have no such limit.
    fn check_attachments(&self, count: usize) -> Result<(), SendError> {
        if self.format.is_text() && count > self.max_attachments as usize {
            return Err(SendError::TooManyAttachments);
        }
        Ok(())
    }

    fn check_room_for_ack(&mut self, namespace: &Namespace) -> Result<(), SendError> {
        let limit = self.max_outstanding_acks as usize;
        if self.joined(namespace)?.acks.len() >= limit {
            return Err(SendError::TooManyAcks);
        }
        Ok(())
    }
}
