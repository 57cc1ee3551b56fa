//! From polling to another transport (§7).

use std::time::Instant;

use spola_engineio_packet::Packet;

use super::{
    closing::{CLOSE, NOOP},
    io::{BinaryMode, CloseReason, Event, PostOutcome},
    session::Session,
    state::{Link, MIN_NOOP_INTERVAL, Polling, Probe, State, Upgrade, is_due},
};

impl Session {
    /// Handles a packet on the transport of an upgrade, before the session has moved there; `None` is
    /// what is no packet.
    pub(super) fn handle_upgrade_packet(&mut self, now: Instant, packet: Option<&Packet>) {
        match packet {
            Some(Packet::Ping { probe: true }) => self.handle_probe(now),
            Some(Packet::Upgrade) => self.switch(),
            Some(
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping { probe: false }
                | Packet::Pong { .. }
                | Packet::Message(_)
                | Packet::Noop,
            )
            | None => self.fail_upgrade(),
        }
    }

    fn handle_probe(&mut self, now: Instant) {
        let interval = self.config.noop_interval.max(MIN_NOOP_INTERVAL);
        if let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &mut self.link {
            match &mut upgrade.to {
                Probe::WebSocket(websocket) => websocket.pong_due = true,
                Probe::Sse(sse) => sse.owe_pong(),
            }
            upgrade.noop_at = now.checked_add(interval);
        }
    }

    fn switch(&mut self) {
        let Link::Polling(Polling { get, post, upgrade }) = &mut self.link else {
            return;
        };
        let Some(upgrade) = upgrade.take() else {
            return;
        };
        let (get, post) = (get.take(), post.take());
        self.link = match upgrade.to {
            Probe::WebSocket(websocket) => {
                if websocket.binary == BinaryMode::Native {
                    self.outgoing.make_binary();
                }
                Link::WebSocket(websocket)
            }
            Probe::Sse(sse) => Link::Sse(sse),
        };
        if let Some(id) = get {
            self.answer_get(id, self.dialect.fixed_response(CLOSE));
        }
        if let Some(post) = post {
            // Its packets could not be put in order with those of the new transport.
            self.answer_post(post.id, PostOutcome::Abort);
        }
        match self.state {
            State::Open => self.events.push(Event::Upgraded),
            State::Closing { .. } | State::Closed { .. } => self.finish(CloseReason::ForcedClose),
        }
    }

    /// Gives the new transport up; the session polls on.
    pub(super) fn fail_upgrade(&mut self) {
        let Link::Polling(Polling { upgrade: Some(upgrade), .. }) = &mut self.link else {
            return;
        };
        upgrade.close_due = true;
        if let Upgrade { to: Probe::Sse(sse), .. } = upgrade
            && let Some(id) = sse.take_post()
        {
            self.answer_post(id, PostOutcome::Abort);
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
