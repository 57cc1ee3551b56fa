//! The task that owns a session: its machines, its WebSocket, its timer and its handlers.
//!
//! Everything that happens to a session happens here, one thing after the other. The machines are
//! joined by [`SessionTask::pump`], which carries their outputs to each other until none is left.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use futures_channel::oneshot;
use spola_engineio::Transport;
use spola_engineio::packet::{EncodedMessage, Message};
use spola_engineio::server::{
    self as engine, PollResponse, PostOutcome, RequestId, Transmit, WebSocketEnd,
};
use spola_socketio::server::{self as sockets, DisconnectReason};
use spola_socketio_packet::{self as packet, AckId, Data, Encoded};

use super::reject::Reject;
use super::running::{Done, Running};
use super::waiting::Waiting;
use super::wire::{Incoming, Wire};
use super::{Command, PACKET_PREFIX, SessionHandle};
use crate::ack::{Ack, AckError};
use crate::config::Config;
use crate::context::{ConnectContext, DisconnectContext, EventContext};
use crate::handler::{Admission, EventOutcome};
use crate::io::Io;
use crate::refusal::Refusal;
use crate::reply::ReplyBody;
use crate::runtime::{Runtime, Timer};
use crate::socket::{Socket, SocketId};

/// Rounds of work before others get their turn.
const BUDGET: usize = 16;

/// Messages that are read, and handed to the application, in one round.
const MESSAGES: usize = 128;

/// Bytes of messages that may wait for handlers to end.
const BACKLOG_LEN: usize = 1 << 20;

/// What a waiting message weighs by itself, and a byte of a POST, whose packets may be tiny.
const MESSAGE_LEN: usize = 64;
const POST_FACTOR: usize = 16;

pub(crate) struct SessionTask {
    io: Io,
    config: Arc<Config>,
    runtime: Arc<dyn Runtime>,
    timer: Box<dyn Timer>,
    alarm: Option<Instant>,
    handle: Arc<SessionHandle>,
    engine: engine::Session,
    sockets: sockets::Connection,
    wire: Option<Wire>,
    /// What upgrade requests said of binary messages, until the WebSocket is open.
    upgrade_binary: engine::BinaryMode,
    polls: Waiting<PollResponse>,
    posts: Waiting<PostOutcome>,
    members: Vec<Socket>,
    questions: HashMap<(packet::Namespace, AckId), oneshot::Sender<Result<Data, AckError>>>,
    running: Running,
    /// A message that waits for its turn, or for a handler to end. Those behind it wait in the
    /// engine.
    held: Option<engine::Event>,
    /// What waits there, in bytes.
    backlog: usize,
    /// A POST that came while the backlog was full.
    late_post: Option<(RequestId, Bytes)>,
    /// Messages that may still be handed to the application in this round.
    allowance: usize,
    /// The server does not wait for the handlers any more.
    aborted: bool,
}

/// How a session begins.
pub(crate) enum Beginning {
    Polling {
        id: RequestId,
        respond: oneshot::Sender<PollResponse>,
    },
    WebSocket(hyper::upgrade::OnUpgrade, engine::BinaryMode),
}

impl SessionTask {
    pub(crate) fn new(
        io: Io,
        runtime: Arc<dyn Runtime>,
        handle: Arc<SessionHandle>,
        beginning: Beginning,
    ) -> Self {
        let config = Arc::clone(io.config());
        let (now, timer) = (runtime.now(), runtime.timer());
        let mut polls = Waiting::new();
        let (opening, wire) = match beginning {
            Beginning::Polling { id, respond } => {
                polls.add(id, respond);
                (engine::Opening::Polling(id), None)
            }
            Beginning::WebSocket(upgrade, binary) => (
                engine::Opening::WebSocket(binary),
                Some(Wire::opening(upgrade, now, &config)),
            ),
        };
        let engine = engine::Session::new(handle.sid(), opening, &config.engine, now);
        let mut settings = config.sockets;
        settings.prefix = PACKET_PREFIX;
        Self {
            io,
            runtime,
            timer,
            alarm: None,
            handle,
            engine,
            sockets: sockets::Connection::new(settings, now),
            wire,
            upgrade_binary: engine::BinaryMode::Native,
            polls,
            posts: Waiting::new(),
            members: Vec::new(),
            questions: HashMap::new(),
            running: Running::default(),
            held: None,
            backlog: 0,
            late_post: None,
            allowance: MESSAGES,
            aborted: false,
            config,
        }
    }

