//! Chance that can be had again.

use std::ops::Range;
use std::time::Duration;

/// The generator SplitMix64.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator of its own for number `at`.
    pub(crate) fn branch(&self, at: u64) -> Self {
        let mut branch = Self(self.0 ^ at.wrapping_mul(0xd134_2543_de82_ef95));
        branch.next();
        branch
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of the range, which is not empty.
    pub(crate) const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// True this often in a hundred.
    pub(crate) const fn percent(&mut self, of_hundred: u64) -> bool {
        self.within(0..100) < of_hundred
    }

    pub(crate) const fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }
}
