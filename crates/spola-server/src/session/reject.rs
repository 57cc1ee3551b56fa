//! A WebSocket that its session does not take, or does not need any more: it is closed without a
//! status (§3.3, §7.1).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::wire::{Incoming, Wire};
use crate::config::Config;
use crate::io::Io;
use crate::meters::Metered;
use crate::reject_reason::RejectReason;
use spola_driver::{Runtime, Timer};

/// Time for all of it.
const TIME: Duration = Duration::from_secs(10);

pub(crate) struct Reject {
    wire: Wire,
    runtime: Arc<dyn Runtime>,
    timer: Box<dyn Timer>,
    deadline: Instant,
    config: Arc<Config>,
    _pending: Metered,
}

impl Reject {
    pub(crate) fn new(wire: Wire, runtime: Arc<dyn Runtime>, io: &Io) -> Self {
        let (mut timer, deadline) = (runtime.timer(), runtime.now() + TIME);
        timer.set(Some(deadline));
        let config = Arc::clone(io.config());
        let pending = Metered::handshake(io.meters());
        Self { wire, runtime, timer, deadline, config, _pending: pending }
    }

    /// One that came for a session that takes none.
    pub(crate) fn one_too_many(wire: Wire, runtime: Arc<dyn Runtime>, io: &Io) -> Self {
        io.meters().reject(RejectReason::SecondUpgrade);
        Self::new(wire, runtime, io)
    }
}

impl Future for Reject {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let now = this.runtime.now();
        while let Poll::Ready(incoming) = this.wire.poll_next(cx, now, &this.config) {
            let opened = matches!(incoming, Incoming::Opened);
            let closed = matches!(incoming, Incoming::Closed { .. });
            if opened {
                this.wire.close(now);
            } else if closed && matches!(this.wire, Wire::Opening(..)) {
                return Poll::Ready(());
            }
        }
        let failed = matches!(this.wire.flush(cx, now), Poll::Ready(Err(_)));
        if failed
            || this.wire.is_done()
            || now >= this.deadline
            || this.timer.poll_expired(cx).is_ready()
        {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
