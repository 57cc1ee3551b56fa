//! What each suite counted, and the closing lines that say so.

use std::fmt;
use std::ops::AddAssign;

/// Tests counted by a runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// How one suite came out.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran; a failed count means failed tests.
    Ran(Counts),
    /// It could not run for want of something; the text says what would help.
    Skipped(String),
    /// It broke before it could count, or ended badly in spite of its counts.
    Broken(Counts, String),
}

/// The outcomes of a run, in order.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    entries: Vec<(&'static str, Outcome)>,
}

impl Summary {
    pub(crate) fn add(&mut self, name: &'static str, outcome: Outcome) {
        self.entries.push((name, outcome));
    }

    /// Everything added up. A suite that could not run counts as one skipped test, or as one
    /// failed if `strict`; a broken one as one failed at least.
    pub(crate) fn total(&self, strict: bool) -> Counts {
        let mut total = Counts::default();
        for (_, outcome) in &self.entries {
            total += match outcome {
                Outcome::Ran(counts) => *counts,
                Outcome::Skipped(_) if strict => Counts { failed: 1, ..Counts::default() },
                Outcome::Skipped(_) => Counts { skipped: 1, ..Counts::default() },
                Outcome::Broken(counts, _) => Counts { failed: counts.failed.max(1), ..*counts },
            };
        }
        total
    }

    /// Prints a line for each suite, then the total alone on the last line.
    pub(crate) fn print(&self, strict: bool) -> Counts {
        println!();
        for (name, outcome) in &self.entries {
            match outcome {
                Outcome::Ran(counts) => println!("  {name:<20} {counts}"),
                Outcome::Skipped(help) => println!("  {name:<20} skipped: {help}"),
                Outcome::Broken(_, reason) => println!("  {name:<20} FAILED: {reason}"),
            }
        }
        let total = self.total(strict);
        println!("\n{total}");
        total
    }
}

/// Whether a suite that cannot run counts as failed, as `CI=true` asks.
pub(crate) fn is_strict() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_fail_only_when_strict() {
        let mut summary = Summary::default();
        summary.add("a", Outcome::Ran(Counts { passed: 3, failed: 0, skipped: 1 }));
        summary.add("b", Outcome::Skipped("install it".to_owned()));
        assert_eq!(summary.total(false), Counts { passed: 3, failed: 0, skipped: 2 });
        assert_eq!(summary.total(true), Counts { passed: 3, failed: 1, skipped: 1 });
    }

    #[test]
    fn a_broken_suite_fails_even_if_it_counted_none() {
        let mut summary = Summary::default();
        summary.add("a", Outcome::Broken(Counts { passed: 5, ..Counts::default() }, String::new()));
        assert_eq!(summary.total(false).to_string(), "5 passed, 1 failed, 0 skipped");
    }
}
