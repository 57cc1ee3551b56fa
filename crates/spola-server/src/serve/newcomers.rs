//! Connections that have been accepted, and have asked for nothing yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use crate::meters::{Metered, Meters};
use crate::reject_reason::RejectReason;

/// All of them, oldest first. They cost their sender nothing, so there is a limit: at it, the oldest
/// goes. An honest client has asked long before it is the oldest of so many.
pub(super) struct Newcomers {
    limit: usize,
    meters: Arc<Meters>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    waiting: BTreeMap<u64, (oneshot::Sender<()>, Metered)>,
}

impl Newcomers {
    pub(super) fn new(limit: usize, meters: Arc<Meters>) -> Self {
        Self { limit: limit.max(1), meters, table: Mutex::default() }
    }

    /// Takes one more in, and sends the oldest away if there are too many.
    pub(super) fn welcome(self: &Arc<Self>) -> Newcomer {
        let (send_away, sent_away) = oneshot::channel();
        let mut table = self.lock();
        let id = table.next;
        table.next += 1;
        if table.waiting.len() >= self.limit
            && let Some((_, (oldest, _))) = table.waiting.pop_first()
        {
            self.meters.reject(RejectReason::Newcomers);
            tracing::debug!("the oldest connection without a request was closed: too many wait");
            // One that is ending already does not hear.
            let _ = oldest.send(());
        }
        table.waiting.insert(id, (send_away, Metered::handshake(&self.meters)));
        drop(table);
        let badge = Badge { id, arrived: AtomicBool::new(false), newcomers: Arc::clone(self) };
        Newcomer { badge: Arc::new(badge), sent_away }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that has just been accepted.
pub(super) struct Newcomer {
    pub(super) badge: Arc<Badge>,
    /// Gives `Ok` if the connection has to go.
    pub(super) sent_away: oneshot::Receiver<()>,
}

/// What tells a newcomer.
pub(super) struct Badge {
    id: u64,
    arrived: AtomicBool,
    newcomers: Arc<Newcomers>,
}

impl Badge {
    /// Whether it has asked for something.
    pub(super) fn is_off(&self) -> bool {
        self.arrived.load(Ordering::Relaxed)
    }

    /// It has asked for something: it is none any more.
    pub(super) fn take_off(&self) {
        // Mostly it is off, and that is cheaper to see.
        if !self.is_off() && !self.arrived.swap(true, Ordering::Relaxed) {
            self.newcomers.lock().waiting.remove(&self.id);
        }
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        self.take_off();
    }
}
