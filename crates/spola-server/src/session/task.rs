//! The task that owns a session: its machines, its WebSocket, its timer and its handlers.
//!
//! Everything that happens to a session happens here, one thing after the other. The machines are
//! joined by [`SessionTask::pump`], which carries their outputs to each other until none is left.
//!
//! All that a message runs through does not fit into a processor's nearest cache of instructions, so what
//! is rare is cold, or out of line: here, and in the other files of the session.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use spola_engineio::packet::Message;
use spola_engineio::request::SessionStatus;
use spola_engineio::server::{self as engine, RequestId};
use spola_engineio::{Revision, Transport};
use spola_socketio::server::{self as sockets, DisconnectReason};
use spola_socketio_packet::{self as packet, AckId};

use super::alarm::Alarm;
use super::asker::Asker;
use super::candidate::Member;
use super::load::Amount;
use super::running::Running;
use super::streams::Streams;
use super::transport::{MESSAGE_LEN, MESSAGES};
use super::waiting::OPENING;
use super::wire::{Switch, Wire};
use super::{PACKET_PREFIX, SessionHandle};
use crate::config::Config;
use crate::io::Io;
use crate::reject_reason::RejectReason;
use crate::stream::StreamWriter;
use spola_driver::Runtime;

/// Rounds of work before others get their turn.
const BUDGET: usize = 16;

pub(crate) struct SessionTask {
    pub(super) io: Io,
    pub(super) config: Arc<Config>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) alarm: Alarm,
    pub(super) handle: Arc<SessionHandle>,
    pub(super) engine: engine::Session,
    pub(super) sockets: sockets::Connection,
    pub(super) wire: Option<Wire>,
    /// Is woken when there is something to read: the handle.
    pub(super) reading: Waker,
    /// Reading it may bring something; else its waker will tell.
    pub(super) readable: bool,
    /// What upgrade requests said of binary messages, until the WebSocket is open.
    pub(super) upgrade_binary: engine::BinaryMode,
    pub(super) streams: Streams,
    pub(super) members: Vec<Member>,
    pub(super) questions: HashMap<(packet::Namespace, AckId), Asker>,
    pub(super) running: Running,
    /// A message that waits for its turn, or for a handler to end. Those behind it wait in the
    /// engine.
    pub(super) held: Option<engine::Event>,
    /// What waits there, in bytes.
    pub(super) backlog: usize,
    /// A POST that came while the backlog was full.
    pub(super) late_post: Option<Box<(RequestId, Bytes)>>,
    /// Messages that may still be handed to the application in this round.
    pub(super) allowance: usize,
    /// What it holds may be other than it last told.
    pub(super) untold: bool,
    /// Nothing happens to it before a command comes, bytes, or the alarm: see
    /// [`relay`](SessionTask::relay).
    pub(super) calm: bool,
    /// The server does not wait for the handlers any more.
    pub(super) aborted: bool,
}

/// How a session begins.
pub(crate) enum Beginning {
    Polling,
    Sse(StreamWriter),
    WebSocket(Switch),
}

impl Beginning {
    /// The status of a session that begins like this.
    pub(crate) fn status(&self, revision: Revision) -> SessionStatus {
        let transport = match self {
            Self::Polling => Transport::Polling,
            Self::Sse(_) => Transport::Sse,
            Self::WebSocket(_) => Transport::WebSocket,
        };
        let accepts_upgrade = transport == Transport::Polling;
        SessionStatus { transport, accepts_upgrade, revision }
    }
}

impl SessionTask {
    pub(crate) fn new(
        io: Io,
        runtime: Arc<dyn Runtime>,
        handle: Arc<SessionHandle>,
        dialect: engine::Dialect,
        beginning: Beginning,
    ) -> Self {
        let config = Arc::clone(io.config());
        let (now, alarm) = (runtime.now(), Alarm::new(runtime.timer()));
        let mut streams = Streams::default();
        let (opening, wire) = match beginning {
            Beginning::Polling => (engine::Opening::Polling(OPENING), None),
            Beginning::Sse(writer) => {
                streams.add(OPENING, writer);
                (engine::Opening::Sse(OPENING), None)
            }
            Beginning::WebSocket(switch) => {
                (engine::Opening::WebSocket, Some(Wire::opening(switch, now, &config)))
            }
        };
        let engine = engine::Session::new(handle.sid(), opening, dialect, &config.engine, now);
        let mut settings = config.sockets;
        settings.prefix = PACKET_PREFIX;
        settings.revision = match dialect.revision {
            Revision::V4 => sockets::Revision::V5,
            Revision::V3 => sockets::Revision::V4,
        };
        let sockets = sockets::Connection::with_format(io.format().clone(), settings, now);
        Self {
            io,
            runtime,
            alarm,
            reading: Waker::from(Arc::clone(&handle)),
            handle,
            engine,
            sockets,
            wire,
            readable: true,
            upgrade_binary: engine::BinaryMode::Native,
            streams,
            members: Vec::new(),
            questions: HashMap::new(),
            running: Running::default(),
            held: None,
            backlog: 0,
            late_post: None,
            allowance: MESSAGES,
            untold: true,
            calm: false,
            aborted: false,
            config,
        }
    }

