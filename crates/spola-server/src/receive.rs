//! Pulling events: one after the other, whenever the application is ready for the next.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spola_socketio_packet::{AckId, ArgsError, Data};

use crate::ack::Ack;
use crate::context::EventContext;
use crate::emit::EmitError;
use crate::reply::{IntoReply, conclude};
use crate::socket::Socket;
use crate::wakers::Wakers;

/// Bytes of events that may wait to be pulled.
const MAX_BYTES: usize = 1 << 20;

/// How many times more may wait while the application awaits answers of the client, which may be
/// behind these events.
const WHILE_ASKING: usize = 16;

/// An event that was pulled with [`Socket::recv`].
#[derive(Clone)]
pub struct Event {
    context: EventContext,
}

impl Event {
    /// Its name.
    pub fn name(&self) -> Cow<'_, str> {
        self.context.data.event_name().unwrap_or_default()
    }

    /// Its arguments, as `T`: a tuple takes several, anything else the first; missing ones are null.
    /// `Bytes` fields take binary attachments.
    ///
    /// # Errors
    /// If the arguments are no `T`. The error is `Into<Refusal>`, to be answered.
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        self.context.data.extract()
    }

    /// Name and arguments as they came.
    pub fn raw(&self) -> &Data {
        &self.context.data
    }

    /// Whether the client waits for an answer.
    pub fn is_ack_awaited(&self) -> bool {
        self.context.ack.is_awaited()
    }

    /// Answers: a tuple is several arguments, `()` none, anything else one. The first answer counts;
    /// nothing happens if the client asked for none, or has left.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; the event is then still unanswered.
    pub fn ack(&self, arguments: impl Serialize) -> Result<(), EmitError> {
        self.context.ack.send(arguments)
    }

    /// Answers as if a handler had returned this: `Reply(value)`, a [`Refusal`](crate::Refusal), a
    /// `Result` of these.
    pub fn answer(&self, outcome: impl IntoReply) {
        conclude(&self.context, outcome.into_reply());
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("data", &self.context.data)
            .field("ack", &self.context.ack)
            .finish()
    }
}

/// The events of a socket that wait to be pulled.
#[derive(Default)]
pub(crate) struct Queue {
    events: VecDeque<(Data, Option<AckId>)>,
    bytes: usize,
    wakers: Wakers,
}

impl Queue {
    pub(crate) fn push(&mut self, data: Data, ack: Option<AckId>) {
        self.bytes += weight(&data);
        self.events.push_back((data, ack));
    }

    /// Who waits for an event, or the end.
    pub(crate) fn take_wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.wakers.take()
    }

    /// Whether the connection is not to be read further. `asking` if answers of the client are
    /// awaited.
    pub(crate) fn is_full(&self, limit: usize, asking: bool) -> bool {
        let factor = if asking { WHILE_ASKING } else { 1 };
        self.events.len() >= limit.max(1).saturating_mul(factor) || self.bytes >= MAX_BYTES * factor
    }

    fn pop(&mut self) -> Option<(Data, Option<AckId>)> {
        let event = self.events.pop_front()?;
        self.bytes -= weight(&event.0);
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
        Some(event)
    }
}

impl Socket {
    /// Pulls the next event; `None` once the socket has left and every event that came before was
    /// pulled.
    ///
    /// From the first call on, the events of this socket wait to be pulled, in strict order, and no
    /// listener or middleware of events runs on them. Where as many wait as may
    /// ([`Config::max_waiting_events`](crate::Config::max_waiting_events), or 1 MiB), the
    /// client's connection is not read until some were pulled. So who stops pulling should
    /// [`disconnect`](Self::disconnect).
    ///
    /// Call it before the first `await` of an [`on_connect`](crate::Namespace::on_connect) handler to
    /// miss nothing. It may be dropped at any `await`, and be called from several places: each event
    /// goes to one of them.
    ///
    /// ```
    /// # use spola_server::{Event, Io, Refusal, Reply, Socket};
    /// let io = Io::new();
    /// io.namespace("/ledger").on_connect(async |socket: Socket| {
    ///     let mut balance = 0;
    ///     while let Some(event) = socket.recv().await {
    ///         event.answer(book(&event, &mut balance).await);
    ///     }
    /// });
    ///
    /// async fn book(event: &Event, balance: &mut i64) -> Result<Reply<i64>, Refusal> {
    ///     match &*event.name() {
    ///         "deposit" => *balance += event.extract::<i64>()?,
    ///         "balance" => {}
    ///         other => return Err(Refusal::new(format!("what is {other}?"))),
    ///     }
    ///     Ok(Reply(*balance))
    /// }
    /// ```
    pub fn recv(&self) -> impl Future<Output = Option<Event>> + Send + '_ {
        // From now on, not from the first poll on.
        drop(self.queue_mut());
        let mut pull = Pull { socket: self, place: None };
        poll_fn(move |cx| pull.poll(cx))
    }

    fn poll_recv(&self, place: &mut Option<u64>, cx: &Context<'_>) -> Poll<Option<Event>> {
        let (limit, mut queue) = (self.session().max_waiting_events(), self.queue_mut());
        let was_full = queue.is_full(limit, false);
        if let Some((data, ack)) = queue.pop() {
            drop(queue);
            if was_full {
                self.session().nudge();
            }
            let (socket, ack) = (self.clone(), Ack::new(self, ack));
            return Poll::Ready(Some(Event { context: EventContext { socket, data, ack } }));
        }
        if self.has_left() {
            return Poll::Ready(None);
        }
        queue.wakers.register(place, cx);
        Poll::Pending
    }

    /// Lets an event wait if somebody pulls; otherwise gives it back.
    pub(crate) fn offer(
        &self,
        data: Data,
        ack: Option<AckId>,
    ) -> Result<(), (Data, Option<AckId>)> {
        let Some(mut queue) = self.queue() else {
            return Err((data, ack));
        };
        queue.push(data, ack);
        let wakers = queue.take_wakers();
        drop(queue);
        wakers.for_each(Waker::wake);
        Ok(())
    }

    /// Whether as many events wait to be pulled as may.
    pub(crate) fn is_behind(&self, asking: bool) -> bool {
        let limit = self.session().max_waiting_events();
        self.queue().is_some_and(|queue| queue.is_full(limit, asking))
    }
}

/// Somebody who pulls one event.
struct Pull<'a> {
    socket: &'a Socket,
    /// Where it waits.
    place: Option<u64>,
}

impl Pull<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<Event>> {
        self.socket.poll_recv(&mut self.place, cx)
    }
}

impl Drop for Pull<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.socket.queue_mut().wakers.leave(place);
            drop(waker);
        }
    }
}

/// What an event weighs while it waits.
fn weight(data: &Data) -> usize {
    data.json().len() + data.attachments().iter().map(Bytes::len).sum::<usize>()
}
