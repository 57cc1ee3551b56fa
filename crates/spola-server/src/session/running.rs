//! The handlers of a session: each is polled once where it starts, and kept only if it waits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use spola_socketio_packet as packet;

use crate::ack::Ack;
use crate::context::{ConnectContext, DisconnectContext, EventContext};
use crate::handler::{Admission, Erased, EventOutcome, Guarded, Panicked};
use crate::refusal::Refusal;
use crate::socket::Socket;
use spola_driver::BoxFuture;

/// What a handler leaves to do when it has ended.
pub(super) enum Done {
    /// An event's handler: the client may be owed an answer.
    Event { socket: Socket, event: packet::Data, ack: Ack, outcome: EventOutcome },
    /// The middleware has decided.
    Admission { context: ConnectContext, outcome: Admission },
    /// The connect handler.
    Connected { socket: Socket, outcome: Admission },
    /// The disconnect handler.
    Disconnected,
}

#[derive(Default)]
pub(super) struct Running {
    waiting: Option<FuturesUnordered<BoxFuture<Done>>>,
    admissions: Vec<PendingAdmission>,
}

/// A client whose middleware waits.
struct PendingAdmission {
    socket: Socket,
    deadline: Instant,
    abort: AbortHandle,
}

impl Running {
    /// Runs an event's handler to its first wait.
    pub(super) fn event(
        &mut self,
        cx: &mut Context<'_>,
        handler: &Erased<EventContext>,
        context: EventContext,
    ) -> Option<Done> {
        let EventContext { socket, data: event, ack } = context.clone();
        self.run(cx, Guarded::start(|| handler(context)), move |outcome| {
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(&socket, &panic)));
            Done::Event { socket, event, ack, outcome }
        })
    }

    /// Runs the middleware, one after the other, to their first wait.
    pub(super) fn admission(
        &mut self,
        cx: &mut Context<'_>,
        context: ConnectContext,
        deadline: Instant,
    ) -> Option<Done> {
        let socket = context.socket.clone();
        let chain = {
            let (socket, context) = (socket.clone(), context.clone());
            async move {
                for middleware in &socket.handlers().middleware {
                    middleware(context.clone()).await?;
                }
                Ok(())
            }
        };
        let (abort, registration) = AbortHandle::new_pair();
        let chain = Abortable::new(chain, registration);
        let done = self.run(cx, Guarded::start(|| Box::pin(chain)), move |outcome| {
            let outcome = match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_aborted)) => Err(Refusal::new("timed out")),
                Err(panic) => Err(panicked(&context.socket, &panic)),
            };
            Done::Admission { context, outcome }
        });
        if done.is_none() {
            self.admissions.push(PendingAdmission { socket, deadline, abort });
        }
        done
    }

    /// Runs the connect handler to its first wait.
    pub(super) fn connected(
        &mut self,
        cx: &mut Context<'_>,
        handler: &Erased<ConnectContext>,
        context: ConnectContext,
    ) -> Option<Done> {
        let socket = context.socket.clone();
        self.run(cx, Guarded::start(|| handler(context)), move |outcome| {
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(&socket, &panic)));
            Done::Connected { socket, outcome }
        })
    }

    /// Runs the disconnect handler to its first wait.
    pub(super) fn disconnected(
        &mut self,
        cx: &mut Context<'_>,
        handler: &Erased<DisconnectContext>,
        context: DisconnectContext,
    ) -> Option<Done> {
        let socket = context.socket.clone();
        self.run(cx, Guarded::start(|| handler(context)), move |outcome| {
            if let Err(panic) = outcome {
                panicked(&socket, &panic);
            }
            Done::Disconnected
        })
    }

    /// The next handler that ends; pending while all wait, or there is none.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Done> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        match waiting.poll_next_unpin(cx) {
            Poll::Ready(Some(done)) => {
                if let Done::Admission { context, .. } = &done {
                    let id = context.socket.socket_id();
                    self.admissions.retain(|pending| pending.socket.socket_id() != id);
                }
                Poll::Ready(done)
            }
            Poll::Ready(None) => {
                self.waiting = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// How many handlers wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.as_ref().map_or(0, FuturesUnordered::len)
    }

    /// Gives up the admissions whose time is over.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for pending in self.admissions.iter().filter(|pending| pending.deadline <= now) {
            pending.abort.abort();
        }
    }

    /// Gives up every admission: the client has gone.
    pub(super) fn abort_admissions(&mut self) {
        for pending in self.admissions.drain(..) {
            pending.abort.abort();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.admissions.iter().map(|pending| pending.deadline).min()
    }

    fn run<T: Send + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        started: Result<Guarded<T>, Panicked>,
        done: impl FnOnce(Result<T, Panicked>) -> Done + Send + 'static,
    ) -> Option<Done> {
        let mut guarded = match started {
            Ok(guarded) => guarded,
            Err(panic) => return Some(done(Err(panic))),
        };
        match Pin::new(&mut guarded).poll(cx) {
            Poll::Ready(outcome) => Some(done(outcome)),
            Poll::Pending => {
                self.waiting.get_or_insert_default().push(Box::pin(guarded.map(done)));
                None
            }
        }
    }
}

/// Tells of a panic in the log, and of an internal error to the client.
fn panicked(socket: &Socket, panic: &Panicked) -> Refusal {
    let namespace = socket.namespace().name();
    tracing::error!(namespace, socket = socket.id(), panic = panic.0, "a handler panicked");
    Refusal::new("internal error")
}