    /// One round: whatever there is to do now. `true` if there may be more.
    fn work(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        self.allowance = MESSAGES;
        self.carry_out(cx, now);
        while let Poll::Ready(done) = self.running.poll_done(cx) {
            self.untold = true;
            self.finish(cx, now, done);
        }
        self.pump(cx, now);
        if self.late_post.is_some() && self.held.is_none() {
            self.take_late_post(cx, now);
        }
        let mut busy = self.poll_streams(cx, now);
        busy |= self.read(cx, now);
        // What the handlers have sent so far goes out with this round.
        busy |= self.carry_out(cx, now);
        busy |= self.flush(cx, now);
        busy | (self.held.is_some() && !self.is_full())
    }

    #[cold]
    fn take_late_post(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Some(late) = self.late_post.take() {
            let (id, body) = *late;
            self.post(now, id, body);
            self.pump(cx, now);
        }
    }

    #[cold]
    fn handle_timeout(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.engine.handle_timeout(now);
        self.pump(cx, now);
        self.sockets.handle_timeout(now);
        let late = self.running.handle_timeout(now);
        self.io.meters().reject_many(RejectReason::AdmissionTimeout, late);
        self.streams.handle_timeout(now);
        self.readable = true;
        let stalled = self.wire.as_mut().is_some_and(|wire| wire.handle_timeout(now));
        if stalled && self.engine.transport() == Transport::WebSocket {
            self.give_up(RejectReason::WriteTimeout);
        }
        self.pump(cx, now);
    }

    /// Sets the timer for whatever is due first.
    fn set_alarm(&mut self) {
        let wire = self.wire.as_ref().and_then(|wire| wire.poll_timeout());
        let due = [
            self.engine.poll_timeout(),
            self.sockets.poll_timeout(),
            self.running.poll_timeout(),
            self.streams.poll_timeout(),
            wire,
        ];
        self.alarm.set(due.into_iter().fold(None, earlier));
    }

