//! The workspace's own tests, by cargo-nextest where it is installed, else by cargo itself.

use std::time::Duration;

use crate::process::{self, Failure, Finished};
use crate::summary::{Counts, Outcome};
use crate::workspace;

const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Runs unit, integration and documentation tests with all features on.
pub(super) fn run() -> Result<Outcome, Failure> {
    let mut counts = Counts::default();
    let mut broken = Vec::new();
    let nextest = process::quiet(&mut workspace::cargo(&["nextest", "--version"])).is_some();
    let tests: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests"]
    };
    let documentation = ["test", "--workspace", "--all-features", "--no-fail-fast", "--doc"];
    for (name, arguments) in [("tests", tests), ("documentation tests", &documentation)] {
        let finished = process::run(&mut workspace::cargo(arguments), LIMIT)?;
        let counted = counted(&finished);
        counts += counted;
        if !finished.success && counted.failed == 0 {
            broken.push(name);
        }
    }
    Ok(match broken.as_slice() {
        [] => Outcome::Ran(counts),
        names => Outcome::Broken(counts, format!("{} did not run", names.join(" and "))),
    })
}

fn counted(finished: &Finished) -> Counts {
    let mut counts = Counts::default();
    for line in &finished.lines {
        counts += closing_line(line).unwrap_or_default();
    }
    counts
}

/// The counts in a runner's closing line: `test result: ok. 3 passed; 0 failed; …` of the standard
/// harness, or `Summary [ 0.2s] 5 tests run: 4 passed (1 slow), 1 failed, 0 skipped` of nextest.
fn closing_line(line: &str) -> Option<Counts> {
    let line = line.trim();
    let counts = line.strip_prefix("test result: ").or_else(|| {
        line.strip_prefix("Summary").and_then(|line| line.split_once("run: ")?.1.into())
    })?;
    let mut total = Counts::default();
    for part in counts.split([',', ';', '.']) {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => total.passed += number,
            "failed" | "timed" => total.failed += number,
            "skipped" | "ignored" => total.skipped += number,
            _ => {}
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_both_runners_are_read() {
        let lines = [
            (
                "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; \
                 finished in 0.00s",
                Some((12, 1, 2)),
            ),
            ("     Summary [   0.013s] 6 tests run: 6 passed, 0 skipped", Some((6, 0, 0))),
            (
                "     Summary [  61.2s] 7/9 tests run: 4 passed (1 slow), 2 failed, 1 timed out, \
                 3 skipped",
                Some((4, 3, 3)),
            ),
            ("running 3 tests", None),
        ];
        for (line, expected) in lines {
            let expected =
                expected.map(|(passed, failed, skipped)| Counts { passed, failed, skipped });
            assert_eq!(closing_line(line), expected, "{line}");
        }
    }
}
