//! By which connection what is sent to a socket goes: its own, or that by which its client came back.

use spola_socketio_packet::Encoded;

use crate::emit::EmitError;
use crate::outbound::{Event, Flags, Outbound};
use crate::recovery::Audience;
use crate::socket::Socket;

impl Socket {
    /// Sends an event. A volatile one may go nowhere.
    pub(crate) fn send(&self, event: Event, flags: Flags) -> Result<(), EmitError> {
        let sent =
            self.publish(event, flags, |socket, event| socket.deliver(event, flags.volatile));
        match sent {
            Err(EmitError::Full) if flags.volatile => Ok(()),
            sent => sent,
        }
    }

    /// Sends an event if there is room.
    pub(crate) fn try_send(&self, event: &Event) -> Result<(), EmitError> {
        self.publish(event.clone(), Flags::default(), |socket, event| {
            socket.session().try_send(socket.number(), event)
        })
    }

    /// Sends the answer to an event of this connection.
    pub(crate) fn answer(&self, packet: Encoded) -> Result<(), EmitError> {
        self.check_connected()?;
        let flags = Flags::default();
        let packet = Outbound::new(packet, flags.compress);
        self.deliver(packet, flags.volatile)
    }

    /// Hands a packet to the session.
    pub(crate) fn deliver(&self, packet: Outbound, volatile: bool) -> Result<(), EmitError> {
        self.session().send(self.number(), packet, volatile)
    }

    /// Becomes the socket by which the client came back, if it has.
    pub(crate) fn follow(&mut self) {
        if let Some(successor) = self.successor() {
            *self = successor;
        }
    }

    fn publish(
        &self,
        event: Event,
        flags: Flags,
        send: impl FnOnce(&Self, Outbound) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        let audience = || Audience::One(self.socket_id());
        self.namespace().publish(event, audience, flags, |event| {
            if self.is_connected() {
                return send(self, event);
            }
            let successor = self.successor().ok_or(EmitError::Disconnected)?;
            send(&successor, event)
        })
    }

    /// The socket by which the client came back, if this one has left.
    fn successor(&self) -> Option<Self> {
        self.namespace().recovery().filter(|_| !self.is_connected())?;
        self.namespace().rooms().member(self.socket_id()).cloned()
    }

    pub(crate) fn check_connected(&self) -> Result<(), EmitError> {
        if self.is_connected() { Ok(()) } else { Err(EmitError::Disconnected) }
    }
}
