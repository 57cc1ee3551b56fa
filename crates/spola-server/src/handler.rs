//! Handlers: asynchronous functions whose arguments say what they want.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;

use crate::context::{
    ConnectContext, DisconnectContext, ErrorContext, EventContext, IncomingContext, LookupContext,
    OutgoingContext,
};
use crate::extensions::States;
use crate::extract::{Extract, MissingState};
use crate::refusal::Refusal;
use crate::reply::{IntoAdmission, IntoReply, ReplyBody};
use spola_driver::BoxFuture;

/// An asynchronous function that can serve in the situation `C`: an event, a connect, a disconnect, …
///
/// Any `async` closure or function is one whose arguments (eight at the most) all implement
/// [`Extract<C>`](Extract) and whose result suits the situation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler here",
    note = "a handler is an `async` closure or function of at most eight arguments",
    note = "every argument must be an extractor for this situation: `Socket`, `Namespace`, `State<T>`, `Auth<T>`, `Arc<Handshake>`; \
            for events also `Data<T>`, `RawData`, `EventName` and, to answer, `Ack`; for disconnects also `DisconnectReason`; for errors also `PacketError`; \
            where there is no socket yet, `NamespaceName` in its place",
    note = "it returns nothing, `Reply(value)`, or `Result<_, Refusal>`",
    note = "it may not borrow from what it captures: take shared things by `State<T>`, or clone them into an `async move` block"
)]
pub trait Handler<C: Situation, Arguments>: Send + Sync + 'static {
    /// Checks that the state that the arguments ask for is there.
    #[doc(hidden)]
    fn check(states: &States) -> Result<(), MissingState>;

    /// Extracts the arguments and runs the function.
    #[doc(hidden)]
    fn call(&self, context: &C) -> BoxFuture<C::Outcome>;
}

/// Where a handler runs: on an event, on a connect, on a disconnect, …
pub trait Situation: Send + 'static {
    /// What comes of it.
    type Outcome: Send + 'static;

    /// What comes of it when an argument could not be extracted.
    #[doc(hidden)]
    fn refused(refusal: Refusal) -> Self::Outcome;
}

/// What came of an event handler: perhaps an answer for the client.
pub type EventOutcome = Result<Option<ReplyBody>, Refusal>;

/// What came of a middleware: whether the client may come in.
pub type Admission = Result<(), Refusal>;

impl Situation for EventContext {
    type Outcome = EventOutcome;

    fn refused(refusal: Refusal) -> EventOutcome {
        Err(refusal)
    }
}

impl Situation for ConnectContext {
    type Outcome = Admission;

    fn refused(refusal: Refusal) -> Admission {
        Err(refusal)
    }
}

impl Situation for IncomingContext {
    type Outcome = Admission;

    fn refused(refusal: Refusal) -> Admission {
        Err(refusal)
    }
}

impl Situation for OutgoingContext {
    type Outcome = ();

    fn refused(refusal: Refusal) {
        tracing::warn!(%refusal, "a listener of outgoing events did not run");
    }
}

impl Situation for LookupContext {
    type Outcome = Result<bool, Refusal>;

    fn refused(refusal: Refusal) -> Self::Outcome {
        Err(refusal)
    }
}

impl Situation for DisconnectContext {
    type Outcome = ();

    fn refused(refusal: Refusal) {
        tracing::warn!(%refusal, "a disconnect handler did not run");
    }
}

impl Situation for ErrorContext {
    type Outcome = ();

    fn refused(refusal: Refusal) {
        tracing::warn!(%refusal, "an error handler did not run");
    }
}

/// A result that suits the situation `C`.
#[diagnostic::on_unimplemented(
    message = "a handler in this situation cannot return `{Self}`",
    note = "it returns nothing, `Reply(value)` to answer an event, `bool` to decide on a namespace's name, or a `Result<_, Refusal>`"
)]
pub trait IntoOutcome<C: Situation> {
    /// Turns the result into what the server acts on.
    #[doc(hidden)]
    fn into_outcome(self) -> C::Outcome;
}

