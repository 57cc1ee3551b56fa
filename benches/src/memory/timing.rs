//! The time of something short.

use std::time::{Duration, Instant};

/// How long to look at each thing.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// A run takes at least this.
    pub(crate) run: Duration,
    pub(crate) runs: usize,
}

impl Patience {
    pub(crate) const FULL: Self = Self { run: Duration::from_millis(20), runs: 9 };
    pub(crate) const QUICK: Self = Self { run: Duration::from_millis(1), runs: 1 };

    /// The best of several runs, in nanoseconds for each of the `times` that `run` is told to do it.
    pub(crate) fn best<E>(self, mut run: impl FnMut(usize) -> Result<(), E>) -> Result<f64, E> {
        let mut time = |times: usize| {
            let start = Instant::now();
            run(times)?;
            Ok(start.elapsed())
        };
        let mut times = 1;
        while time(times)? < self.run {
            times *= 2;
        }
        let mut best = Duration::MAX;
        for _ in 0..self.runs {
            best = best.min(time(times)?);
        }
        Ok(best.as_nanos() as f64 / times as f64)
    }
}