    /// One round: whatever there is to do now. `true` if there may be more.
    fn work(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        self.allowance = MESSAGES;
        let mut busy = self.carry_out(cx, now);
        while let Poll::Ready(done) = self.running.poll_done(cx) {
            self.finish(cx, now, done);
            busy = true;
        }
        self.pump(cx, now);
        if self.held.is_none()
            && let Some((id, body)) = self.late_post.take()
        {
            self.post(now, id, body);
            self.pump(cx, now);
        }
        busy |= self.read(cx, now);
        // After reading: what has come in time counts, however late we look.
        busy |= self.poll_timers(cx, now);
        self.pump(cx, now);
        busy |= self.flush(cx, now);
        busy | (self.held.is_some() && !self.is_full())
    }

    fn carry_out(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut commands = Vec::new();
        if self.handle.take(&mut commands) {
            self.give_up();
            self.pump(cx, now);
        }
        let busy = !commands.is_empty();
        for command in commands {
            self.command(cx, now, command);
            if self.is_wire_full() {
                self.flush(cx, now);
                self.pump(cx, now);
            }
        }
        busy
    }

    fn command(&mut self, cx: &mut Context<'_>, now: Instant, command: Command) {
        match command {
            // An `Err` means that the socket has left meanwhile: its packets go nowhere.
            Command::Emit { namespace, packet } => {
                let _ = self.sockets.emit(&namespace, packet);
            }
            Command::EmitWithAck {
                namespace,
                event,
                timeout,
                answer,
            } => self.ask(now, namespace, &event, timeout, answer),
            Command::Acknowledge { namespace, packet } => {
                let _ = self.sockets.acknowledge(&namespace, packet);
            }
            Command::Disconnect { namespace } => {
                let _ = self.sockets.disconnect(&namespace);
            }
            Command::Close => self.sockets.close(),
            Command::Shutdown => self.shut(cx, now, DisconnectReason::ServerShuttingDown),
            Command::Abort => self.aborted = true,
            Command::Upgrade(upgrade, binary) => self.upgrade(now, upgrade, binary),
            Command::Poll { id, respond } => {
                self.polls.add(id, respond);
                self.engine.handle_poll(id);
            }
            Command::PollAborted(id) => self.engine.handle_poll_aborted(id),
            Command::PostStarted {
                id,
                content_type,
                respond,
            } => {
                self.posts.add(id, respond);
                self.engine.handle_post_started(id, content_type.as_deref());
            }
            Command::Post { id, body } => self.post(now, id, body),
            Command::PostTooLarge(id) => self.engine.handle_post_too_large(id),
            Command::PostAborted(id) => self.engine.handle_post_aborted(id),
        }
        self.pump(cx, now);
    }

    /// Takes the body of a POST in, unless the packets before it fill the backlog.
    fn post(&mut self, now: Instant, id: RequestId, body: Bytes) {
        let weight = body.len().saturating_mul(POST_FACTOR);
        if self.held.is_some() && self.backlog.saturating_add(weight) > BACKLOG_LEN {
            self.late_post = Some((id, body));
            return;
        }
        self.backlog = self.backlog.saturating_add(weight);
        self.engine.handle_post(now, id, body);
    }

    /// Ends the session at once, without waiting for the client.
    fn shut(&mut self, cx: &mut Context<'_>, now: Instant, reason: DisconnectReason) {
        self.sockets.handle_closed(reason);
        self.engine.discard();
        self.pump(cx, now);
    }

    /// Ends the session with a client that does not read, and frees what waits for it.
    fn give_up(&mut self) {
        tracing::info!("a client reads too slowly");
        self.engine.abort();
        self.wire = None;
    }

