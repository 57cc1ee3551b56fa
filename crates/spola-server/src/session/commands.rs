//! What others ask of a session, and how its task carries it out.

use std::task::Context;
use std::time::{Duration, Instant};

use bytes::Bytes;
use spola_engineio::server::{BinaryMode, PostMark, RequestId};
use spola_socketio::server::DisconnectReason;
use spola_socketio_packet::AckId;

use super::load::Amount;
use super::task::SessionTask;
use super::transport::BACKLOG_LEN;
use super::{Asker, Switch};
use crate::outbound::Outbound;
use crate::reject_reason::RejectReason;
use crate::response::OCTETS;
use crate::stream::StreamWriter;

/// Bytes that commands may queue before what there is room for is written.
const QUEUE_LEN: usize = 256 << 10;

/// What a byte of a POST weighs while it waits for handlers to end: its packets may be tiny.
const POST_FACTOR: usize = 16;

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
    Poll(RequestId),
    PollAborted(RequestId),
    /// A GET for an event stream, which `writer` writes.
    Stream {
        id: RequestId,
        last_event_id: Option<u64>,
        writer: StreamWriter,
    },
    /// A POST, whose body may still be on its way.
    Post {
        id: RequestId,
        /// Its content type is that of binary payloads.
        octets: bool,
        /// What one of an event stream's client says of itself.
        mark: Option<Box<PostMark>>,
        body: Option<Bytes>,
    },
    PostBody {
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
            | Self::Poll(_)
            | Self::PollAborted(_)
            | Self::Stream { .. }
            | Self::Post { .. }
            | Self::PostBody { .. }
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

impl SessionTask {
    /// Carries out what others ask for. `true` if that brought more than packets to send: then the
    /// round has to begin anew.
    pub(super) fn carry_out(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some((commands, overflowed)) = self.handle.take() else {
            return false;
        };
        if overflowed && self.engine.status().is_some() {
            self.give_up(RejectReason::OutgoingHardCap);
            self.pump(cx, now);
        }
        let mut busy = false;
        for command in commands {
            // All that are sent in a row leave together, over polling in one response.
            if let Command::Emit(socket, packet) = command {
                self.emit(cx, socket, packet);
            } else {
                busy = true;
                self.command(cx, now, command);
            }
            if self.engine.buffered_amount() >= QUEUE_LEN {
                self.pump(cx, now);
                self.flush(cx, now);
                self.pump(cx, now);
            }
        }
        // Packets leave the machine of the namespaces as it was: only the engine has something to say.
        match busy || self.untold {
            true => self.pump(cx, now),
            false => while self.transmit(now) {},
        }
        busy
    }

    #[inline(never)]
    fn command(&mut self, cx: &mut Context<'_>, now: Instant, command: Command) {
        match command {
            Command::Emit(socket, packet) => self.emit(cx, socket, packet),
            Command::Ask(ask) => {
                // Dropped, it tells that the socket has left.
                if self.outgoing(cx, ask.socket, |task| task.event_of(&ask.event)) {
                    self.ask(now, *ask);
                }
            }
            Command::Disconnect(socket) => self.disconnect(socket),
            Command::Close(socket) if self.numbered(socket).is_some() => self.sockets.close(),
            Command::Close(_) => {}
            Command::Shutdown => self.shut(cx, now, DisconnectReason::ServerShuttingDown),
            Command::Abort => self.aborted = true,
            Command::Upgrade(switch, binary) => self.upgrade(now, *switch, binary),
            Command::Poll(id) => self.engine.handle_poll(id),
            Command::PollAborted(id) => self.engine.handle_poll_aborted(id),
            Command::Stream { id, last_event_id, writer } => {
                self.untold = true;
                self.streams.add(id, writer);
                self.engine.handle_stream(now, id, last_event_id);
            }
            Command::Post { id, octets, mark, body } => {
                let content_type = octets.then_some(OCTETS.as_bytes());
                match mark {
                    None => self.engine.handle_post_started(id, content_type),
                    Some(mark) => self.engine.handle_stream_post_started(id, content_type, *mark),
                }
                if let Some(body) = body {
                    self.post(now, id, body);
                }
            }
            Command::PostBody { id, body } => self.post(now, id, body),
            Command::PostTooLarge(id) => self.engine.handle_post_too_large(id),
            Command::PostAborted(id) => self.engine.handle_post_aborted(id),
        }
        self.pump(cx, now);
    }

    /// Takes the body of a POST in, unless the packets before it fill the backlog.
    pub(super) fn post(&mut self, now: Instant, id: RequestId, body: Bytes) {
        let weight = body.len().saturating_mul(POST_FACTOR);
        if self.held.is_some() && self.backlog.saturating_add(weight) > BACKLOG_LEN {
            self.late_post = Some(Box::new((id, body)));
            return;
        }
        self.backlog = self.backlog.saturating_add(weight);
        // It may end in the middle of a packet.
        self.untold = true;
        self.engine.handle_post(now, id, body);
    }

    /// Ends the session at once, without waiting for the client.
    fn shut(&mut self, cx: &mut Context<'_>, now: Instant, reason: DisconnectReason) {
        self.sockets.handle_closed(reason);
        self.engine.discard();
        self.pump(cx, now);
    }
}
