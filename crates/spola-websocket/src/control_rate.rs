use std::time::{Duration, Instant};

use crate::{Violation, config::Limits};

/// Limits how often a peer sends control frames: each costs the inverse of the sustained rate, and
/// the burst is the credit.
#[derive(Debug, Default)]
pub(crate) struct ControlRate {
    /// The moment at which the frames received so far are all paid for.
    paid: Option<Instant>,
}

impl ControlRate {
    /// Counts one frame.
    pub(crate) fn count(&mut self, now: Instant, limits: &Limits) -> Result<(), Violation> {
        let rate = limits.control_frames_per_second;
        if rate == 0 {
            return Ok(());
        }
        let cost = Duration::from_secs(1) / rate;
        let credit = cost.saturating_mul(limits.control_frames_burst);
        let paid = self.paid.map_or(now, |paid| paid.max(now)).checked_add(cost);
        let paid = paid.ok_or(Violation::ControlFlood)?;
        if paid.saturating_duration_since(now) > credit {
            return Err(Violation::ControlFlood);
        }
        self.paid = Some(paid);
        Ok(())
    }
}
