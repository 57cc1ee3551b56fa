//! The session's timer.

use std::task::{Context, Waker};
use std::time::Instant;

use spola_driver::Timer;

/// A timer that is asked only where the clock does not answer already.
pub(super) struct Alarm {
    timer: Box<dyn Timer>,
    due: Option<Instant>,
    /// Whom the timer wakes when it is due.
    waker: Option<Waker>,
}

impl Alarm {
    pub(super) fn new(timer: Box<dyn Timer>) -> Self {
        Self { timer, due: None, waker: None }
    }

    pub(super) fn set(&mut self, due: Option<Instant>) {
        if due != self.due {
            (self.due, self.waker) = (due, None);
            self.timer.set(due);
        }
    }

    /// `true` once for a moment that has come. Else the task is woken when it comes.
    pub(super) fn is_due(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(due) = self.due else {
            return false;
        };
        if now < due {
            if self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return false;
            }
            if self.timer.poll_expired(cx).is_pending() {
                self.waker = Some(cx.waker().clone());
                return false;
            }
        }
        (self.due, self.waker) = (None, None);
        true
    }
}
