use std::{
    mem,
    time::{Duration, Instant},
};

use spola_engineio_packet::WebSocketMessage;

use super::{
    io::{BinaryMode, Fault, RequestId, Transmit},
    sse::Sse,
};
use crate::config::Transport;

pub(super) const PROBE_ANSWER: WebSocketMessage = WebSocketMessage::from_static("3probe");

pub(super) const MIN_NOOP_INTERVAL: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) enum State {
    Open,
    /// Closed by the server over polling: the client is yet to be told. With nothing queued, the next
    /// GET gets the close.
    Closing {
        deadline: Option<Instant>,
    },
    /// `fault` says what the client did that it was closed for, if it was.
    Closed {
        fault: Option<Fault>,
    },
}

#[derive(Debug)]
pub(super) enum Link {
    Polling(Polling),
    WebSocket(WebSocket),
    /// Sessions of this kind are few, and the others small.
    Sse(Box<Sse>),
    /// No message can be sent any more. The session is closed.
    Gone {
        last: Transport,
        /// A WebSocket is to be closed.
        close_due: bool,
    },
}

#[derive(Debug)]
pub(super) struct Polling {
    /// The pending GET.
    pub(super) get: Option<RequestId>,
    /// The POST in progress.
    pub(super) post: Option<Post>,
    pub(super) upgrade: Option<Upgrade>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Post {
    pub(super) id: RequestId,
    /// Its body is a binary payload.
    pub(super) binary: bool,
}

#[derive(Debug)]
pub(super) struct WebSocket {
    pub(super) binary: BinaryMode,
    /// The probe that brought the session here is to be answered.
    pub(super) pong_due: bool,
    /// The session is closed, and a Close frame follows what is queued.
    pub(super) close_due: bool,
}

/// A transport that the session may move to.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) to: Probe,
    pub(super) deadline: Option<Instant>,
    /// Set by the probe.
    pub(super) noop_at: Option<Instant>,
    /// The upgrade failed, and the WebSocket or event stream is to be closed.
    pub(super) close_due: bool,
}

#[derive(Debug)]
pub(super) enum Probe {
    WebSocket(WebSocket),
    Sse(Box<Sse>),
}

impl WebSocket {
    pub(super) const fn new(binary: BinaryMode) -> Self {
        Self { binary, pong_due: false, close_due: false }
    }
}

impl Upgrade {
    pub(super) const fn new(to: Probe, deadline: Option<Instant>) -> Self {
        Self { to, deadline, noop_at: None, close_due: false }
    }

    pub(super) const fn is_to_websocket(&self) -> bool {
        matches!(self.to, Probe::WebSocket(_))
    }
}

impl Polling {
    /// What goes over the transport of an upgrade before the session moves there.
    pub(super) fn poll_upgrade(&mut self) -> Option<Transmit> {
        let upgrade = self.upgrade.as_mut()?;
        if upgrade.close_due {
            let upgrade = self.upgrade.take()?;
            return match upgrade.to {
                Probe::WebSocket(_) => Some(Transmit::CloseWebSocket),
                Probe::Sse(sse) => sse.end(),
            };
        }
        match &mut upgrade.to {
            Probe::WebSocket(websocket) => mem::take(&mut websocket.pong_due)
                .then_some(Transmit::WebSocketMessage(PROBE_ANSWER)),
            Probe::Sse(sse) => sse.answer_probe(),
        }
    }
}

pub(super) fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| at <= now)
}
