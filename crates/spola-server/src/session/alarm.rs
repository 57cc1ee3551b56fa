//! The session's timer.

use std::task::{Context, Waker};
use std::time::Instant;

use spola_driver::Timer;

/// A timer that is asked only where the clock does not answer already, and set anew only for an
/// earlier moment, or when it has gone off: what is due is mostly put off.
pub(super) struct Alarm {
    timer: Box<dyn Timer>,
    due: Option<Instant>,
    /// What the timer is set for.
    set_for: Option<Instant>,
    /// Whom the timer wakes when it goes off.
    waker: Option<Waker>,
}

impl Alarm {
    pub(super) fn new(timer: Box<dyn Timer>) -> Self {
        Self { timer, due: None, set_for: None, waker: None }
    }

    pub(super) fn set(&mut self, due: Option<Instant>) {
        self.due = due;
        if due.is_some_and(|due| self.set_for.is_none_or(|set_for| due < set_for)) {
            self.set_timer(due);
        }
    }

    /// `true` once for a moment that has come. Else the task is woken when it comes.
    pub(super) fn is_due(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(due) = self.due else {
            return false;
        };
        if now < due && !self.has_gone_off(cx, now, due) {
            return false;
        }
        self.due = None;
        true
    }

    /// Whether nothing is due yet, and the timer will wake the task when it is, as one sees without asking
    /// it.
    pub(super) fn is_ahead(&self, cx: &Context<'_>, now: Instant) -> bool {
        self.due.is_none_or(|due| now < due && self.wakes_later(cx, now))
    }

    fn wakes_later(&self, cx: &Context<'_>, now: Instant) -> bool {
        self.set_for.is_some_and(|set_for| now < set_for)
            && self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
    }

    /// Whether the timer says that it is time: it knows better than a clock that was read before.
    fn has_gone_off(&mut self, cx: &mut Context<'_>, now: Instant, due: Instant) -> bool {
        loop {
            if self.wakes_later(cx, now) {
                return false;
            }
            if self.timer.poll_expired(cx).is_pending() {
                self.waker = Some(cx.waker().clone());
                return false;
            }
            if self.set_for == Some(due) {
                self.set_timer(None);
                return true;
            }
            self.set_timer(Some(due));
        }
    }

    fn set_timer(&mut self, moment: Option<Instant>) {
        self.timer.set(moment);
        (self.set_for, self.waker) = (moment, None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, MutexGuard};
    use std::task::{Poll, Wake};
    use std::time::Duration;

    use super::*;

    /// Goes off some milliseconds after the moment that it is set for, and says so when asked.
    #[derive(Clone, Default)]
    struct Late(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        now: Option<Instant>,
        set_for: Option<Instant>,
        /// The task is woken when it goes off.
        asked: bool,
        sets: usize,
    }

    /// Who would be woken. (`Waker::noop` is not always the same.)
    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    const LATE: Duration = Duration::from_millis(3);

    impl Late {
        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().expect("no panic holds it")
        }
    }

    impl Timer for Late {
        fn set(&mut self, deadline: Option<Instant>) {
            let mut state = self.state();
            (state.set_for, state.asked) = (deadline, false);
            state.sets += 1;
        }

        fn poll_expired(&mut self, _: &mut Context<'_>) -> Poll<()> {
            let mut state = self.state();
            if state.set_for.is_some_and(|at| state.now >= Some(at + LATE)) {
                return Poll::Ready(());
            }
            state.asked = true;
            Poll::Pending
        }
    }

    /// Looks at the alarm at these seconds, and else whenever the timer wakes, until it is due; tells
    /// when, in milliseconds.
    fn due_after(
        cx: &mut Context<'_>,
        timer: &Late,
        alarm: &mut Alarm,
        start: Instant,
        looks: &[u64],
    ) -> u128 {
        let mut looks = looks.iter().map(|look| start + Duration::from_secs(*look)).peekable();
        loop {
            let now = {
                let mut state = timer.state();
                let wakes = state.set_for.filter(|_| state.asked).map(|at| at + LATE);
                let look = looks.peek().copied();
                let now = wakes.into_iter().chain(look).min().expect("nobody wakes the task");
                looks.next_if_eq(&now);
                state.now = Some(now);
                // It wakes once.
                state.asked &= wakes != Some(now);
                now
            };
            if alarm.is_due(cx, now) {
                return (now - start).as_millis();
            }
        }
    }

    #[test]
    fn a_moment_that_is_put_off_comes_all_the_same() {
        #[expect(clippy::disallowed_methods, reason = "the clock starts here and stands still")]
        let start = Instant::now();
        let at = |seconds| Some(start + Duration::from_secs(seconds));
        // The task may look for other reasons, also when the timer is about to go off.
        for looks in [&[][..], &[10], &[5, 10, 20], &[31]] {
            let timer = Late::default();
            timer.state().now = Some(start);
            let mut alarm = Alarm::new(Box::new(timer.clone()));
            let waker = Waker::from(Arc::new(Nobody));
            let mut cx = Context::from_waker(&waker);
            for due in [10, 20, 30] {
                alarm.set(at(due));
                assert!(!alarm.is_due(&mut cx, start));
            }
            assert_eq!(timer.state().sets, 1, "{looks:?}");
            assert_eq!(due_after(&mut cx, &timer, &mut alarm, start, looks), 30_003, "{looks:?}");
            assert!(!alarm.is_due(&mut cx, start + Duration::from_secs(40)), "it is told once");
            // And again, sooner and later.
            alarm.set(at(50));
            alarm.set(at(40));
            assert!(!alarm.is_due(&mut cx, start + Duration::from_secs(31)));
            assert_eq!(due_after(&mut cx, &timer, &mut alarm, start, &[]), 40_003, "{looks:?}");
            alarm.set(None);
            alarm.set(at(60));
            assert_eq!(due_after(&mut cx, &timer, &mut alarm, start, &[45]), 60_003, "{looks:?}");
        }
    }
}
