use std::time::Instant;

use super::{
    heartbeat::Heartbeat,
    io::{CloseReason, Event, PostOutcome},
    session::Session,
    state::{Link, State},
};
use crate::config::Transport;

/// The packets of an answer that no message is in.
pub(super) type Farewell = &'static [&'static str];

pub(super) const CLOSE: Farewell = &["1"];
pub(super) const NOOP: Farewell = &["6"];
pub(super) const NOOP_AND_CLOSE: Farewell = &["6", "1"];

impl Session {
    /// Closes the session, with the reason `forced close` (§9). What was sent before still goes out.
    ///
    /// Over a WebSocket, or over polling with a GET pending and nothing queued, it is closed at once.
    /// Else it waits for the GETs that take what is queued and then the close, at most
    /// [`polling_close_timeout`](crate::Config::polling_close_timeout); meanwhile nothing can be sent
    /// and packets from the client are ignored.
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.state, State::Open) {
            return;
        }
        self.flush_to_get();
        match &self.link {
            Link::Polling(polling) if polling.get.is_none() => {
                let deadline = now.checked_add(self.config.polling_close_timeout);
                self.state = State::Closing { deadline };
                self.heartbeat = Heartbeat::Stopped;
            }
            Link::Polling(_) | Link::WebSocket(_) | Link::Gone { .. } => {
                self.finish(CloseReason::ForcedClose);
            }
        }
    }

    /// Closes the session without waiting for a GET, with the reason `forced close`: for the
    /// server's shutdown. Over polling, what no GET took is dropped.
    pub fn discard(&mut self) {
        self.finish(CloseReason::ForcedClose);
    }

    /// Gives the session up, with the reason `transport error`, and drops what is queued: for a client
    /// that does not read, whose queue is full or whose socket takes nothing.
    pub fn abort(&mut self) {
        self.outgoing.clear();
        self.finish(CloseReason::TransportError);
    }

    /// Closes the session now. A pending GET gets what is queued, or else a close packet.
    pub(super) fn finish(&mut self, reason: CloseReason) {
        self.finish_with(reason, CLOSE);
    }

    /// Closes the session now. A pending GET gets what is queued, or else `farewell`.
    pub(super) fn finish_with(&mut self, reason: CloseReason, farewell: Farewell) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.flush_to_get();
        self.state = State::Closed;
        self.heartbeat = Heartbeat::Stopped;
        match &mut self.link {
            Link::Polling(polling) => {
                let (get, post) = (polling.get.take(), polling.post.take());
                let close_due = polling.upgrade.is_some();
                self.link = Link::Gone { last: Transport::Polling, close_due };
                self.outgoing.clear();
                if let Some(id) = get {
                    self.answer_get(id, self.dialect.fixed_response(farewell));
                }
                if let Some(post) = post {
                    self.answer_post(post.id, PostOutcome::Abort);
                }
            }
            Link::WebSocket(websocket) => websocket.close_due = true,
            Link::Gone { .. } => {}
        }
        self.events.push(Event::Closed(reason));
    }
}
