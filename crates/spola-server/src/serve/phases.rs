//! How long connections are served.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use futures_channel::{mpsc, oneshot};
use futures_util::future::{FutureExt as _, Shared};

/// What the server tells its connections.
pub(super) struct Phases {
    pub(super) draining: Signal,
    pub(super) over: Signal,
    /// Ends with the last connection.
    pub(super) connections: mpsc::Receiver<Infallible>,
}

/// What a connection hears of the server.
#[derive(Clone)]
pub(super) struct Watch {
    /// Ready when each connection is to end with the responses that are under way.
    pub(super) draining: Cue,
    /// Ready when each is to end now.
    pub(super) over: Cue,
    /// Goes with the connection.
    pub(super) _alive: mpsc::Sender<Infallible>,
}

impl Phases {
    pub(super) fn new() -> (Self, Watch) {
        let (draining, told_to_drain) = signal();
        let (over, told_to_end) = signal();
        let (alive, connections) = mpsc::channel(0);
        let watch = Watch { draining: told_to_drain, over: told_to_end, _alive: alive };
        (Self { draining, over, connections }, watch)
    }
}

/// Is given once, to all connections: when it is dropped.
pub(super) struct Signal {
    given: Arc<AtomicBool>,
    _sender: oneshot::Sender<()>,
}

impl Drop for Signal {
    fn drop(&mut self) {
        // Those who are woken by the sender's end see it.
        self.given.store(true, Ordering::Release);
    }
}

/// Ready when its signal is given. Until then it costs next to nothing to be polled again.
#[derive(Clone)]
pub(super) struct Cue {
    given: Arc<AtomicBool>,
    sender: Shared<oneshot::Receiver<()>>,
    /// Whom the sender's end will wake.
    waker: Option<Waker>,
}

fn signal() -> (Signal, Cue) {
    let (sender, receiver) = oneshot::channel();
    let given = Arc::new(AtomicBool::new(false));
    let cue = Cue { given: Arc::clone(&given), sender: receiver.shared(), waker: None };
    (Signal { given, _sender: sender }, cue)
}

impl Future for Cue {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let is_known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_known && !self.given.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.waker = Some(cx.waker().clone());
        self.sender.poll_unpin(cx).map(drop)
    }
}
