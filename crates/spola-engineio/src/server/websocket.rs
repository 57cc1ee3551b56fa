use std::time::Instant;

use spola_engineio_packet::{Packet, PacketError, WebSocketMessage};

use super::{
    dialect::Dialect,
    io::{BinaryMode, CloseReason, Fault, UpgradeRefused, WebSocketEnd},
    session::Session,
    state::{Link, Polling, Probe, Upgrade, WebSocket},
};
use crate::config::Transport;

impl Session {
    /// A WebSocket came for an upgrade, and its 101 went out. The session polls on until the WebSocket
    /// has brought the packets of §7.
    ///
    /// # Errors
    /// The session takes none now. The WebSocket is not the session's: hand in nothing of it.
    pub fn handle_websocket_opened(
        &mut self,
        now: Instant,
        binary: BinaryMode,
    ) -> Result<(), UpgradeRefused> {
        if !self.accepts_upgrade() {
            return Err(UpgradeRefused);
        }
        if let Link::Polling(polling) = &mut self.link {
            let deadline = now.checked_add(self.config.upgrade_timeout);
            let to = Probe::WebSocket(WebSocket::new(binary));
            polling.upgrade = Some(Upgrade::new(to, deadline));
        }
        Ok(())
    }

    /// A message came over the session's WebSocket. The WebSocket layer has enforced
    /// [`max_payload`](crate::Config::max_payload).
    pub fn handle_websocket_message(&mut self, now: Instant, message: WebSocketMessage) {
        self.handle_websocket(now, |dialect| dialect.of_websocket(message));
    }

    /// The same for a text that is lent: what the session keeps of it is copied.
    pub fn handle_websocket_text(&mut self, now: Instant, text: &str) {
        self.handle_websocket(now, |dialect| Some(dialect.of_websocket_text(text)));
    }

    /// `decode` gives the packet; `None` if there is none to take.
    fn handle_websocket(
        &mut self,
        now: Instant,
        decode: impl FnOnce(&Dialect) -> Option<Result<Packet, PacketError>>,
    ) {
        match &self.link {
            Link::WebSocket(websocket) if !websocket.close_due => match decode(&self.dialect) {
                Some(Ok(packet)) => self.handle_packet(now, packet),
                Some(Err(_)) => self.fail(Fault::Malformed),
                None => {}
            },
            Link::Polling(Polling { upgrade: Some(upgrade), .. })
                if upgrade.is_to_websocket() && !upgrade.close_due =>
            {
                if let Some(packet) = decode(&self.dialect) {
                    self.handle_upgrade_packet(now, packet.ok().as_ref());
                }
            }
            Link::WebSocket(_) | Link::Polling(_) | Link::Sse(_) | Link::Gone { .. } => {}
        }
    }

    /// The session's WebSocket ended. During an upgrade, the session stays on polling; else it closes,
    /// and what is queued is dropped.
    pub fn handle_websocket_closed(&mut self, end: WebSocketEnd) {
        match &mut self.link {
            Link::Polling(polling) => {
                polling.upgrade.take_if(|upgrade| upgrade.is_to_websocket());
            }
            Link::Sse(_) => {}
            Link::WebSocket(_) => {
                self.outgoing.clear();
                self.link = Link::Gone { last: Transport::WebSocket, close_due: false };
                self.finish(match end {
                    WebSocketEnd::Closed => CloseReason::TransportClose,
                    WebSocketEnd::Failed => CloseReason::TransportError,
                });
            }
            Link::Gone { close_due, .. } => *close_due = false,
        }
    }
}
