//! Our server and the official one, row by row of the protocol.

use std::process::Command;
use std::time::Duration;

use super::npm;
use crate::process::{self, Failure, Finished};
use crate::summary::{Counts, Outcome};
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// What to run of the suite.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Leave out the rows that wait for long.
    #[arg(long)]
    quick: bool,
    /// Only rows whose id, such as `7/noop`, matches this regular expression.
    #[arg(long)]
    only: Option<String>,
    /// Run ours with each of its deliberate faults, and see the suite find it.
    #[arg(long)]
    mutants: bool,
}

/// Builds the fixture and runs `conformance/parity`.
///
/// # Errors
/// When the fixture cannot be built, or there is no Node.js to run the suite.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    match outcome(arguments)? {
        Outcome::Ran(counts) => Ok(counts.failed == 0),
        Outcome::Skipped(help) => Err(help.into()),
        Outcome::Broken(_, reason) => Err(reason.into()),
    }
}

/// The rows that take no more than a minute together.
pub(super) fn run_quick() -> Result<Outcome, Failure> {
    outcome(&Arguments { quick: true, ..Arguments::default() })
}

fn outcome(arguments: &Arguments) -> Result<Outcome, Failure> {
    let folder = workspace::root().join("conformance/parity");
    if let Some(help) = npm::missing(&folder) {
        return Ok(Outcome::Skipped(help));
    }
    let build = ["build", "-p", "spola-tokio", "--example", "parity"];
    process::succeed(&mut workspace::cargo(&build), BUILD_LIMIT)?;
    let mut command = Command::new("node");
    command.args(["main.mjs", "--ours"]).current_dir(folder);
    command.arg(workspace::target()?.join("debug/examples/parity"));
    if arguments.quick {
        command.arg("--quick");
    }
    if arguments.mutants {
        command.arg("--mutants");
    }
    if let Some(pattern) = &arguments.only {
        command.args(["--only", pattern]);
    }
    let finished = process::run(&mut command, LIMIT)?;
    Ok(match counted(&finished) {
        None => Outcome::Broken(Counts::default(), "no row was counted".to_owned()),
        Some(counts) if !finished.success && counts.failed == 0 => {
            Outcome::Broken(counts, "the runner failed".to_owned())
        }
        Some(counts) => Outcome::Ran(counts),
    })
}

/// The counts in the last line: `3 passed, 1 failed, 0 skipped`.
fn counted(finished: &Finished) -> Option<Counts> {
    let line = finished.lines.iter().rev().find(|line| line.contains(" passed, "))?;
    let number = |word| {
        let part = line.split(", ").find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("skipped")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_counted() {
        let lines = ["official: 9 passed, 0 failed", "", "17 passed, 2 failed, 3 skipped"];
        let lines = lines.map(str::to_owned).to_vec();
        let counts = counted(&Finished { success: false, lines });
        assert_eq!(counts, Some(Counts { passed: 17, failed: 2, skipped: 3 }));
    }
}