    fn upgrade(
        &mut self,
        now: Instant,
        upgrade: hyper::upgrade::OnUpgrade,
        binary: engine::BinaryMode,
    ) {
        let wire = Wire::opening(upgrade, now, &self.config);
        if self.wire.is_some() || !self.engine.accepts_upgrade() {
            let (runtime, config) = (Arc::clone(&self.runtime), Arc::clone(&self.config));
            let reject = Reject::new(wire, runtime, config);
            return self.runtime.spawn(Box::pin(reject));
        }
        self.upgrade_binary = binary;
        self.wire = Some(wire);
    }

    fn poll_timers(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.timer.poll_expired(cx).is_pending() {
            return false;
        }
        self.alarm = None;
        self.engine.handle_timeout(now);
        self.pump(cx, now);
        self.sockets.handle_timeout(now);
        self.running.handle_timeout(now);
        let stalled = self
            .wire
            .as_mut()
            .is_some_and(|wire| wire.handle_timeout(now, &self.config));
        if stalled && self.engine.transport() == Transport::WebSocket {
            self.give_up();
        }
        true
    }

    /// Sets the timer for whatever is due first; `true` if it has to be polled again.
    fn set_alarm(&mut self) -> bool {
        let wire = self
            .wire
            .as_ref()
            .and_then(|wire| wire.poll_timeout(&self.config));
        let due = [
            self.engine.poll_timeout(),
            self.sockets.poll_timeout(),
            self.running.poll_timeout(),
            wire,
        ];
        let due = due.into_iter().flatten().min();
        if due == self.alarm {
            return false;
        }
        self.alarm = due;
        self.timer.set(due);
        true
    }

