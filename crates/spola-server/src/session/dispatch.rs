//! From the events of the Socket.IO machine to the application's handlers, and what they leave to do.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use spola_socketio::server::{self as sockets, DisconnectReason};
use spola_socketio_packet::{self as packet, AckId, Data};

use super::candidate::Member;
use super::commands::{Ask, SocketNumber};
use super::running::Done;
use super::task::SessionTask;
use crate::ack::{Ack, AckError};
use crate::context::{DisconnectContext, ErrorContext, EventContext};
use crate::handler::{EventOutcome, Guarded, Started};
use crate::packet_error::PacketError;
use crate::reject_reason::RejectReason;
use crate::reply::conclude;
use crate::socket::Socket;

impl SessionTask {
    #[inline(never)]
    pub(super) fn socket_event(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        event: sockets::Event,
    ) {
        match event {
            sockets::Event::Received { namespace, ack, data } => {
                self.received(cx, now, &namespace, ack, data);
            }
            sockets::Event::ConnectRequested { namespace, auth } => {
                self.connect_requested(cx, now, namespace, auth);
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
            sockets::Event::Declined(declined) => self.io.meters().reject(declined),
            sockets::Event::Closed(reason) => {
                if let Some(reason) = RejectReason::of_close(reason) {
                    self.io.meters().reject(reason);
                }
                tracing::debug!(%reason, "the namespaces are closed");
                self.engine.close(now);
            }
            _ => {}
        }
    }

    pub(super) fn received(
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
        let Err((data, ack)) = socket.offer(data, ack) else {
            return;
        };
        let ack = Ack::new(&socket, ack);
        let context = EventContext { socket, data, ack };
        let shared = &context.socket.handlers().listeners;
        if !context.socket.has_own_listeners()
            && shared.any.is_empty()
            && shared.middleware.is_empty()
        {
            return self.listen(cx, now, context);
        }
        self.screen(cx, now, context);
    }

    /// Hands an event to those who hear of each, and then to the middleware.
    #[inline(never)]
    fn screen(&mut self, cx: &mut Context<'_>, now: Instant, context: EventContext) {
        let own = context.socket.own_listeners();
        let own = own.map(|own| (own.any.clone(), own.middleware.clone()));
        let handlers = Arc::clone(context.socket.handlers());
        let shared = &handlers.listeners;
        let (own_any, own_middleware) = own.unwrap_or_default();
        for listener in shared.any.iter().chain(&own_any) {
            let context = context.clone();
            let started = Guarded::start(|| (listener.handler)(&context));
            self.run_listener(cx, now, started, context);
        }
        if shared.middleware.is_empty() && own_middleware.is_empty() {
            return self.listen(cx, now, context);
        }
        let middleware = shared.middleware.iter().cloned().chain(own_middleware).collect();
        match self.running.screening(cx, middleware, context) {
            Some(done) => self.finish(cx, now, done),
            None => self.untold = true,
        }
    }

    /// Hands an event to its listeners, in order.
    fn listen(&mut self, cx: &mut Context<'_>, now: Instant, context: EventContext) {
        let listeners = &context.socket.handlers().listeners;
        let event = context.data.event_name().unwrap_or_default();
        let own = context.socket.own_listeners().map(|mut own| own.take_named(&event));
        let own = own.unwrap_or_default();
        let shared = listeners.named(&event).iter().map(|listener| &listener.handler);
        let mut handlers = shared.chain(&own);
        let Some(first) = handlers.next().or(listeners.fallback.as_ref()) else {
            return tracing::debug!(?event, "no listener for an event");
        };
        let others: Vec<_> = handlers.cloned().collect();
        drop(event);
        // Called before the event moves on, as the handler is lent by its socket.
        let started = Guarded::start(|| first(&context));
        if others.is_empty() {
            return self.run_listener(cx, now, started, context);
        }
        self.run_listener(cx, now, started, context.clone());
        for (handler, context) in others.iter().zip(iter::repeat_n(context, others.len())) {
            self.run_listener(cx, now, Guarded::start(|| handler(&context)), context);
        }
    }

    fn run_listener(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        started: Started<EventOutcome>,
        context: EventContext,
    ) {
        match self.running.event(cx, started, context) {
            Some(done) => self.finish(cx, now, done),
            None => self.untold = true,
        }
    }

    /// Ends a socket, if it is still there.
    pub(super) fn disconnect(&mut self, socket: SocketNumber) {
        if let Some(member) = self.numbered(socket) {
            let name = member.socket.namespace().packet_name().clone();
            // An `Err` means that it has left meanwhile.
            let _ = self.sockets.disconnect(&name);
        }
    }

    fn disconnected(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        reason: DisconnectReason,
    ) {
        let at = self.members.iter().position(|member| is_in(&member.socket, name));
        let Some(at) = at else { return };
        // A dynamic namespace may go with it, at the end.
        let mut member = self.members.swap_remove(at);
        let socket = member.socket.clone();
        let shared = Arc::clone(socket.handlers());
        if matches!(reason, DisconnectReason::ForcedClose | DisconnectReason::ForcedServerClose)
            && let Some(error) = self.sockets.close_reason().and_then(PacketError::of)
        {
            let own = socket.own_listeners().map(|own| own.error.clone()).unwrap_or_default();
            for handler in shared.listeners.error.iter().chain(&own) {
                let context = ErrorContext { socket: socket.clone(), error };
                self.untold |= self.running.quiet(cx, handler, context);
            }
        }
        let reason = self.told(reason);
        let own = socket.own_listeners().map(|own| own.disconnecting.clone()).unwrap_or_default();
        for handler in shared.listeners.disconnecting.iter().chain(&own) {
            let context = DisconnectContext { socket: socket.clone(), reason };
            self.untold |= self.running.quiet(cx, handler, context);
        }
        let own = socket.own_listeners().map(|own| own.disconnect.clone()).unwrap_or_default();
        member.exit(now, reason.is_recoverable());
        for handler in shared.listeners.disconnect.iter().chain(&own) {
            let context = DisconnectContext { socket: socket.clone(), reason };
            self.untold |= self.running.quiet(cx, handler, context);
        }
        member.let_return();
    }

    /// The reason that the application is told. Where the session ends at once, it is that of the
    /// session: the official server's namespaces hear of its end before they are closed themselves.
    fn told(&self, reason: DisconnectReason) -> DisconnectReason {
        if reason == DisconnectReason::ForcedServerClose && self.engine.closes_at_once() {
            return DisconnectReason::ForcedClose;
        }
        reason
    }

    /// Sends an event that asks for an answer.
    pub(super) fn ask(&mut self, now: Instant, ask: Ask) {
        let Ask { socket, event, ack, timeout, asker } = ask;
        let Some(name) =
            self.numbered(socket).map(|at| at.socket.namespace().packet_name().clone())
        else {
            return;
        };
        let mut asked = self.sockets.check_emit(&name, event.attachments());
        if asked.is_ok() {
            asked = self.sockets.await_ack(now, &name, ack, timeout);
        }
        if asked == Err(sockets::SendError::TooManyAcks) && self.forget_questions() {
            asked = self.sockets.await_ack(now, &name, ack, timeout);
        }
        match asked {
            Ok(()) => {
                self.questions.insert((name, ack), asker);
                self.untold = true;
                self.send(event);
            }
            Err(error) => {
                if error == sockets::SendError::TooManyAcks {
                    self.io.meters().reject(RejectReason::AwaitedAcks);
                }
                asker.tell(Err(unasked(error)));
            }
        }
    }

    /// Forgets the questions whose answers nobody waits for any more; `false` if there are none.
    fn forget_questions(&mut self) -> bool {
        let before = self.questions.len();
        let sockets = &mut self.sockets;
        self.questions.retain(|(namespace, ack), asker| {
            let gone = asker.is_gone();
            if gone {
                sockets.cancel_ack(namespace, *ack);
            }
            !gone
        });
        self.questions.len() < before
    }

    fn answered(&mut self, name: packet::Namespace, ack: AckId, answer: Result<Data, AckError>) {
        self.untold = true;
        if let Some(asker) = self.questions.remove(&(name, ack)) {
            asker.tell(answer);
        }
        if self.questions.is_empty() {
            self.questions = HashMap::new();
        }
    }

    /// Does what a handler leaves to do.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, now: Instant, done: Done) {
        match done {
            Done::Admission { namespace, outcome } => self.admit(cx, now, &namespace, outcome),
            Done::Connected { socket, outcome: Err(refusal) } => {
                tracing::debug!(%refusal, "a connect handler failed");
                socket.disconnect();
            }
            Done::Screened { context, outcome: Err(refusal) } => {
                self.io.meters().reject(RejectReason::EventRefused);
                conclude(&context, Err(refusal));
            }
            // Events of a socket that has left meanwhile reach no listener.
            Done::Screened { context, outcome: Ok(()) } if context.socket.is_connected() => {
                self.listen(cx, now, context);
            }
            Done::Event { context, outcome } => conclude(&context, outcome),
            Done::Connected { outcome: Ok(()), .. } | Done::Screened { .. } | Done::Nothing => {}
        }
    }

    fn member(&self, name: &packet::Namespace) -> Option<&Socket> {
        self.members.iter().map(|member| &member.socket).find(|socket| is_in(socket, name))
    }

    pub(super) fn numbered(&self, number: SocketNumber) -> Option<&Member> {
        self.members.iter().find(|member| member.number == number)
    }
}

fn is_in(socket: &Socket, name: &packet::Namespace) -> bool {
    socket.namespace().packet_name() == name
}

fn unasked(error: sockets::SendError) -> AckError {
    match error {
        sockets::SendError::TooManyAcks => AckError::TooMany,
        sockets::SendError::Closed
        | sockets::SendError::NotJoined
        | sockets::SendError::NotRequested
        | sockets::SendError::TooManyAttachments
        | sockets::SendError::AckIdInUse
        | _ => AckError::Disconnected,
    }
}
