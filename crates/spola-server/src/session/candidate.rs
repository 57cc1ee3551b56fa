//! Sockets on their way into a namespace, in it, and out of it.

use std::sync::Arc;
use std::time::Instant;

use bytestring::ByteString;
use spola_driver::Runtime;
use spola_engineio::{Revision, Sid};

use super::{SessionHandle, SocketNumber};
use crate::context::ConnectContext;
use crate::dynamic::Lease;
use crate::namespace::Namespace;
use crate::outbound::Outbound;
use crate::recovery::{Claim, Left, Stay};
use crate::refusal::Refusal;
use crate::reject_reason::RejectReason;
use crate::socket::Socket;
use crate::socket_id::SocketId;

/// A socket whose client was not let in yet. Dropped without [`enter`](Self::enter), it lets go of
/// what was attached to the socket, and of the stay that the client wanted to come back to.
pub(super) struct Candidate {
    socket: Socket,
    lease: Option<Lease>,
    /// Set if the client comes back.
    claim: Option<Claim>,
    entered: bool,
}

/// A socket that is in its namespace.
pub(super) struct Member {
    pub(super) number: SocketNumber,
    /// Its namespace has listeners of what is sent.
    pub(super) has_outgoing: bool,
    pub(super) socket: Socket,
    /// Keeps a dynamic namespace.
    lease: Option<Lease>,
    /// Set if its client may come back.
    stay: Option<Stay>,
}

impl Candidate {
    pub(super) fn new(
        runtime: &dyn Runtime,
        namespace: Namespace,
        session: Arc<SessionHandle>,
        auth: Option<ByteString>,
        lease: Option<Lease>,
    ) -> Self {
        let revision = session.revision();
        let recovery = namespace.recovery().filter(|_| revision == Revision::V4);
        let claim = recovery.and_then(|at| at.claim(runtime.now(), auth.as_deref()?));
        let socket = match (&claim, revision) {
            (Some(claim), _) => Socket::restored(claim, namespace, session, auth),
            (None, Revision::V4) => {
                let id = SocketId::from_random(chance(runtime));
                Socket::new(id, namespace, session, auth)
            }
            (None, Revision::V3) => {
                let id = SocketId::of_session(session.sid());
                Socket::new(id, namespace, session, auth)
            }
        };
        Self { socket, lease, claim, entered: false }
    }

    pub(super) fn auth(&self) -> Option<ByteString> {
        self.socket.auth().map(ByteString::from)
    }

    /// Whether no middleware has a say.
    pub(super) fn passes_unasked(&self) -> bool {
        let skips = || self.socket.namespace().recovery().is_some_and(|at| at.skips_middlewares());
        self.socket.handlers().middleware.is_empty() || (self.claim.is_some() && skips())
    }

    /// Asks the middleware, one after the other.
    pub(super) async fn screened(self) -> Result<Self, Refusal> {
        if self.passes_unasked() {
            return Ok(self);
        }
        for middleware in &self.socket.handlers().middleware {
            let passed = middleware(&ConnectContext { socket: self.socket.clone() }).await;
            passed.inspect_err(|_| {
                self.socket.session().meters().reject(RejectReason::Forbidden);
            })?;
        }
        Ok(self)
    }

    /// Makes the socket a member of its namespace. If its client comes back, tells what it missed;
    /// `None` if that is not to be had any more.
    pub(super) fn enter(&mut self, runtime: &dyn Runtime) -> Option<(Member, Vec<Outbound>)> {
        let socket = self.socket.clone();
        let (stay, missed) = match (socket.namespace().recovery(), &self.claim) {
            (None, _) => {
                socket.enter(&[]);
                (None, Vec::new())
            }
            (Some(recovery), None) => {
                let is_new = socket.session().revision() == Revision::V4;
                let pid = is_new.then(|| Sid::from_bytes(chance(runtime)));
                let name = SocketId::from_random(chance(runtime));
                (recovery.begin(name, pid, || socket.enter(&[])), Vec::new())
            }
            (Some(recovery), Some(claim)) => {
                let (stay, missed) = recovery.resume(claim, |rooms| socket.enter(rooms))?;
                (Some(stay), missed)
            }
        };
        self.entered = true;
        let member = Member {
            number: socket.number(),
            has_outgoing: !socket.handlers().listeners.outgoing.is_empty(),
            socket,
            lease: self.lease.take(),
            stay,
        };
        Some((member, missed))
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if self.entered {
            return;
        }
        self.socket.retire();
        if let (Some(claim), Some(recovery)) = (&self.claim, self.socket.namespace().recovery()) {
            recovery.open(claim.pid());
        }
    }
}

impl Member {
    /// By which id its client may come back.
    pub(super) fn pid(&self) -> Option<Sid> {
        self.stay.map(|stay| stay.pid)
    }

    /// Takes the socket out of its namespace. If its client `may_return`, what is left is kept, for
    /// it to be [let in](Self::let_return).
    pub(super) fn exit(&mut self, now: Instant, may_return: bool) {
        let Self { socket, lease, stay, .. } = self;
        match (socket.namespace().recovery(), *stay) {
            (Some(recovery), Some(stay)) => {
                recovery.leave(|| {
                    let rooms = socket.exit();
                    may_return.then(|| Left {
                        stay,
                        id: socket.socket_id(),
                        rooms,
                        data: socket.data(),
                        extensions: Arc::clone(socket.shared_extensions()),
                        at: now,
                        _lease: lease.take(),
                    })
                });
            }
            (None, _) | (_, None) => drop(socket.exit()),
        }
        socket.retire();
    }

    /// The handlers of its end have run so far as they do at once: its client may come back.
    pub(super) fn let_return(&self) {
        if let (Some(recovery), Some(stay)) = (self.socket.namespace().recovery(), self.stay) {
            recovery.open(stay.pid);
        }
    }
}

fn chance(runtime: &dyn Runtime) -> [u8; 15] {
    let mut chance = [0; 15];
    runtime.fill_random(&mut chance);
    chance
}
