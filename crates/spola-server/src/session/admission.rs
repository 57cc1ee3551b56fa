//! Who may come into a namespace.

use std::future::Future;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use bytestring::ByteString;
use spola_socketio_packet as packet;

use super::candidate::{Candidate, Member};
use super::task::SessionTask;
use crate::context::{ConnectContext, LookupContext};
use crate::namespace::Namespace;
use crate::outbound::Outbound;
use crate::recovery::sweep;
use crate::refusal::Refusal;
use crate::reject_reason::RejectReason;

impl SessionTask {
    pub(super) fn connect_requested(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: packet::Namespace,
        auth: Option<ByteString>,
    ) {
        // A copy: what came may be a slice of something large.
        let auth = auth.map(|auth| ByteString::from(&*auth));
        if let Some(namespace) = self.io.find(name.as_str()) {
            let session = Arc::clone(&self.handle);
            let candidate = Candidate::new(&*self.runtime, namespace, session, auth, None);
            if candidate.passes_unasked() {
                return self.admit(cx, now, &name, Ok(candidate));
            }
            return self.ask_admission(cx, now, name, candidate.screened());
        }
        let dynamic = Arc::clone(self.io.dynamic());
        if !dynamic.has_parents() {
            self.io.meters().reject(RejectReason::UnknownNamespace);
            return self.refuse(&name, &Refusal::new("Invalid namespace"));
        }
        let (session, states) = (Arc::clone(&self.handle), Arc::clone(self.io.states()));
        let context = LookupContext { name: name.clone(), auth, session, states };
        let runtime = Arc::clone(&self.runtime);
        self.ask_admission(cx, now, name, async move {
            let (session, auth) = (Arc::clone(&context.session), context.auth.clone());
            let lease = dynamic.find(context).await?;
            let namespace = lease.namespace().clone();
            let candidate = Candidate::new(&*runtime, namespace, session, auth, Some(lease));
            candidate.screened().await
        });
    }

    fn ask_admission(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: packet::Namespace,
        admission: impl Future<Output = Result<Candidate, Refusal>> + Send + 'static,
    ) {
        let deadline = now.checked_add(self.config.admission_timeout);
        match self.running.admission(cx, name, admission, deadline) {
            Some(done) => self.finish(cx, now, done),
            None => self.untold = true,
        }
    }

    pub(super) fn admit(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        outcome: Result<Candidate, Refusal>,
    ) {
        let mut candidate = match outcome {
            Ok(candidate) => candidate,
            Err(refusal) => return self.refuse(name, &refusal),
        };
        if !self.sockets.is_requested(name) {
            // The client has gone meanwhile.
            return;
        }
        let Some((member, missed)) = candidate.enter(&*self.runtime) else {
            // What it missed is not to be had any more: it is a new client.
            let auth = candidate.auth();
            drop(candidate);
            return self.connect_requested(cx, now, name.clone(), auth);
        };
        self.accept(name, &member, missed);
        self.look_after(member.socket.namespace());
        let socket = member.socket.clone();
        // Most clients join one namespace and no other.
        if self.members.is_empty() {
            self.members.reserve_exact(1);
        }
        self.members.push(member);
        let handlers = Arc::clone(socket.handlers());
        for handler in &handlers.connect {
            let context = ConnectContext { socket: socket.clone() };
            match self.running.connected(cx, handler, context) {
                Some(done) => self.finish(cx, now, done),
                None => self.untold = true,
            }
        }
    }

    /// Answers the client: what it missed goes first.
    fn accept(&mut self, name: &packet::Namespace, member: &Member, missed: Vec<Outbound>) {
        let id = member.socket.id();
        let accepted = match member.pid() {
            None => self.sockets.accept(name, id),
            Some(pid) => self.sockets.accept_recoverable(name, id, pid.as_str()),
        };
        debug_assert!(accepted.is_ok(), "it was asked for");
        for event in missed {
            if self.may_send(name, &event) {
                self.send(event);
            }
        }
    }

    /// Has somebody look after what the namespace remembers.
    fn look_after(&self, namespace: &Namespace) {
        if let Some(recovery) = namespace.recovery()
            && recovery.needs_sweep()
        {
            self.runtime.spawn(Box::pin(sweep(recovery, Arc::clone(&self.runtime))));
        }
    }

    fn refuse(&mut self, name: &packet::Namespace, refusal: &Refusal) {
        // An `Err` means that the client has gone meanwhile.
        let _ = self.sockets.refuse(name, refusal.message(), refusal.data());
    }
}
