//! The short way of packets through an idle session, as each broadcast goes it.

use std::task::Context;
use std::time::Instant;

use spola_engineio::Transport;

use super::task::SessionTask;
use super::wire::Wire;

impl SessionTask {
    /// A round in which others have nothing but packets sent, and these are written at once: so nothing
    /// but the WebSocket is looked at. `false` if there is more to do.
    pub(super) fn relay(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        // Both are looked at before either matters: so they come from memory at the same time.
        let is_idle = self.wire.as_ref().is_some_and(Wire::is_idle);
        let is_readable = self.handle.is_readable();
        if !self.calm || !is_idle || is_readable || !self.alarm.is_ahead(cx, now) {
            self.calm = false;
            return false;
        }
        let busy = self.carry_out(cx, now) | self.flush(cx, now);
        // Reading is to be tried again where not all could be written.
        self.calm = !busy && !self.untold && !self.readable;
        self.calm
    }

    /// Whether nothing is left to do with what there is, before something comes.
    pub(super) fn is_calm(&self) -> bool {
        let is_open =
            self.engine.status().is_some_and(|status| status.transport == Transport::WebSocket);
        is_open
            && self.wire.as_ref().is_some_and(Wire::is_idle)
            && !self.readable
            && self.running.len() == 0
            && self.streams.is_empty()
            && self.late_post.is_none()
            && !self.untold
            && self.is_drained()
    }
}
