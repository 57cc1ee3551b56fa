//! A runtime of ours, as hyper knows them.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use hyper::rt;
use spola_driver::{Runtime, Timer};

/// The clock and timers of a runtime, for one connection.
pub(super) struct Clock {
    runtime: Arc<dyn Runtime>,
    spare: Arc<Spare>,
}

/// The timer of a sleep that is over. hyper begins a sleep for each request, and drops it when the
/// head is there; a timer that is set again costs next to nothing.
type Spare = Mutex<Option<Box<dyn Timer>>>;

impl Clock {
    pub(super) fn new(runtime: &Arc<dyn Runtime>) -> Self {
        Self { runtime: Arc::clone(runtime), spare: Arc::default() }
    }

    fn sleep_to(&self, deadline: Option<Instant>) -> Pin<Box<dyn rt::Sleep>> {
        let mut timer = lock(&self.spare).take().unwrap_or_else(|| self.runtime.timer());
        timer.set(deadline);
        Box::pin(Sleep { timer: Mutex::new(Some(timer)), spare: Arc::clone(&self.spare) })
    }
}

impl rt::Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_to(self.runtime.now().checked_add(duration))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_to(Some(deadline))
    }

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(mut sleep) => {
                if let Some(timer) = sleep.timer() {
                    timer.set(Some(deadline));
                }
            }
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

struct Sleep {
    /// There until it is dropped. hyper wants it to be `Sync`; nobody ever locks it.
    timer: Spare,
    spare: Arc<Spare>,
}

impl Sleep {
    fn timer(&mut self) -> &mut Option<Box<dyn Timer>> {
        self.timer.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut timer = self.timer().take();
        if let Some(timer) = &mut timer {
            timer.set(None);
        }
        *lock(&self.spare) = timer;
    }
}

fn lock(spare: &Spare) -> MutexGuard<'_, Option<Box<dyn Timer>>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer().as_mut().map_or(Poll::Pending, |timer| timer.poll_expired(cx))
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
