//! What others ask of a session. The session's task carries it out.

use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;
use spola_engineio::server::{BinaryMode, PollResponse, PostMark, PostOutcome, RequestId};
use spola_socketio_packet::AckId;

use super::load::Amount;
use super::{Asker, Switch};
use crate::outbound::Outbound;
use crate::stream::StreamWriter;

/// One wish. Most are packets to send, so the others do not make it larger.
pub(crate) enum Command {
    /// Sends an event, or the answer to one.
    Emit(SocketNumber, Outbound),
    /// Sends an event that asks for an answer.
    Ask(Box<Ask>),
    /// Ends a socket: the connection to its namespace.
    Disconnect(SocketNumber),
    /// Ends the session, as long as this socket is there.
    Close(SocketNumber),
    /// Ends the session because the server goes.
    Shutdown,
    /// Ends the task, whatever still runs in it.
    Abort,
    /// An upgrade request was accepted: this becomes the WebSocket.
    Upgrade(Box<Switch>, BinaryMode),
    Poll {
        id: RequestId,
        respond: oneshot::Sender<PollResponse>,
    },
    PollAborted(RequestId),
    /// A GET for an event stream, which `writer` writes.
    Stream {
        id: RequestId,
        last_event_id: Option<u64>,
        respond: oneshot::Sender<PollResponse>,
        writer: StreamWriter,
    },
    PostStarted {
        id: RequestId,
        content_type: Option<Bytes>,
        /// What a POST of an event stream's client says of itself.
        mark: Option<Box<PostMark>>,
        respond: oneshot::Sender<PostOutcome>,
    },
    Post {
        id: RequestId,
        body: Bytes,
    },
    PostTooLarge(RequestId),
    PostAborted(RequestId),
}

/// An event that asks for an answer.
pub(crate) struct Ask {
    pub(crate) socket: SocketNumber,
    pub(crate) event: Outbound,
    pub(crate) ack: AckId,
    /// How long to wait for the answer, if not as long as usual.
    pub(crate) timeout: Option<Duration>,
    pub(crate) asker: Asker,
}

impl Command {
    /// Whether nothing that the client has sent is to be looked at before it.
    pub(super) const fn is_end(&self) -> bool {
        matches!(self, Self::Disconnect(_) | Self::Close(_) | Self::Shutdown | Self::Abort)
    }

    /// What it adds to what waits to be sent.
    pub(super) fn amount(&self) -> Amount {
        match self {
            Self::Emit(_, event) => Amount::of(event),
            Self::Ask(ask) => Amount::of(&ask.event),
            Self::Disconnect(_)
            | Self::Close(_)
            | Self::Shutdown
            | Self::Abort
            | Self::Upgrade(..)
            | Self::Poll { .. }
            | Self::PollAborted(_)
            | Self::Stream { .. }
            | Self::PostStarted { .. }
            | Self::Post { .. }
            | Self::PostTooLarge(_)
            | Self::PostAborted(_) => Amount::default(),
        }
    }
}

/// Which of its session's sockets one is. What is meant for a socket never reaches the next one of its
/// namespace, which may come before the command is carried out, and with old clients under the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketNumber(pub(super) u32);

/// Commands in their order. The first takes no allocation: mostly it is the only one.
#[derive(Default)]
pub(super) struct Commands {
    first: Option<Command>,
    more: Vec<Command>,
}

impl Commands {
    /// What each of them weighs by itself, in bytes.
    pub(super) const WEIGHT: usize = 128;

    pub(super) fn push(&mut self, command: Command) {
        if self.first.is_none() {
            self.first = Some(command);
        } else {
            self.more.push(command);
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl IntoIterator for Commands {
    type Item = Command;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Command>, std::vec::IntoIter<Command>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}
