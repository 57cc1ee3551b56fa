//! From the events of the Socket.IO machine to the application's handlers, and what they leave to do.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use spola_socketio::server::{self as sockets, DisconnectReason};
use spola_socketio_packet::{self as packet, AckId, Data};

use super::running::Done;
use super::task::{Answer, SessionTask};
use crate::ack::{Ack, AckError};
use crate::context::{ConnectContext, DisconnectContext, EventContext};
use crate::handler::{Admission, EventOutcome};
use crate::refusal::Refusal;
use crate::reply::ReplyBody;
use crate::socket::{Socket, SocketId};

impl SessionTask {
    pub(super) fn socket_event(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        event: sockets::Event,
    ) {
        match event {
            sockets::Event::ConnectRequested { namespace, auth } => {
                self.connect_requested(cx, now, &namespace, auth);
            }
            sockets::Event::Received { namespace, ack, data } => {
                self.received(cx, now, &namespace, ack, data);
            }
            sockets::Event::Acked { namespace, ack, data } => {
                self.answered(namespace, ack, Ok(data));
            }
            sockets::Event::AckTimedOut { namespace, ack } => {
                self.answered(namespace, ack, Err(AckError::TimedOut));
            }
            sockets::Event::Disconnected { namespace, reason, unanswered } => {
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
        let at = self.members.iter().position(|socket| socket.namespace().packet_name() == name);
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

    pub(super) fn ask(
        &mut self,
        now: Instant,
        namespace: packet::Namespace,
        event: &Data,
        timeout: Option<Duration>,
        answer: Answer,
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
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, now: Instant, done: Done) {
        match done {
            Done::Event { socket, event, ack, outcome } => reply(&socket, &event, &ack, outcome),
            Done::Admission { context, outcome } => self.admit(cx, now, context, outcome),
            Done::Connected { socket, outcome: Err(refusal) } => {
                tracing::debug!(%refusal, "a connect handler failed");
                socket.disconnect();
            }
            Done::Connected { outcome: Ok(()), .. } | Done::Disconnected => {}
        }
    }

    fn member(&self, name: &packet::Namespace) -> Option<&Socket> {
        self.members.iter().find(|socket| socket.namespace().packet_name() == name)
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
    let _ = socket.emit("error", Report { event: &name, refusal });
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
