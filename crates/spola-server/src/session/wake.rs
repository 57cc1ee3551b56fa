//! What wakes a session's task: a command, bytes for its WebSocket, or whoever has made room.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Wake, Waker};

use spola_engineio::request::SessionStatus;

use super::load::Amount;
use super::{Attention, Inbox, SessionHandle};

/// As a waker, the handle is for reading alone. So the task knows whether a try to read is worth it:
/// when a broadcast wakes it, it is not.
impl Wake for SessionHandle {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // First this: a task about to rest sees it, or is found asleep.
        self.readable.store(true, Ordering::Release);
        self.rouse(self.lock());
    }
}

impl SessionHandle {
    /// Whether reading was woken, and not tried since.
    pub(super) fn is_readable(&self) -> bool {
        self.readable.load(Ordering::Relaxed)
    }

    /// Whether reading was woken since the last call.
    pub(super) fn take_readable(&self) -> bool {
        // Mostly it was not, and that is cheaper to see.
        self.readable.load(Ordering::Relaxed) && self.readable.swap(false, Ordering::Acquire)
    }

    /// Lets the task look once more: what held it up may be gone.
    pub(crate) fn nudge(&self) {
        let mut inbox = self.lock();
        // If it runs, it may have looked there already, and be about to rest.
        inbox.nudged = inbox.attention != Attention::Asleep;
        self.rouse(inbox);
    }

    /// The task rests, unless something has come in: then `false`.
    pub(super) fn rest(
        &self,
        status: Option<SessionStatus>,
        unsent: Amount,
        writable: bool,
        cx: &Context<'_>,
    ) -> bool {
        let mut inbox = self.lock();
        inbox.status = status;
        if std::mem::take(&mut inbox.nudged) || !inbox.commands.is_empty() {
            return false;
        }
        if self.readable.load(Ordering::Relaxed) {
            // There is more to read, and others get their turn before.
            cx.waker().wake_by_ref();
        }
        inbox.attention = Attention::Asleep;
        self.quiet.store(false, Ordering::Relaxed);
        inbox.waker = Some(cx.waker().clone());
        self.tell_load(inbox, unsent, writable);
        true
    }

    /// Wakes the task if it sleeps.
    pub(super) fn rouse(&self, mut inbox: MutexGuard<'_, Inbox>) {
        if inbox.attention != Attention::Asleep {
            return;
        }
        inbox.attention = Attention::Awake;
        self.quiet.store(inbox.commands.is_empty(), Ordering::Relaxed);
        let waker = inbox.waker.take();
        drop(inbox);
        waker.into_iter().for_each(Waker::wake);
    }
}