    /// Reads what has come over the WebSocket. While too many handlers wait, messages go to the
    /// backlog as long as it has room: a pong may be behind them.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        for _ in 0..MESSAGES {
            let wait = match self.is_full() {
                true => self.backlog >= BACKLOG_LEN,
                false => self.held.is_some(),
            };
            if wait {
                return false;
            }
            let Some(wire) = &mut self.wire else {
                return false;
            };
            let Poll::Ready(incoming) = wire.poll_next(cx, now, &self.config) else {
                return false;
            };
            match incoming {
                Incoming::Opened => self.opened(now),
                Incoming::Message(message) => {
                    self.backlog += message.len() + MESSAGE_LEN;
                    self.engine.handle_websocket_message(now, message);
                }
                Incoming::Closed { clean } => {
                    let end = if clean {
                        WebSocketEnd::Closed
                    } else {
                        WebSocketEnd::Failed
                    };
                    self.engine.handle_websocket_closed(end);
                    self.settle(cx, now);
                    return true;
                }
            }
            self.pump(cx, now);
        }
        true
    }

    /// The WebSocket is open: as the session's transport, or to probe an upgrade.
    fn opened(&mut self, now: Instant) {
        if self.engine.transport() == Transport::Polling
            && self
                .engine
                .handle_websocket_opened(now, self.upgrade_binary)
                .is_err()
            && let Some(wire) = &mut self.wire
        {
            wire.close(now);
        }
    }

    /// The WebSocket has ended: once its last bytes are written, it may be forgotten.
    fn settle(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.pump(cx, now);
        self.flush(cx, now);
        self.wire = match self.wire.take() {
            None | Some(Wire::Opening(..)) => None,
            Some(wire) => self.keep(wire),
        };
    }

    /// Keeps a WebSocket that closes, unless it was a probe that failed: then the session goes on
    /// without it, and may try another meanwhile.
    fn keep(&self, wire: Wire) -> Option<Wire> {
        if self.engine.transport() == Transport::WebSocket {
            return Some(wire);
        }
        let (runtime, config) = (Arc::clone(&self.runtime), Arc::clone(&self.config));
        self.runtime
            .spawn(Box::pin(Reject::new(wire, runtime, config)));
        None
    }

    /// Writes what waits; `true` if there is more to do thereupon: room was made for packets that found
    /// none, or the peer's end is to be read.
    fn flush(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let was_full = self.is_wire_full();
        let Some(wire) = &mut self.wire else {
            return false;
        };
        let flushed = wire.flush(cx, now);
        if let Err(error) = &flushed {
            tracing::debug!(%error, "a connection failed");
        }
        if flushed.is_err() || wire.is_done() {
            self.wire = None;
            self.engine.handle_websocket_closed(WebSocketEnd::Closed);
            self.pump(cx, now);
        }
        matches!(flushed, Ok(true)) || (was_full && !self.is_wire_full())
    }

    /// Carries the outputs of each machine to the next, until all are drained.
    fn pump(&mut self, cx: &mut Context<'_>, now: Instant) {
        loop {
            if let Some(packet) = self.sockets.poll_transmit() {
                // Before the events: the last of these closes what carries the packets.
                self.send(packet);
            } else if let Some(event) = self.sockets.poll_event() {
                self.socket_event(cx, now, event);
            } else if let Some(event) = self.next_event() {
                self.engine_event(now, event);
            } else if !self.transmit(now) {
                return;
            }
        }
    }

    /// The engine's next event, unless it is a message that has to wait.
    fn next_event(&mut self) -> Option<engine::Event> {
        let Some(event) = self.held.take().or_else(|| self.engine.poll_event()) else {
            self.backlog = 0;
            return None;
        };
        if let engine::Event::Message(message) = &event {
            if self.allowance == 0 || self.is_full() {
                self.held = Some(event);
                return None;
            }
            self.allowance -= 1;
            self.backlog = self
                .backlog
                .saturating_sub(message.as_bytes().len() + MESSAGE_LEN);
        }
        Some(event)
    }

    /// Whether as many handlers wait as may, so that no further message is looked at. Handlers that
    /// wait for the client's answer do not count: the answer would never be looked at. Messages of a
    /// session that has closed are looked at all the same: its end comes behind them.
    fn is_full(&self) -> bool {
        let waiting = self.running.len().saturating_sub(self.questions.len());
        waiting >= self.config.max_running_handlers && self.engine.status().is_some()
    }

    fn engine_event(&mut self, now: Instant, event: engine::Event) {
        match event {
            engine::Event::Message(Message::Text(text)) => self.sockets.handle_text(now, text),
            engine::Event::Message(Message::Binary(data)) => self.sockets.handle_binary(now, data),
            engine::Event::Closed(reason) => {
                self.sockets.handle_closed(disconnect_reason(reason));
                self.running.abort_admissions();
                self.io.sessions().remove(&self.handle.sid());
                if let Some(wire) = &mut self.wire {
                    wire.end_within(now, self.config.write_timeout);
                }
            }
            // Neither matters to the namespaces.
            engine::Event::Opened | engine::Event::Upgraded | _ => {}
        }
    }

    fn send(&mut self, packet: Encoded) {
        let texts = EncodedMessage::from_text(packet.text).into_iter();
        for message in texts.chain(packet.attachments.into_iter().map(EncodedMessage::binary)) {
            match self.engine.send(message) {
                Ok(()) => {}
                Err(engine::SendError::Full) => {
                    self.sockets.handle_closed(DisconnectReason::TransportError);
                    return self.give_up();
                }
                Err(error) => {
                    return tracing::debug!(%error, "a packet was dropped");
                }
            }
        }
    }

    /// Whether packets wait in the engine for the WebSocket to be written to.
    fn is_wire_full(&self) -> bool {
        self.engine.transport() == Transport::WebSocket
            && self.wire.as_ref().is_some_and(|wire| !wire.has_room())
    }

    /// Carries one output of the engine out; `false` if there is none, or no room for it.
    fn transmit(&mut self, now: Instant) -> bool {
        if self.is_wire_full() {
            return false;
        }
        match self.engine.poll_transmit() {
            Some(Transmit::WebSocketMessage(message)) => {
                if let Some(wire) = &mut self.wire {
                    wire.send(message);
                }
            }
            Some(Transmit::CloseWebSocket) => self.close_wire(now),
            Some(Transmit::PollResponse { id, response }) => self.polls.answer(id, response),
            Some(Transmit::PostResponse { id, outcome }) => self.posts.answer(id, outcome),
            Some(_) => {}
            None => return false,
        }
        true
    }

    /// The engine is done with the WebSocket.
    fn close_wire(&mut self, now: Instant) {
        if let Some(mut wire) = self.wire.take() {
            wire.close(now);
            self.wire = self.keep(wire);
        }
    }

    fn ask(
        &mut self,
        now: Instant,
        namespace: packet::Namespace,
        event: &Data,
        timeout: Option<Duration>,
        answer: oneshot::Sender<Result<Data, AckError>>,
    ) {
        let mut asked = self.sockets.emit_with_ack(now, &namespace, event, timeout);
        if asked == Err(sockets::SendError::TooManyAcks) && self.forget_questions() {
            asked = self.sockets.emit_with_ack(now, &namespace, event, timeout);
        }
        match asked {
            Ok(ack) => drop(self.questions.insert((namespace, ack), answer)),
            Err(error) => drop(answer.send(Err(unasked(error)))),
        }
    }

    /// Forgets the questions whose answers nobody waits for any more; `false` if there are none.
    fn forget_questions(&mut self) -> bool {
        let before = self.questions.len();
        let sockets = &mut self.sockets;
        self.questions.retain(|(namespace, ack), answer| {
            if answer.is_canceled() {
                sockets.cancel_ack(namespace, *ack);
            }
            !answer.is_canceled()
        });
        self.questions.len() < before
    }

    fn socket_event(&mut self, cx: &mut Context<'_>, now: Instant, event: sockets::Event) {
        match event {
            sockets::Event::ConnectRequested { namespace, auth } => {
                self.connect_requested(cx, now, &namespace, auth);
            }
            sockets::Event::Received {
                namespace,
                ack,
                data,
            } => {
                self.received(cx, now, &namespace, ack, data);
            }
            sockets::Event::Acked {
                namespace,
                ack,
                data,
            } => {
                self.answered(namespace, ack, Ok(data));
            }
            sockets::Event::AckTimedOut { namespace, ack } => {
                self.answered(namespace, ack, Err(AckError::TimedOut));
            }
            sockets::Event::Disconnected {
                namespace,
                reason,
                unanswered,
            } => {
                for ack in unanswered {
                    self.answered(namespace.clone(), ack, Err(AckError::Disconnected));
                }
                self.disconnected(cx, now, &namespace, reason);
            }
            sockets::Event::Closed(_) => self.engine.close(now),
            _ => {}
        }
    }

    fn connect_requested(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        auth: Option<ByteString>,
    ) {
        let Some(namespace) = self.io.find(name.as_str()) else {
            let _ = self.sockets.refuse(name, "Invalid namespace", None);
            return;
        };
        let mut random = [0; 15];
        self.runtime.fill_random(&mut random);
        let id = SocketId::from_random(random);
        let socket = Socket::new(id, namespace, Arc::clone(&self.handle));
        let context = ConnectContext { socket, auth };
        if context.socket.handlers().middleware.is_empty() {
            return self.admit(cx, now, context, Ok(()));
        }
        let deadline = now + self.config.admission_timeout;
        if let Some(done) = self.running.admission(cx, context, deadline) {
            self.finish(cx, now, done);
        }
    }

    fn admit(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        context: ConnectContext,
        outcome: Admission,
    ) {
        let socket = context.socket.clone();
        let name = socket.namespace().packet_name();
        if let Err(refusal) = outcome {
            // An `Err` means that the client has gone meanwhile; so below.
            let _ = self.sockets.refuse(name, refusal.message(), refusal.data());
            return;
        }
        if self.sockets.accept(name, socket.id()).is_err() {
            return;
        }
        socket.enter();
        self.members.push(socket.clone());
        if let Some(handler) = &socket.handlers().connect
            && let Some(done) = self.running.connected(cx, handler, context)
        {
            self.finish(cx, now, done);
        }
    }

    fn received(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        ack: Option<AckId>,
        data: Data,
    ) {
        let Some(socket) = self.member(name).cloned() else {
            return;
        };
        let handler = socket.handler_of(&data.event_name().unwrap_or_default());
        let Some(handler) = handler else {
            return tracing::debug!(event = ?data.event_name(), "no handler for an event");
        };
        let ack = Ack::new(&socket, ack);
        let context = EventContext { socket, data, ack };
        if let Some(done) = self.running.event(cx, &handler, context) {
            self.finish(cx, now, done);
        }
    }

    fn disconnected(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        reason: DisconnectReason,
    ) {
        let at = self
            .members
            .iter()
            .position(|socket| socket.namespace().packet_name() == name);
        let Some(at) = at else { return };
        let socket = self.members.swap_remove(at);
        socket.exit();
        let handlers = Arc::clone(socket.handlers());
        let context = DisconnectContext { socket, reason };
        if let Some(handler) = &handlers.disconnect
            && let Some(done) = self.running.disconnected(cx, handler, context)
        {
            self.finish(cx, now, done);
        }
    }

    fn answered(&mut self, name: packet::Namespace, ack: AckId, answer: Result<Data, AckError>) {
        if let Some(question) = self.questions.remove(&(name, ack)) {
            // Whoever asked may have stopped waiting.
            let _ = question.send(answer);
        }
        if self.questions.is_empty() {
            self.questions = HashMap::new();
        }
    }

    /// Does what a handler leaves to do.
    fn finish(&mut self, cx: &mut Context<'_>, now: Instant, done: Done) {
        match done {
            Done::Event {
                socket,
                event,
                ack,
                outcome,
            } => reply(&socket, &event, &ack, outcome),
            Done::Admission { context, outcome } => self.admit(cx, now, context, outcome),
            Done::Connected {
                socket,
                outcome: Err(refusal),
            } => {
                tracing::debug!(%refusal, "a connect handler failed");
                socket.disconnect();
            }
            Done::Connected {
                outcome: Ok(()), ..
            }
            | Done::Disconnected => {}
        }
    }

    fn member(&self, name: &packet::Namespace) -> Option<&Socket> {
        self.members
            .iter()
            .find(|socket| socket.namespace().packet_name() == name)
    }

    fn is_over(&self) -> bool {
        self.engine.status().is_none() && self.wire.is_none() && self.running.len() == 0
    }
}

