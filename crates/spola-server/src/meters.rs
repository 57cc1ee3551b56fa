//! What a server counts where it happens: what it turned down, and what belongs to no session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::reject_reason::RejectReason;

/// Touched when something is turned down, opened or received in pieces, and never on the way of a
/// message.
#[derive(Default)]
pub(crate) struct Meters {
    rejected: Rejected,
    /// Connections that have asked for nothing, sessions about to open, WebSockets that are one too many.
    handshakes: AtomicUsize,
    /// Bodies of POSTs that are not complete, and their bytes.
    bodies: AtomicUsize,
    body_bytes: AtomicUsize,
}

struct Rejected([AtomicU64; RejectReason::ALL.len()]);

impl Default for Rejected {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Meters {
    /// Counts something that was turned down.
    pub(crate) fn reject(&self, reason: impl Into<RejectReason>) {
        self.reject_many(reason.into(), 1);
    }

    pub(crate) fn reject_many(&self, reason: RejectReason, count: usize) {
        if let Some(counter) = self.rejected.0.get(reason as usize) {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn rejected(&self, reason: RejectReason) -> u64 {
        self.rejected.0.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// Bodies that are being received, and their bytes.
    pub(crate) fn bodies(&self) -> (usize, usize) {
        (self.bodies.load(Ordering::Relaxed), self.body_bytes.load(Ordering::Relaxed))
    }
}

/// Something that is counted for as long as this value lives.
pub(crate) struct Metered {
    meters: Arc<Meters>,
    meter: fn(&Meters) -> &AtomicUsize,
    amount: usize,
}

impl Metered {
    /// A handshake that is pending.
    pub(crate) fn handshake(meters: &Arc<Meters>) -> Self {
        let mut handshake = Self::new(meters, |meters| &meters.handshakes);
        handshake.add(1);
        handshake
    }

    /// A body that is being received.
    pub(crate) fn body(meters: &Arc<Meters>) -> Self {
        let mut body = Self::new(meters, |meters| &meters.bodies);
        body.add(1);
        body
    }

    /// The bytes of one, none so far.
    pub(crate) fn body_bytes(meters: &Arc<Meters>) -> Self {
        Self::new(meters, |meters| &meters.body_bytes)
    }

    pub(crate) fn add(&mut self, amount: usize) {
        self.amount += amount;
        (self.meter)(&self.meters).fetch_add(amount, Ordering::Relaxed);
    }

    /// Takes back all that was added.
    pub(crate) fn clear(&mut self) {
        let amount = std::mem::take(&mut self.amount);
        (self.meter)(&self.meters).fetch_sub(amount, Ordering::Relaxed);
    }

    fn new(meters: &Arc<Meters>, meter: fn(&Meters) -> &AtomicUsize) -> Self {
        Self { meters: Arc::clone(meters), meter, amount: 0 }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.clear();
    }
}
