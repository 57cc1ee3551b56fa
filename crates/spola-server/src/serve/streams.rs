//! The streams of an HTTP/2 connection, and the time in which it has none.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hyper::rt::Executor;
use spola_driver::Runtime;

/// Runs the streams and counts them: hyper has a task for each request until its response is handed
/// over, and for each WebSocket until it is closed.
#[derive(Clone)]
pub(super) struct Streams {
    runtime: Arc<dyn Runtime>,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    open: AtomicUsize,
    ever: AtomicUsize,
    /// Wakes the connection when the last stream has ended.
    connection: AtomicWaker,
}

impl Streams {
    pub(super) fn new(runtime: &Arc<dyn Runtime>) -> Self {
        Self { runtime: Arc::clone(runtime), count: Arc::default() }
    }

    /// Whether there has been one.
    pub(super) fn any(&self) -> bool {
        self.count.ever.load(Ordering::Acquire) > 0
    }

    /// Ready once there has been none for `time`. To be polled whenever the connection is.
    pub(super) async fn idle_for(&self, time: Duration) {
        let mut timer = self.runtime.timer();
        // How many there had been when the time began.
        let mut since = None;
        poll_fn(|cx| {
            self.count.connection.register(cx.waker());
            let ever = self.count.ever.load(Ordering::Acquire);
            if self.count.open.load(Ordering::Acquire) > 0 {
                since = None;
                return Poll::Pending;
            }
            if since != Some(ever) {
                since = Some(ever);
                timer.set(self.runtime.now().checked_add(time));
            }
            timer.poll_expired(cx)
        })
        .await;
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let open = Open::new(&self.count);
        self.runtime.spawn(Box::pin(async move {
            stream.await;
            drop(open);
        }));
    }
}

/// One stream, in the count of them.
struct Open(Arc<Count>);

impl Open {
    fn new(count: &Arc<Count>) -> Self {
        count.ever.fetch_add(1, Ordering::AcqRel);
        count.open.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.connection.wake();
        }
    }
}
