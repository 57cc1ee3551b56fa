//! What all clients have done, and what they have seen that must not be.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Faults that are kept to be shown.
const SHOWN: usize = 20;

#[derive(Default)]
pub(crate) struct Record {
    /// Sessions of each kind that joined.
    pub(crate) polling: AtomicU64,
    pub(crate) websocket: AtomicU64,
    pub(crate) streaming: AtomicU64,
    pub(crate) upgraded: AtomicU64,
    pub(crate) cut_upgrades: AtomicU64,
    pub(crate) upgraded_to_stream: AtomicU64,
    /// Event streams that dropped, and were resumed or not.
    pub(crate) dropped_streams: AtomicU64,
    /// Sessions that were opened and did not get as far.
    pub(crate) failed: AtomicU64,
    pub(crate) half_open: AtomicU64,
    pub(crate) slow: AtomicU64,
    /// Clients that came back and were known, or were new ones; attempts that were cut.
    pub(crate) recovered: AtomicU64,
    pub(crate) anew: AtomicU64,
    pub(crate) hasty: AtomicU64,
    /// Events that were sent to clients that came back.
    pub(crate) missed: AtomicU64,
    /// Our messages that the server acknowledged, and those of the server that reached us.
    pub(crate) acknowledged: AtomicU64,
    pub(crate) told: AtomicU64,
    pub(crate) news: AtomicU64,
    /// Former sessions whose sums were compared.
    pub(crate) settled: AtomicU64,
    faults: Mutex<Vec<String>>,
    pub(crate) fault_count: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Record {
    pub(crate) fn fault(&self, what: impl Into<String>) {
        count(&self.fault_count);
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < SHOWN {
            faults.push(what.into());
        }
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        write!(
            f,
            "sessions: {} polling, {} WebSocket, {} streaming, {} upgraded, {} upgraded to a stream, \
             {} with cut upgrades, {} streams dropped, {} half-open, {} slow, {} failed to open; \
             returns: {} recovered, {} anew, {} cut, {} events missed; messages: {} acknowledged, {} told, {} news; {} settled; {} faults",
            of(&self.polling),
            of(&self.websocket),
            of(&self.streaming),
            of(&self.upgraded),
            of(&self.upgraded_to_stream),
            of(&self.cut_upgrades),
            of(&self.dropped_streams),
            of(&self.half_open),
            of(&self.slow),
            of(&self.failed),
            of(&self.recovered),
            of(&self.anew),
            of(&self.hasty),
            of(&self.missed),
            of(&self.acknowledged),
            of(&self.told),
            of(&self.news),
            of(&self.settled),
            of(&self.fault_count),
        )
    }
}
