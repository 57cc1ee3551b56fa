//! Who may come into a namespace.

use std::future::Future;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use bytestring::ByteString;
use spola_engineio::Revision;
use spola_socketio_packet as packet;

use super::task::SessionTask;
use crate::context::{ConnectContext, LookupContext};
use crate::dynamic::Lease;
use crate::refusal::Refusal;
use crate::socket::Socket;
use crate::socket_id::SocketId;

/// A socket whose client was not let in yet. Dropped without [`enter`](Self::enter), it lets go of
/// what was attached to the socket.
pub(super) struct Candidate {
    socket: Socket,
    lease: Option<Lease>,
    entered: bool,
}

/// A socket that is in its namespace.
pub(super) struct Member {
    pub(super) socket: Socket,
    /// Keeps a dynamic namespace.
    _lease: Option<Lease>,
}

impl Candidate {
    fn new(socket: Socket, lease: Option<Lease>) -> Self {
        Self { socket, lease, entered: false }
    }

    /// Asks the middleware, one after the other.
    async fn screened(self) -> Result<Self, Refusal> {
        for middleware in &self.socket.handlers().middleware {
            middleware(ConnectContext { socket: self.socket.clone() }).await?;
        }
        Ok(self)
    }

    /// Makes the socket a member of its namespace.
    fn enter(mut self) -> Member {
        self.entered = true;
        self.socket.enter();
        Member { socket: self.socket.clone(), _lease: self.lease.take() }
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if !self.entered {
            self.socket.exit();
        }
    }
}

impl SessionTask {
    pub(super) fn connect_requested(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: packet::Namespace,
        auth: Option<ByteString>,
    ) {
        let id = self.new_socket_id();
        // A copy: what came may be a slice of something large.
        let auth = auth.map(|auth| ByteString::from(&*auth));
        if let Some(namespace) = self.io.find(name.as_str()) {
            let socket = Socket::new(id, namespace, Arc::clone(&self.handle), auth);
            let candidate = Candidate::new(socket, None);
            if candidate.socket.handlers().middleware.is_empty() {
                return self.admit(cx, now, &name, Ok(candidate));
            }
            return self.ask_admission(cx, now, name, candidate.screened());
        }
        let dynamic = Arc::clone(self.io.dynamic());
        if !dynamic.has_parents() {
            return self.refuse(&name, &Refusal::new("Invalid namespace"));
        }
        let (session, states) = (Arc::clone(&self.handle), Arc::clone(self.io.states()));
        let context = LookupContext { name: name.clone(), auth, session, states };
        self.ask_admission(cx, now, name, async move {
            let (session, auth) = (Arc::clone(&context.session), context.auth.clone());
            let lease = dynamic.find(context).await?;
            let socket = Socket::new(id, lease.namespace().clone(), session, auth);
            Candidate::new(socket, Some(lease)).screened().await
        });
    }

    fn new_socket_id(&self) -> SocketId {
        match self.handle.revision() {
            Revision::V3 => SocketId::of_session(self.handle.sid()),
            Revision::V4 => {
                let mut random = [0; 15];
                self.runtime.fill_random(&mut random);
                SocketId::from_random(random)
            }
        }
    }

    fn ask_admission(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: packet::Namespace,
        admission: impl Future<Output = Result<Candidate, Refusal>> + Send + 'static,
    ) {
        let deadline = now + self.config.admission_timeout;
        if let Some(done) = self.running.admission(cx, name, admission, deadline) {
            self.finish(cx, now, done);
        }
    }

    pub(super) fn admit(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        name: &packet::Namespace,
        outcome: Result<Candidate, Refusal>,
    ) {
        let candidate = match outcome {
            Ok(candidate) => candidate,
            Err(refusal) => return self.refuse(name, &refusal),
        };
        // An `Err` means that the client has gone meanwhile.
        if self.sockets.accept(name, candidate.socket.id()).is_err() {
            return;
        }
        let member = candidate.enter();
        let socket = member.socket.clone();
        self.members.push(member);
        let handlers = Arc::clone(socket.handlers());
        for handler in &handlers.connect {
            let context = ConnectContext { socket: socket.clone() };
            if let Some(done) = self.running.connected(cx, handler, context) {
                self.finish(cx, now, done);
            }
        }
    }

    fn refuse(&mut self, name: &packet::Namespace, refusal: &Refusal) {
        // An `Err` means that the client has gone meanwhile.
        let _ = self.sockets.refuse(name, refusal.message(), refusal.data());
    }
}
