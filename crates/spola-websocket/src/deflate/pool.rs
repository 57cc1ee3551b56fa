//! Contexts between messages. Each thread keeps a few, so that connections without context takeover
//! share them, and neither a lock nor an allocation is on the way of a message.

use std::cell::RefCell;

use super::{Deflater, Inflater};

/// The most kept of a kind. A thread has one message at work at a time, unless one arrives in
/// pieces.
const KEPT: usize = 4;

/// The most compressors kept, whatever their kinds.
const KEPT_IN_ALL: usize = 8;

thread_local! {
    static INFLATERS: RefCell<Vec<Inflater>> = const { RefCell::new(Vec::new()) };
    static DEFLATERS: RefCell<Vec<Deflater>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn take_inflater() -> Option<Inflater> {
    INFLATERS.try_with(|pool| pool.borrow_mut().pop()).ok().flatten()
}

/// Keeps `inflater`, which was reset, or drops it.
pub(super) fn give_inflater(inflater: Inflater) {
    // A thread that ends has no pool any more.
    let _ = INFLATERS.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push(inflater);
        }
    });
}

pub(super) fn take_deflater(level: u8, window_bits: u8) -> Option<Deflater> {
    let take = |pool: &RefCell<Vec<Deflater>>| {
        let mut pool = pool.borrow_mut();
        let at = pool.iter().rposition(|deflater| deflater.is(level, window_bits))?;
        Some(pool.swap_remove(at))
    };
    DEFLATERS.try_with(take).ok().flatten()
}

/// Keeps `deflater`, which was reset, or drops it.
pub(super) fn give_deflater(deflater: Deflater) {
    let _ = DEFLATERS.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let alike = pool.iter().filter(|kept| deflater.is_like(kept)).count();
        if alike < KEPT {
            // The one that waited longest makes room for a kind that is in use.
            if pool.len() == KEPT_IN_ALL {
                pool.remove(0);
            }
            pool.push(deflater);
        }
    });
}
