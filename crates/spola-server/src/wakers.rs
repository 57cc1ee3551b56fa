//! Tasks that wait for the same thing.

use std::task::{Context, Waker};

/// The wakers of futures that wait, each at a place of its own. A future that is dropped gives its place
/// up: so no more are kept than wait, however many did.
#[derive(Default)]
pub(crate) struct Wakers {
    waiting: Vec<(u64, Waker)>,
    next: u64,
}

impl Wakers {
    /// Has the task woken. A future that waits for the first time gets its `place`.
    pub(crate) fn register(&mut self, place: &mut Option<u64>, cx: &Context<'_>) {
        let place = *place.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        match self.waiting.iter_mut().find(|(at, _)| *at == place) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => self.waiting.push((place, cx.waker().clone())),
        }
    }

    /// The future at this place waits no more. Its waker is to be dropped without a lock.
    #[must_use]
    pub(crate) fn leave(&mut self, place: u64) -> Option<Waker> {
        let at = self.waiting.iter().position(|(at, _)| *at == place)?;
        Some(self.waiting.swap_remove(at).1)
    }

    /// All of them, to be woken without a lock.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, waker)| waker)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
