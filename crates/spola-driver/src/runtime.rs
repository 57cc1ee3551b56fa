//! What the server needs of an executor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

/// A future that owns what it needs and may move between threads.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The door to an executor, a clock and a random source. Drivers implement it; so may a test, on a
/// clock of its own.
pub trait Runtime: Send + Sync + 'static {
    /// The present moment, on the clock that timers use.
    fn now(&self) -> Instant;

    /// The date and time of day, for people to read.
    fn system_time(&self) -> SystemTime;

    /// Runs `future` to its end, beside everything else.
    fn spawn(&self, future: BoxFuture<()>);

    /// A timer that is not set.
    fn timer(&self) -> Box<dyn Timer>;

    /// Fills `buffer` from a cryptographically secure source: session ids are made of it.
    fn fill_random(&self, buffer: &mut [u8]);
}

/// One alarm that can be set again and again.
pub trait Timer: Send {
    /// Sets the alarm for `deadline`, in place of the former one; `None` turns it off.
    fn set(&mut self, deadline: Option<Instant>);

    /// Ready once the alarm has gone off; registers the task otherwise.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}
