use std::time::Instant;

use spola_engineio_packet::WebSocketMessage;

use super::{
    heartbeat::Heartbeat,
    io::{CloseReason, Event, Fault, PostOutcome},
    session::Session,
    state::{Link, Probe, State, Upgrade},
};
use crate::config::Transport;

/// The packets of an answer that no message is in.
pub(super) type Farewell = &'static [&'static str];

pub(super) const CLOSE: Farewell = &["1"];
pub(super) const CLOSE_PACKET: WebSocketMessage = WebSocketMessage::from_static("1");
pub(super) const NOOP: Farewell = &["6"];
pub(super) const NOOP_AND_CLOSE: Farewell = &["6", "1"];

impl Session {
    /// Closes the session, with the reason `forced close` (§9). What was sent before still goes out.
    ///
    /// Over a WebSocket or an event stream, or over polling with a GET pending and nothing queued, it is
    /// closed at once.
    /// Else it waits for the GETs that take what is queued and then the close, at most
    /// [`polling_close_timeout`](crate::Config::polling_close_timeout); meanwhile nothing can be sent
    /// and packets from the client are ignored. So it waits, for what is left of
    /// [`resume_timeout`](crate::Config::resume_timeout), while an event stream is dropped.
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.state, State::Open) {
            return;
        }
        self.flush_to_get();
        if self.closes_at_once() {
            self.finish(CloseReason::ForcedClose);
        } else {
            let deadline = now.checked_add(self.config.polling_close_timeout);
            self.state = State::Closing { deadline };
            self.heartbeat = Heartbeat::Stopped;
        }
    }

    /// Whether [`close`](Self::close) would end the session there and then, instead of waiting for a
    /// request that tells the client.
    #[must_use]
    pub const fn closes_at_once(&self) -> bool {
        match &self.link {
            Link::Polling(polling) => polling.get.is_some(),
            Link::Sse(sse) => sse.has_stream(),
            Link::WebSocket(_) | Link::Gone { .. } => true,
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

    /// Closes the session now, for what its client did.
    pub(super) fn fail(&mut self, fault: Fault) {
        if !matches!(self.state, State::Closed { .. }) {
            self.finish(fault.close_reason());
            self.state = State::Closed { fault: Some(fault) };
        }
    }

    /// Closes the session now. A pending GET gets what is queued, or else a close packet.
    pub(super) fn finish(&mut self, reason: CloseReason) {
        self.finish_with(reason, CLOSE);
    }

    /// Closes the session now. A pending GET gets what is queued, or else `farewell`.
    pub(super) fn finish_with(&mut self, reason: CloseReason, farewell: Farewell) {
        if matches!(self.state, State::Closed { .. }) {
            return;
        }
        self.flush_to_get();
        self.state = State::Closed { fault: None };
        self.heartbeat = Heartbeat::Stopped;
        match &mut self.link {
            Link::Polling(polling) => {
                let (get, post) = (polling.get.take(), polling.post.take());
                let upgrade = polling.upgrade.take();
                let close_due = upgrade.as_ref().is_some_and(Upgrade::is_to_websocket);
                self.link = Link::Gone { last: Transport::Polling, close_due };
                self.outgoing.clear();
                if let Some(Upgrade { to: Probe::Sse(sse), .. }) = upgrade {
                    self.end_probe(sse);
                }
                if let Some(id) = get {
                    self.answer_get(id, self.dialect.fixed_response(farewell));
                }
                if let Some(post) = post {
                    self.answer_post(post.id, PostOutcome::Abort);
                }
            }
            Link::WebSocket(websocket) => websocket.close_due = true,
            Link::Sse(_) => self.finish_stream(),
            Link::Gone { .. } => {}
        }
        self.events.push(Event::Closed(reason));
    }
}