impl Future for SessionTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.handle.wake_up();
        for _ in 0..BUDGET {
            if self.work(cx) {
                continue;
            }
            if self.aborted || self.is_over() {
                return Poll::Ready(());
            }
            if self.set_alarm() {
                continue;
            }
            let status = self.engine.status();
            if self.handle.rest(status, cx) {
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
        for socket in &self.members {
            socket.exit();
        }
        self.handle.retire();
        self.io.sessions().task_ended(&self.handle.sid());
    }
}

/// Answers an event, or tells why not.
fn reply(socket: &Socket, event: &Data, ack: &Ack, outcome: EventOutcome) {
    match outcome {
        Ok(None) => {}
        Ok(Some(body)) => ack.send_encoded(body),
        Err(refusal) if ack.is_awaited() => {
            if let Some(body) = ReplyBody::refusal(&refusal) {
                ack.send_encoded(body);
            }
        }
        Err(refusal) => report(socket, event, &refusal),
    }
}

/// Sends a refusal as the event `error`, where the client asked for no answer.
fn report(socket: &Socket, event: &Data, refusal: &Refusal) {
    #[derive(serde::Serialize)]
    struct Report<'a> {
        event: &'a str,
        #[serde(flatten)]
        refusal: &'a Refusal,
    }
    let name = event.event_name().unwrap_or_default();
    // A client that has left needs no report.
    let _ = socket.emit(
        "error",
        Report {
            event: &name,
            refusal,
        },
    );
}

fn unasked(error: sockets::SendError) -> AckError {
    match error {
        sockets::SendError::TooManyAcks => AckError::TooMany,
        sockets::SendError::Closed
        | sockets::SendError::NotJoined
        | sockets::SendError::NotRequested
        | sockets::SendError::TooManyAttachments
        | sockets::SendError::AckIdInUse
        | sockets::SendError::AckIdReserved
        | sockets::SendError::NotAnEvent
        | _ => AckError::Disconnected,
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
