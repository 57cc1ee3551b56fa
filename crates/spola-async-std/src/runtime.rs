//! The runtimes, as the driver's common part knows them.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use spola_driver::{BoxFuture, Runtime, Timer};

/// The clock and timers of `async-io`, under any executor. It has no tasks: a future that is to be
/// spawned gets a thread of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncIo;

impl Runtime for AsyncIo {
    fn now(&self) -> Instant {
        now()
    }

    fn system_time(&self) -> SystemTime {
        system_time()
    }

    #[expect(clippy::disallowed_methods, reason = "the driver's door to the executor")]
    fn spawn(&self, future: BoxFuture<()>) {
        std::thread::spawn(|| async_io::block_on(future));
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::<Alarm>::default()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        fill_random(buffer);
    }
}

/// Spawns async-std's tasks.
#[cfg(feature = "async-std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStdRuntime;

#[cfg(feature = "async-std")]
impl Runtime for AsyncStdRuntime {
    fn now(&self) -> Instant {
        now()
    }

    fn system_time(&self) -> SystemTime {
        system_time()
    }

    fn spawn(&self, future: BoxFuture<()>) {
        async_std::task::spawn(future);
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::<Alarm>::default()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        fill_random(buffer);
    }
}

/// Spawns tasks on smol's global executor.
#[cfg(feature = "smol")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SmolRuntime;

#[cfg(feature = "smol")]
impl Runtime for SmolRuntime {
    fn now(&self) -> Instant {
        now()
    }

    fn system_time(&self) -> SystemTime {
        system_time()
    }

    fn spawn(&self, future: BoxFuture<()>) {
        smol::spawn(future).detach();
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::<Alarm>::default()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        fill_random(buffer);
    }
}

/// The date and time of day.
#[expect(clippy::disallowed_methods, reason = "the driver's door to the calendar")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The present moment: the only place in this crate that reads a clock.
#[expect(clippy::disallowed_methods, reason = "the driver's door to the clock")]
fn now() -> Instant {
    Instant::now()
}

/// The only place in this crate that asks for chance.
///
/// # Panics
/// If the operating system has none to give: ids and masking keys must not be guessable.
#[expect(clippy::disallowed_methods, reason = "the driver's door to the random source")]
fn fill_random(buffer: &mut [u8]) {
    if let Err(error) = getrandom::fill(buffer) {
        panic!("the operating system gives no random bytes: {error}");
    }
}

/// One alarm. A later deadline costs nothing: the timer goes off at the former one and is set
/// again.
#[derive(Default)]
struct Alarm {
    deadline: Option<Instant>,
    timer: Option<(Instant, async_io::Timer)>,
}

impl Timer for Alarm {
    fn set(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        if let (Some(deadline), Some((due, timer))) = (deadline, &mut self.timer)
            && deadline < *due
        {
            *due = deadline;
            timer.set_at(deadline);
        }
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let (due, timer) =
            self.timer.get_or_insert_with(|| (deadline, async_io::Timer::at(deadline)));
        while Pin::new(&mut *timer).poll(cx).is_ready() {
            if *due >= deadline {
                (self.deadline, self.timer) = (None, None);
                return Poll::Ready(());
            }
            *due = deadline;
            timer.set_at(deadline);
        }
        Poll::Pending
    }
}
