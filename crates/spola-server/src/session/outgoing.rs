//! Packets on their way out: who is told of them, and how they get to the engine.

use std::sync::Arc;
use std::task::Context;

use spola_engineio::packet::{EncodedMessage, Message};
use spola_engineio::server as engine;
use spola_socketio::server::DisconnectReason;
use spola_socketio_packet::{self as packet, Data, Encoded, Packet};

use super::SocketNumber;
use super::candidate::Member;
use super::task::SessionTask;
use crate::context::OutgoingContext;
use crate::outbound::Outbound;
use crate::reject_reason::RejectReason;

impl SessionTask {
    /// Sends a packet of the application's. Nothing the machine wrote itself is left to go before it:
    /// a command begins with that machine drained.
    pub(super) fn emit(&mut self, cx: &mut Context<'_>, socket: SocketNumber, packet: Outbound) {
        if !self.outgoing(cx, socket, |task| task.event_of(&packet)) {
            return tracing::debug!("a packet was dropped: its socket has left");
        }
        // A socket that is there has joined its namespace: only attachments may be too many.
        let may_send =
            |member: &Member| self.may_send(member.socket.namespace().packet_name(), &packet);
        if packet.attachments() == 0 || self.numbered(socket).is_some_and(may_send) {
            self.send(packet);
        }
    }

    /// Tells the listeners of outgoing events of one that is about to go; `false` if its socket has
    /// left, so that it is for nobody.
    pub(super) fn outgoing(
        &mut self,
        cx: &mut Context<'_>,
        socket: SocketNumber,
        event: impl FnOnce(&Self) -> Option<Data>,
    ) -> bool {
        let Some(member) = self.numbered(socket) else {
            return false;
        };
        // Mostly nobody listens, and that is cheaper to see.
        if !member.has_outgoing && !self.handle.has_outgoing() {
            return true;
        }
        let (socket, handlers) = (member.socket.clone(), Arc::clone(member.socket.handlers()));
        let own = socket.own_listeners().map(|own| own.outgoing.clone()).unwrap_or_default();
        if own.is_empty() && !member.has_outgoing {
            return true;
        }
        let Some(data) = event(self) else { return true };
        for listener in handlers.listeners.outgoing.iter().chain(&own) {
            let context = OutgoingContext { socket: socket.clone(), data: data.clone() };
            self.untold |= self.running.quiet(cx, &listener.handler, context);
        }
        true
    }

    /// Whether an event may go to the socket in a namespace.
    pub(super) fn may_send(&self, name: &packet::Namespace, packet: &Outbound) -> bool {
        let checked = self.sockets.check_emit(name, packet.attachments());
        checked.inspect_err(|error| tracing::debug!(%error, "a packet was dropped")).is_ok()
    }

    /// Sends a packet of the machine's.
    pub(super) fn send_packet(&mut self, packet: Encoded) {
        // Other formats than the default may have no text; then there is none to send.
        if EncodedMessage::from_text(packet.text).is_ok_and(|text| !self.send_message(text)) {
            return;
        }
        let mut attachments = packet.attachments.into_iter().map(EncodedMessage::binary);
        attachments.all(|attachment| self.send_message(attachment));
    }

    /// Sends the messages of a packet.
    pub(super) fn send(&mut self, packet: Outbound) {
        let mode = self.engine.binary_mode();
        packet.each_message(mode, |message| self.send_message(message));
    }

    /// `false` if there is no point in sending more.
    fn send_message(&mut self, message: EncodedMessage) -> bool {
        match self.engine.send(message) {
            Ok(()) => return true,
            Err(engine::SendError::Full) => {
                self.sockets.handle_closed(DisconnectReason::TransportError);
                self.give_up(RejectReason::OutgoingHardCap);
            }
            Err(error) => tracing::debug!(%error, "a packet was dropped"),
        }
        false
    }

    /// The event that a packet was encoded from.
    pub(super) fn event_of(&self, packet: &Outbound) -> Option<Data> {
        let mut decoder = self.io.format().decoder(self.config.sockets.packets);
        let mut decoded = Ok(None);
        packet.clone().each_message(engine::BinaryMode::Native, |message| {
            decoded = match Message::from(message) {
                Message::Text(text) => decoder.decode_text(text),
                Message::Binary(data) => decoder.decode_binary(data),
            };
            decoded.is_ok()
        });
        match decoded.ok()?? {
            Packet::Event { data, .. } => Some(data),
            Packet::Connect { .. }
            | Packet::ConnectError { .. }
            | Packet::Disconnect { .. }
            | Packet::Ack { .. } => None,
        }
    }
}