impl<R: IntoReply> IntoOutcome<EventContext> for R {
    fn into_outcome(self) -> EventOutcome {
        self.into_reply()
    }
}

impl<R: IntoAdmission> IntoOutcome<ConnectContext> for R {
    fn into_outcome(self) -> Admission {
        self.into_admission()
    }
}

impl<R: IntoAdmission> IntoOutcome<IncomingContext> for R {
    fn into_outcome(self) -> Admission {
        self.into_admission()
    }
}

impl IntoOutcome<LookupContext> for bool {
    fn into_outcome(self) -> Result<Self, Refusal> {
        Ok(self)
    }
}

impl<E: Into<Refusal>> IntoOutcome<LookupContext> for Result<bool, E> {
    fn into_outcome(self) -> Result<bool, Refusal> {
        self.map_err(Into::into)
    }
}

impl IntoOutcome<OutgoingContext> for () {
    fn into_outcome(self) {}
}

impl IntoOutcome<DisconnectContext> for () {
    fn into_outcome(self) {}
}

impl IntoOutcome<ErrorContext> for () {
    fn into_outcome(self) {}
}

/// A handler whose arguments are forgotten, to be kept in a table.
pub(crate) type Erased<C> = Arc<dyn Fn(&C) -> BoxFuture<<C as Situation>::Outcome> + Send + Sync>;

/// Checks a handler's wants against what the server has, before a client meets the gap.
///
/// # Panics
/// If a state is missing.
#[track_caller]
pub(crate) fn checked<C: Situation, A, H: Handler<C, A>>(states: &States, handler: H) -> Erased<C> {
    if let Err(missing) = H::check(states) {
        panic!("{missing}");
    }
    Arc::new(move |context| handler.call(context))
}

/// A handler's future, guarded: a panic in it ends it, and nothing else.
pub(crate) struct Guarded<T> {
    future: BoxFuture<T>,
}

/// A handler that was called.
pub(crate) type Started<T> = Result<Guarded<T>, Panicked>;

impl<T> Guarded<T> {
    /// Calls `start` and guards the future it gives.
    pub(crate) fn start(start: impl FnOnce() -> BoxFuture<T>) -> Started<T> {
        Panicked::caught(start).map(|future| Self { future })
    }
}

impl<T> Future for Guarded<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.future.poll_unpin(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(Panicked::new(payload))),
        }
    }
}

/// A handler panicked; this is what it said.
#[derive(Debug)]
pub(crate) struct Panicked(pub(crate) String);

impl Panicked {
    /// Calls a function of the application's.
    pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, Self> {
        catch_unwind(AssertUnwindSafe(call)).map_err(Self::new)
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is what `catch_unwind` gives")]
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref().cloned()).unwrap_or_default())
    }
}

macro_rules! handler {
    ($($argument:ident),*) => {
        impl<C, F, R, $($argument),*> Handler<C, ($($argument,)*)> for F
        where
            C: Situation,
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: IntoOutcome<C>,
            $($argument: Extract<C>,)*
        {
            fn check(_states: &States) -> Result<(), MissingState> {
                $($argument::check(_states)?;)*
                Ok(())
            }

            #[allow(non_snake_case, reason = "the macro names values after their types")]
            fn call(&self, _context: &C) -> BoxFuture<C::Outcome> {
                $(let $argument = match $argument::extract(_context) {
                    Ok(argument) => argument,
                    Err(refusal) => return Box::pin(std::future::ready(C::refused(refusal))),
                };)*
                let future = self($($argument),*);
                Box::pin(async move { future.await.into_outcome() })
            }
        }
    };
}

handler!();
handler!(A1);
handler!(A1, A2);
handler!(A1, A2, A3);
handler!(A1, A2, A3, A4);
handler!(A1, A2, A3, A4, A5);
handler!(A1, A2, A3, A4, A5, A6);
handler!(A1, A2, A3, A4, A5, A6, A7);
handler!(A1, A2, A3, A4, A5, A6, A7, A8);
