//! The tokio runtime, as the server sees it.

use std::cell::RefCell;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use spola_driver::{BoxFuture, Runtime, Timer};
use tokio::time::Sleep;

/// Runs sessions on the tokio runtime that it is used in.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioRuntime;

impl Runtime for TokioRuntime {
    fn now(&self) -> Instant {
        now()
    }

    #[expect(clippy::disallowed_methods, reason = "the driver's door to the calendar")]
    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the driver's door to the executor")]
    fn spawn(&self, future: BoxFuture<()>) {
        tokio::spawn(future);
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(TokioTimer { deadline: None, sleep: None })
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        fill_random(buffer);
    }
}

/// The present moment: the only place in this crate that reads a clock. It is tokio's, which tests
/// can hold.
#[expect(clippy::disallowed_methods, reason = "the driver's door to the clock")]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Chance from the thread's stock.
///
/// # Panics
/// If the operating system has none to give: ids and masking keys must not be guessable.
pub(crate) fn fill_random(buffer: &mut [u8]) {
    STOCK.with_borrow_mut(|stock| stock.fill(buffer));
}

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; 240], left: 0 }) };
}

/// Random bytes that were asked for beforehand: an id is worth no system call of its own.
struct Stock {
    bytes: [u8; 240],
    left: usize,
}

impl Stock {
    fn fill(&mut self, buffer: &mut [u8]) {
        if buffer.len() > self.bytes.len() {
            return ask(buffer);
        }
        if buffer.len() > self.left {
            ask(&mut self.bytes);
            self.left = self.bytes.len();
        }
        let start = self.left - buffer.len();
        if let Some(taken) = self.bytes.get_mut(start..self.left) {
            buffer.copy_from_slice(taken);
            // Whoever has it is the only one to have it.
            taken.fill(0);
        }
        self.left = start;
    }
}

/// The only place in this crate that asks for chance.
#[expect(clippy::disallowed_methods, reason = "the driver's door to the random source")]
fn ask(buffer: &mut [u8]) {
    if let Err(error) = getrandom::fill(buffer) {
        panic!("the operating system gives no random bytes: {error}");
    }
}

/// One alarm. A later deadline costs nothing: the timer goes off at the former one and is set
/// again.
struct TokioTimer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer for TokioTimer {
    fn set(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        let (Some(deadline), Some(sleep)) = (deadline, &mut self.sleep) else {
            return;
        };
        if deadline < sleep.deadline().into_std() || sleep.is_elapsed() {
            sleep.as_mut().reset(deadline.into());
        }
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep =
            self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline().into_std() >= deadline {
                self.deadline = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}
