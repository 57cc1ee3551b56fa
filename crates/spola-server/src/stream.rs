//! A response body that is written while it is sent: an event stream.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};

/// Bytes that may wait in a body before its writer has to: the rest stays in the session's queue.
const ROOM: usize = 16 << 10;

/// A new body, and its writer.
pub(crate) fn stream() -> (StreamWriter, StreamBody) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    (StreamWriter(Arc::clone(&shared)), StreamBody(shared))
}

/// The session's end. Dropping it ends the body behind what was written.
pub(crate) struct StreamWriter(Arc<Mutex<Shared>>);

/// The HTTP library's end. Dropped before its end, it tells the writer.
pub(crate) struct StreamBody(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    chunks: VecDeque<Bytes>,
    len: usize,
    ended: bool,
    dropped: bool,
    reader: Option<Waker>,
    /// Woken when there is room again, or nobody who reads.
    writer: Option<Waker>,
}

impl StreamWriter {
    pub(crate) fn write(&self, data: Bytes) {
        let mut shared = lock(&self.0);
        if shared.dropped {
            return;
        }
        shared.len += data.len();
        shared.chunks.push_back(data);
        wake(shared.reader.take(), shared);
    }

    pub(crate) fn has_room(&self) -> bool {
        lock(&self.0).len < ROOM
    }

    /// Ready once nobody reads any more. Else the task is woken when that happens, or when there is
    /// room again.
    pub(crate) fn poll_dropped(&self, cx: &Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.0);
        if shared.dropped {
            return Poll::Ready(());
        }
        match &mut shared.writer {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Throws away what nobody has taken, and ends the body.
    pub(crate) fn cut(self) {
        let mut shared = lock(&self.0);
        shared.chunks = VecDeque::new();
        shared.len = 0;
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.ended = true;
        shared.writer = None;
        wake(shared.reader.take(), shared);
    }
}

impl StreamBody {
    /// What waits, as one chunk, unless it is large; `None` at the end.
    pub(crate) fn poll_chunk(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut shared = lock(&self.0);
        let Some(chunk) = shared.take() else {
            if shared.ended {
                return Poll::Ready(None);
            }
            shared.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let was_full = shared.len >= ROOM;
        shared.len = shared.len.saturating_sub(chunk.len());
        let writer = if was_full && shared.len < ROOM { shared.writer.take() } else { None };
        wake(writer, shared);
        Poll::Ready(Some(chunk))
    }

    pub(crate) fn is_at_end(&self) -> bool {
        let shared = lock(&self.0);
        shared.ended && shared.chunks.is_empty()
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.dropped = true;
        shared.chunks = VecDeque::new();
        shared.len = 0;
        wake(shared.writer.take(), shared);
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody").finish_non_exhaustive()
    }
}

impl Shared {
    /// The first chunk, joined by those behind it as long as they are small together.
    fn take(&mut self) -> Option<Bytes> {
        let first = self.chunks.pop_front()?;
        let fits = |next: &Bytes, len: usize| len + next.len() <= ROOM;
        if !self.chunks.front().is_some_and(|next| fits(next, first.len())) {
            return Some(first);
        }
        let mut joined = BytesMut::from(&first[..]);
        while let Some(next) = self.chunks.pop_front_if(|next| fits(next, joined.len())) {
            joined.extend_from_slice(&next);
        }
        Some(joined.freeze())
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets go of the lock, then wakes.
fn wake(waker: Option<Waker>, shared: MutexGuard<'_, Shared>) {
    drop(shared);
    if let Some(waker) = waker {
        waker.wake();
    }
}
