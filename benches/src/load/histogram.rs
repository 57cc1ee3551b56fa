//! Counts of durations, in buckets a 64th of their value wide.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;

/// A log-linear histogram of nanoseconds: fixed size, a few instructions a record, 1.6 % exact.
pub(super) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { buckets: vec![0; bucket(u64::MAX) + 1], count: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
    }

    pub(super) fn record(&mut self, value: Duration, times: u64) {
        let nanoseconds = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.buckets.get_mut(bucket(nanoseconds)) {
            *count += times;
        }
        self.count += times;
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The value that a `share` (0 to 1) of the records do not exceed; zero if there are none.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(middle(index));
            }
        }
        Duration::ZERO
    }
}

fn bucket(value: u64) -> usize {
    if value < SUB {
        return value as usize;
    }
    // The value keeps its `SUB_BITS` bits below the highest; the rest is the bucket's width.
    let shift = value.ilog2() - SUB_BITS;
    (u64::from(shift) * SUB + (value >> shift)) as usize
}

fn middle(index: usize) -> u64 {
    let index = index as u64;
    if index < SUB {
        return index;
    }
    let shift = index / SUB - 1;
    let low = (index - shift * SUB) << shift;
    low + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_in_order() {
        let mut last = 0;
        for value in (0..63).flat_map(|bit| [1_u64 << bit, (1 << bit) + (1 << bit) / 3]) {
            let index = bucket(value);
            assert!(index >= last, "{value}");
            last = index;
            let error = middle(index).abs_diff(value) as f64;
            assert!(error <= value as f64 / 64.0, "{value}: off by {error}");
        }
    }

    #[test]
    fn quantiles_of_a_row_of_numbers() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for value in 1..=1000 {
            histogram.record(Duration::from_micros(value), 2);
        }
        assert_eq!(histogram.count(), 2000);
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!((found / expected - 1.0).abs() < 0.02, "{share}: {found}");
        }
        histogram.clear();
        assert_eq!(histogram.count(), 0);
    }
}
