//! The handlers of a session: each is polled once where it starts, and kept only if it waits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use spola_socketio_packet as packet;

use super::candidate::Candidate;
use crate::context::{ConnectContext, EventContext, HasSocket, IncomingContext};
use crate::handler::{Admission, Erased, EventOutcome, Guarded, Panicked, Situation, Started};
use crate::refusal::Refusal;
use crate::socket::Socket;
use spola_driver::BoxFuture;

/// What a handler leaves to do when it has ended.
pub(super) enum Done {
    /// The middleware of a namespace has decided.
    Admission { namespace: packet::Namespace, outcome: Result<Candidate, Refusal> },
    /// The connect handler.
    Connected { socket: Socket, outcome: Admission },
    /// The middleware of an event has decided.
    Screened { context: EventContext, outcome: Admission },
    /// An event's handler: the client may be owed an answer.
    Event { context: EventContext, outcome: EventOutcome },
    /// One of which nothing comes.
    Nothing,
}

#[derive(Default)]
pub(super) struct Running {
    waiting: Option<FuturesUnordered<BoxFuture<Done>>>,
    admissions: Vec<PendingAdmission>,
}

/// A client whose middleware waits.
struct PendingAdmission {
    namespace: packet::Namespace,
    deadline: Option<Instant>,
    abort: AbortHandle,
}

impl Running {
    /// Runs what decides on a client to its first wait.
    pub(super) fn admission(
        &mut self,
        cx: &mut Context<'_>,
        namespace: packet::Namespace,
        admission: impl Future<Output = Result<Candidate, Refusal>> + Send + 'static,
        deadline: Option<Instant>,
    ) -> Option<Done> {
        let (abort, registration) = AbortHandle::new_pair();
        let pending = PendingAdmission { namespace: namespace.clone(), deadline, abort };
        let admission = Abortable::new(admission, registration);
        let done = self.run(cx, Guarded::start(|| Box::pin(admission)), move |outcome| {
            let outcome = match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_aborted)) => Err(Refusal::new("timed out")),
                Err(panic) => Err(panicked(&namespace, &panic)),
            };
            Done::Admission { namespace, outcome }
        });
        if done.is_none() {
            self.admissions.push(pending);
        }
        done
    }

    /// Runs a connect handler to its first wait.
    pub(super) fn connected(
        &mut self,
        cx: &mut Context<'_>,
        handler: &Erased<ConnectContext>,
        context: ConnectContext,
    ) -> Option<Done> {
        self.run(cx, Guarded::start(|| handler(&context)), move |outcome| {
            let socket = context.socket;
            let name = socket.namespace().packet_name();
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(name, &panic)));
            Done::Connected { socket, outcome }
        })
    }

    /// Runs the middleware of an event, one after the other, to their first wait.
    pub(super) fn screening(
        &mut self,
        cx: &mut Context<'_>,
        middleware: Vec<Erased<IncomingContext>>,
        context: EventContext,
    ) -> Option<Done> {
        let incoming =
            IncomingContext { socket: context.socket.clone(), data: context.data.clone() };
        let chain = async move {
            for middleware in middleware {
                middleware(&incoming).await?;
            }
            Ok(())
        };
        self.run(cx, Guarded::start(|| Box::pin(chain)), move |outcome| {
            let name = context.socket.namespace().packet_name();
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(name, &panic)));
            Done::Screened { context, outcome }
        })
    }

    /// Runs an event's handler to its first wait.
    pub(super) fn event(
        &mut self,
        cx: &mut Context<'_>,
        started: Started<EventOutcome>,
        context: EventContext,
    ) -> Option<Done> {
        self.run(cx, started, move |outcome| {
            let name = context.socket.namespace().packet_name();
            let outcome = outcome.unwrap_or_else(|panic| Err(panicked(name, &panic)));
            Done::Event { context, outcome }
        })
    }

    /// Runs a handler of which nothing comes to its first wait; whether it waits.
    pub(super) fn quiet<C>(&mut self, cx: &mut Context<'_>, handler: &Erased<C>, context: C) -> bool
    where
        C: HasSocket + Situation<Outcome = ()>,
    {
        let done = self.run(cx, Guarded::start(|| handler(&context)), move |outcome| {
            if let Err(panic) = outcome {
                panicked(context.socket().namespace().packet_name(), &panic);
            }
            Done::Nothing
        });
        done.is_none()
    }

    /// The next handler that ends; pending while all wait, or there is none.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Done> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        match waiting.poll_next_unpin(cx) {
            Poll::Ready(Some(done)) => {
                if let Done::Admission { namespace, .. } = &done {
                    self.admissions.retain(|pending| pending.namespace != *namespace);
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

    /// Gives up the admissions whose time is over; how many these are.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> usize {
        let late = |pending: &&mut PendingAdmission| pending.deadline.is_some_and(|by| by <= now);
        let given_up = self.admissions.iter_mut().filter(late).map(|pending| {
            pending.deadline = None;
            pending.abort.abort();
        });
        given_up.count()
    }

    /// Gives up every admission: the client has gone.
    pub(super) fn abort_admissions(&mut self) {
        for pending in self.admissions.drain(..) {
            pending.abort.abort();
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.admissions.iter().filter_map(|pending| pending.deadline).min()
    }

    fn run<T: Send + 'static>(
        &mut self,
        cx: &mut Context<'_>,
        started: Started<T>,
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
fn panicked(namespace: &packet::Namespace, panic: &Panicked) -> Refusal {
    tracing::error!(namespace = namespace.as_str(), panic = panic.0, "a handler panicked");
    Refusal::new("internal error")
}
