//! Two tasks around one thing that both poll: nobody sleeps through what he waits for.
//!
//! A stream remembers the last waker it was polled with, of one task. Here it is only ever polled
//! with one waker, which wakes both halves; each half says who he is before it polls. And where one
//! half's polling changed what the other waits for, it wakes the other.

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

// Under the model checker these are its own.
use crate::sync::{Mutex, MutexGuard};

/// Who polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Receiver,
    Sender,
}

impl Half {
    fn other(self) -> Self {
        match self {
            Self::Receiver => Self::Sender,
            Self::Sender => Self::Receiver,
        }
    }
}

/// Something that two tasks poll.
pub(crate) trait Polled {
    type Mark: PartialEq;

    /// All that `half` may wait for: if it differs after the other half has polled, there may be an
    /// end to waiting.
    fn mark(&self, half: Half) -> Self::Mark;
}

/// What both halves hold.
pub(crate) struct Shared<T> {
    inner: Mutex<T>,
    wakers: Arc<Wakers>,
    /// Wakes both.
    waker: Waker,
}

#[derive(Default)]
struct Waiting {
    receiver: Option<Waker>,
    sender: Option<Waker>,
}

/// Those who wait.
struct Wakers {
    waiting: Mutex<Waiting>,
}

impl<T: Polled> Shared<T> {
    pub(crate) fn new(inner: T) -> Self {
        let wakers = Arc::new(Wakers { waiting: Mutex::new(Waiting::default()) });
        let waker = Waker::from(Arc::clone(&wakers));
        Self { inner: Mutex::new(inner), wakers, waker }
    }

    /// Polls as `half`, whose task is that of `cx`.
    pub(crate) fn poll<U>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<U>,
    ) -> Poll<U> {
        let mut inner = lock(&self.inner);
        let before = inner.mark(half.other());
        // Before polling: what happens from now on is not missed.
        self.wakers.register(half, cx.waker());
        let polled = poll(&mut inner, &mut Context::from_waker(&self.waker));
        let changed = inner.mark(half.other()) != before;
        drop(inner);
        if polled.is_ready() {
            self.wakers.take(half);
        }
        if changed {
            self.wake_other(half);
        }
        polled
    }

    /// Does something as `half` that needs no waiting.
    pub(crate) fn with<U>(&self, half: Half, act: impl FnOnce(&mut T) -> U) -> U {
        let mut inner = lock(&self.inner);
        let before = inner.mark(half.other());
        let done = act(&mut inner);
        let changed = inner.mark(half.other()) != before;
        drop(inner);
        if changed {
            self.wake_other(half);
        }
        done
    }

    fn wake_other(&self, half: Half) {
        if let Some(waker) = self.wakers.take(half.other()) {
            waker.wake();
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wakers {
    fn register(&self, half: Half, waker: &Waker) {
        let mut waiting = lock(&self.waiting);
        match waiting.of(half) {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    fn take(&self, half: Half) -> Option<Waker> {
        lock(&self.waiting).of(half).take()
    }
}

impl Waiting {
    fn of(&mut self, half: Half) -> &mut Option<Waker> {
        match half {
            Half::Receiver => &mut self.receiver,
            Half::Sender => &mut self.sender,
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Waiting { receiver, sender } = std::mem::take(&mut *lock(&self.waiting));
        // Not under the lock: a waker may run anything.
        [receiver, sender].into_iter().flatten().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A half that panicked has left nothing half-done: the machines change before anything panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
