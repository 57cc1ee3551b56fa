use std::time::Instant;

use spola_engineio_packet::{Packet, PacketError, WebSocketMessage};

use super::{
    closing::{CLOSE, NOOP},
    io::{BinaryMode, CloseReason, Event, PostOutcome, UpgradeRefused, WebSocketEnd},
    session::Session,
    state::{Link, MIN_NOOP_INTERVAL, Polling, State, Upgrade, WebSocket, is_due},
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
            polling.upgrade = Some(Upgrade {
                binary,
                deadline: now.checked_add(self.config.upgrade_timeout),
                noop_at: None,
                pong_due: false,
                close_due: false,
            });
        }
        Ok(())
    }

    /// A message came over the session's WebSocket. The WebSocket layer has enforced
    /// [`max_payload`](crate::Config::max_payload).
    pub fn handle_websocket_message(&mut self, now: Instant, message: WebSocketMessage) {
        match &self.link {
            Link::WebSocket(websocket) if !websocket.close_due => {
                match self.dialect.of_websocket(message) {
                    Some(Ok(packet)) => self.handle_packet(now, packet),
                    Some(Err(_)) => self.finish(CloseReason::ParseError),
                    None => {}
                }
            }
            Link::Polling(Polling { upgrade: Some(upgrade), .. }) if !upgrade.close_due => {
                if let Some(packet) = self.dialect.of_websocket(message) {
                    self.handle_upgrade_packet(now, packet);
                }
            }
            Link::WebSocket(_) | Link::Polling(_) | Link::Gone { .. } => {}
        }
    }

    /// The session's WebSocket ended. During an upgrade, the session stays on polling; else it closes,
    /// and what is queued is dropped.
    pub fn handle_websocket_closed(&mut self, end: WebSocketEnd) {
        match &mut self.link {
            Link::Polling(polling) => polling.upgrade = None,
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

    fn handle_upgrade_packet(&mut self, now: Instant, packet: Result<Packet, PacketError>) {
        match packet {
            Ok(Packet::Ping { probe: true }) => self.handle_probe(now),
            Ok(Packet::Upgrade) => self.switch_to_websocket(),
            Ok(
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping { probe: false }
                | Packet::Pong { .. }
                | Packet::Message(_)
                | Packet::Noop,
            )
            | Err(_) => self.fail_upgrade(),
        }
    }

    fn handle_probe(&mut self, now: Instant) {
        let interval = self.config.noop_interval.max(MIN_NOOP_INTERVAL);
        if let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &mut self.link {
            upgrade.pong_due = true;
            upgrade.noop_at = now.checked_add(interval);
        }
    }

    fn switch_to_websocket(&mut self) {
        let Link::Polling(Polling { get, post, upgrade: Some(upgrade) }) = &mut self.link else {
            return;
        };
        let (get, post) = (get.take(), post.take());
        let Upgrade { binary, pong_due, .. } = *upgrade;
        self.link = Link::WebSocket(WebSocket { binary, pong_due, close_due: false });
        if let Some(id) = get {
            self.answer_get(id, self.dialect.fixed_response(CLOSE));
        }
        if let Some(post) = post {
            // Its packets could not be put in order with those of the WebSocket.
            self.answer_post(post.id, PostOutcome::Abort);
        }
        match self.state {
            State::Open => self.events.push(Event::Upgraded),
            State::Closing { .. } | State::Closed => self.finish(CloseReason::ForcedClose),
        }
    }

    fn fail_upgrade(&mut self) {
        if let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &mut self.link {
            upgrade.close_due = true;
        }
    }

    pub(super) fn handle_upgrade_timeout(&mut self, now: Instant) {
        let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &mut self.link else {
            return;
        };
        if upgrade.close_due || is_due(upgrade.deadline, now) {
            return self.fail_upgrade();
        }
        if !is_due(upgrade.noop_at, now) {
            return;
        }
        upgrade.noop_at = now.checked_add(self.config.noop_interval.max(MIN_NOOP_INTERVAL));
        self.flush_to_get();
        self.release_get();
    }

    /// Answers the pending GET, if there still is one, so that the client can end its polling.
    fn release_get(&mut self) {
        if let Link::Polling(polling) = &mut self.link
            && let Some(id) = polling.get.take()
        {
            self.answer_get(id, self.dialect.fixed_response(NOOP));
        }
    }
}
