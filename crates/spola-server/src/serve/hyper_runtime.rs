//! A runtime of ours, as hyper knows them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use hyper::rt;
use spola_driver::{Runtime, Timer};

/// The clock and timers of a runtime.
#[derive(Clone)]
pub(super) struct Clock(pub(super) Arc<dyn Runtime>);

impl rt::Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_to(self.0.now().checked_add(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_to(Some(deadline))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(mut sleep) => sleep.timer().set(Some(deadline)),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

impl Clock {
    fn sleep_to(&self, deadline: Option<Instant>) -> Pin<Box<dyn rt::Sleep>> {
        let mut timer = self.0.timer();
        timer.set(deadline);
        Box::pin(Sleep(Mutex::new(timer)))
    }
}

/// hyper wants it to be `Sync`; nobody ever locks it.
struct Sleep(Mutex<Box<dyn Timer>>);

impl Sleep {
    fn timer(&mut self) -> &mut dyn Timer {
        &mut **self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer().poll_expired(cx)
    }
}

impl rt::Sleep for Sleep {}

/// Ready after `time`; never, if that is too long for the clock.
pub(super) async fn sleep(runtime: &dyn Runtime, time: Duration) {
    let mut timer = runtime.timer();
    timer.set(runtime.now().checked_add(time));
    poll_fn(|cx| timer.poll_expired(cx)).await;
}

/// Awaits `future`, but no longer than `time`; `None` if it took longer.
pub(super) async fn within<T>(
    runtime: &dyn Runtime,
    time: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    match select(std::pin::pin!(future), std::pin::pin!(sleep(runtime, time))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