    /// Carries the outputs of each machine to the next, until all are drained.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>, now: Instant) {
        while !self.is_drained() {
            if !self.carry_one(cx, now) {
                return;
            }
        }
        self.backlog = 0;
    }

    pub(super) fn is_drained(&self) -> bool {
        self.sockets.is_drained() && self.engine.is_drained() && self.held.is_none()
    }

    /// Carries one output on; `false` if none can be.
    fn carry_one(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if let Some(packet) = self.sockets.poll_transmit() {
            // Before the events: the last of these closes what carries the packets.
            self.send_packet(packet);
        } else if let Some(event) = self.sockets.poll_event() {
            if let sockets::Event::Received { namespace, ack, data } = event {
                self.received(cx, now, &namespace, ack, data);
            } else {
                self.socket_event(cx, now, event);
            }
        } else if let Some(event) = self.next_event() {
            self.engine_event(now, event);
        } else {
            return self.transmit(now);
        }
        true
    }

    /// The engine's next event, unless it is a message that has to wait, for its turn or behind a
    /// command that ends what it is for.
    fn next_event(&mut self) -> Option<engine::Event> {
        let event = if self.held.is_some() { self.held.take() } else { self.engine.poll_event() };
        let Some(event) = event else {
            self.backlog = 0;
            return None;
        };
        if let engine::Event::Message(message) = &event {
            if self.allowance == 0 || self.is_full() || self.handle.is_ending() {
                self.held = Some(event);
                return None;
            }
            self.allowance -= 1;
            self.backlog = self.backlog.saturating_sub(message.as_bytes().len() + MESSAGE_LEN);
        }
        Some(event)
    }

    /// Whether as many handlers wait as may, or as many events to be pulled, so that no further
    /// message is looked at. Handlers that wait for the client's answer do not count: the answer would
    /// never be looked at. Messages of a session that has closed are looked at all the same: its end
    /// comes behind them.
    pub(super) fn is_full(&self) -> bool {
        let waiting = self.running.len().saturating_sub(self.questions.len());
        let asking = !self.questions.is_empty();
        let is_behind = |member: &Member| member.socket.is_behind(asking);
        (waiting >= self.config.max_running_handlers || self.members.iter().any(is_behind))
            && self.engine.status().is_some()
    }

    fn engine_event(&mut self, now: Instant, event: engine::Event) {
        match event {
            engine::Event::Message(Message::Text(text)) => self.sockets.handle_text(now, text),
            engine::Event::Message(Message::Binary(data)) => self.sockets.handle_binary(now, data),
            engine::Event::Closed(reason) => self.closed(now, reason),
            // Neither matters to the namespaces.
            engine::Event::Opened | engine::Event::Upgraded | _ => {}
        }
    }

    #[cold]
    fn closed(&mut self, now: Instant, reason: engine::CloseReason) {
        if let Some(fault) = self.engine.fault() {
            self.io.meters().reject(fault);
        }
        self.sockets.handle_closed(disconnect_reason(reason));
        self.running.abort_admissions();
        self.io.sessions().remove(&self.handle.sid());
        self.streams.end_at(now.checked_add(self.config.write_timeout));
        if let Some(wire) = &mut self.wire {
            wire.end_within(now, self.config.write_timeout);
        }
    }

    /// What is still to be sent, and whether a packet would go out now.
    fn load(&self) -> (Amount, bool) {
        let written = self.wire.as_ref().map_or(0, Wire::buffered_amount);
        let bytes = self.engine.buffered_amount().saturating_add(written);
        let idle = match self.engine.transport() {
            Transport::WebSocket => self.wire.as_ref().is_some_and(Wire::is_idle),
            Transport::Sse => self.streams.has_room(),
            Transport::Polling | _ => true,
        };
        let amount = Amount { bytes, packets: self.engine.queued_packets() };
        (amount, idle && self.engine.is_writable())
    }

    fn is_over(&self) -> bool {
        let is_cut_off = self.wire.is_none() && self.streams.is_empty();
        self.engine.status().is_none() && is_cut_off && self.running.len() == 0
    }
}

impl Future for SessionTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BUDGET {
            let now = self.runtime.now();
            if !self.relay(cx, now) {
                let busy = self.work(cx, now);
                self.tell_holdings();
                if busy {
                    let (unsent, writable) = self.load();
                    self.handle.tell(unsent, writable);
                    continue;
                }
                if self.aborted || self.is_over() {
                    return Poll::Ready(());
                }
                self.set_alarm();
                // After reading: what has come in time counts, however late we look.
                if self.alarm.is_due(cx, now) {
                    self.handle_timeout(cx, now);
                    continue;
                }
                self.calm = self.is_calm();
            }
            let status = self.engine.status();
            let (unsent, writable) = self.load();
            if self.handle.rest(status, unsent, writable, cx) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for SessionTask {
    /// Also when the runtime goes, or a bug panics: nobody may be left in a room.
    fn drop(&mut self) {
        let now = self.runtime.now();
        for member in &mut self.members {
            member.exit(now, false);
        }
        self.handle.retire();
        // Before the end is told of: who waits for it, waits for these.
        let running = std::mem::take(&mut self.running);
        if catch_unwind(AssertUnwindSafe(|| drop(running))).is_err() {
            tracing::error!("a handler panicked when it was dropped");
        }
        self.io.sessions().task_ended(&self.handle.sid());
    }
}

fn disconnect_reason(reason: engine::CloseReason) -> DisconnectReason {
    match reason {
        engine::CloseReason::TransportClose => DisconnectReason::TransportClose,
        engine::CloseReason::PingTimeout => DisconnectReason::PingTimeout,
        engine::CloseReason::ParseError => DisconnectReason::ParseError,
        engine::CloseReason::ForcedClose => DisconnectReason::ForcedClose,
        engine::CloseReason::TransportError | _ => DisconnectReason::TransportError,
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
