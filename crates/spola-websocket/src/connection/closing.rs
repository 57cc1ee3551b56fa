use std::{mem, time::Instant};

use super::Connection;
use crate::{CloseFrame, CloseReason, Violation};

/// How far the connection's end has come.
#[derive(Debug)]
pub(super) enum State {
    Open,
    /// Our Close frame is out, the peer's is awaited.
    CloseSent {
        deadline: Option<Instant>,
    },
    /// In a client: both Close frames have passed, the server is to hang up (RFC 6455 §7.1.1).
    Draining {
        deadline: Option<Instant>,
        reason: Box<CloseReason>,
    },
    /// The last event is due.
    Ending(Box<CloseReason>),
    Closed,
}

impl State {
    /// Whether what comes in is looked at.
    pub(super) const fn reads(&self) -> bool {
        matches!(self, Self::Open | Self::CloseSent { .. })
    }
}

impl Connection {
    /// The peer will send nothing more: the transport's read side has ended.
    pub fn handle_eof(&mut self, _now: Instant) {
        match mem::replace(&mut self.state, State::Closed) {
            State::Open | State::CloseSent { .. } => self.end(CloseReason::Eof),
            State::Draining { reason, .. } => self.state = State::Ending(reason),
            over @ (State::Ending(_) | State::Closed) => self.state = over,
        }
    }

    /// The last event, if it is due.
    pub(super) fn take_end(&mut self) -> Option<CloseReason> {
        let State::Ending(reason) = &mut self.state else {
            return None;
        };
        let reason = mem::replace(&mut **reason, CloseReason::Eof);
        self.state = State::Closed;
        Some(reason)
    }

    pub(super) fn close_timeout(&mut self, now: Instant) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        match &mut self.state {
            State::CloseSent { deadline } if due(*deadline) => self.end(CloseReason::CloseTimeout),
            State::Draining { deadline, reason } if due(*deadline) => {
                let reason = mem::replace(reason, Box::new(CloseReason::Eof));
                self.state = State::Ending(reason);
            }
            State::Open
            | State::CloseSent { .. }
            | State::Draining { .. }
            | State::Ending(_)
            | State::Closed => {}
        }
    }

    pub(super) fn peer_closed(&mut self, now: Instant, frame: CloseFrame) {
        self.drop_input();
        let reason = if self.can_send() {
            self.writer.close(frame.code, "");
            CloseReason::Peer(frame)
        } else {
            CloseReason::Local(frame)
        };
        let reason = Box::new(reason);
        self.state = if self.writer.is_client() {
            State::Draining { deadline: self.close_deadline(now), reason }
        } else {
            State::Ending(reason)
        };
    }

    /// Fails the connection (RFC 6455 §7.1.7).
    #[cold]
    pub(super) fn fail(&mut self, violation: Violation) {
        if self.can_send() {
            self.writer.drop_waiting();
            self.writer.close(Some(violation.close_code()), "");
        }
        self.end(CloseReason::Violation(violation));
    }

    /// Ends a connection whose peer has fallen silent, and tells it, should it listen.
    pub(super) fn give_up(&mut self, reason: CloseReason) {
        let code = match reason {
            CloseReason::PongTimeout => spola_frame::CloseCode::INTERNAL_ERROR,
            CloseReason::IdleTimeout
            | CloseReason::Peer(_)
            | CloseReason::Local(_)
            | CloseReason::Violation(_)
            | CloseReason::Eof
            | CloseReason::CloseTimeout => spola_frame::CloseCode::GOING_AWAY,
        };
        self.writer.drop_waiting();
        self.writer.close(Some(code), "");
        self.end(reason);
    }

    fn end(&mut self, reason: CloseReason) {
        self.drop_input();
        self.state = State::Ending(Box::new(reason));
    }

    fn drop_input(&mut self) {
        self.reader.release();
        self.message_since = None;
    }

    pub(super) fn close_deadline(&self, now: Instant) -> Option<Instant> {
        now.checked_add(self.limits.close_timeout)
    }
}
