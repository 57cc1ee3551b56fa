//! How long connections are served.

use std::convert::Infallible;

use futures_channel::{mpsc, oneshot};
use futures_util::future::{FutureExt as _, Shared};

/// What the server tells its connections. Dropped, it tells them to end.
pub(super) struct Phases {
    pub(super) draining: oneshot::Sender<()>,
    pub(super) over: oneshot::Sender<()>,
    /// Ends with the last connection.
    pub(super) connections: mpsc::Receiver<Infallible>,
}

/// Ready once it is given.
pub(super) type Cue = Shared<oneshot::Receiver<()>>;

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
        let (draining, told_to_drain) = oneshot::channel();
        let (over, told_to_end) = oneshot::channel();
        let (alive, connections) = mpsc::channel(0);
        let (draining_heard, over_heard) = (told_to_drain.shared(), told_to_end.shared());
        let watch = Watch { draining: draining_heard, over: over_heard, _alive: alive };
        (Self { draining, over, connections }, watch)
    }
}
