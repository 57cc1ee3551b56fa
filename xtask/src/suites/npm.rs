//! Suites written for Node.js: their packages, their runner, its counts.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Failure, Finished};
use crate::summary::{Counts, Outcome};
use crate::workspace;

const OLDEST_NODE: u32 = 20;
const INSTALL_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Why a suite in `folder` cannot run here, after installing its packages where they are missing.
pub(super) fn missing(folder: &Path) -> Option<String> {
    let help = format!("install Node.js {OLDEST_NODE} or newer, with npm");
    let Some(version) = process::quiet(Command::new("node").arg("--version")) else {
        return Some(help);
    };
    let major = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST_NODE) {
        return Some(format!("{help} (this is {version})"));
    }
    if workspace::find_program(&["npm"]).is_none() {
        return Some(help);
    }
    if process::quiet(Command::new("npm").arg("ls").current_dir(folder)).is_some() {
        return None;
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--no-package-lock"]).current_dir(folder);
    match process::succeed(&mut install, INSTALL_LIMIT) {
        Ok(_) => None,
        Err(error) => Some(format!("npm could not install the packages ({error})")),
    }
}

/// Runs `node --test` in `folder` with these variables set.
pub(super) fn test(
    folder: &Path,
    variables: &[(&str, &Path)],
    limit: Duration,
) -> Result<Outcome, Failure> {
    test_files(folder, &[], variables, limit)
}

/// Runs only these files, or all if there are none.
pub(super) fn test_files(
    folder: &Path,
    files: &[&str],
    variables: &[(&str, &Path)],
    limit: Duration,
) -> Result<Outcome, Failure> {
    let mut command = Command::new("node");
    command.args(["--test", "--test-reporter=spec", "--test-timeout=60000"]).args(files);
    command.current_dir(folder);
    for (name, value) in variables {
        command.env(name, value);
    }
    let finished = process::run(&mut command, limit)?;
    let counts = counted(&finished);
    Ok(if counts == Counts::default() {
        Outcome::Broken(counts, "no test ran".to_owned())
    } else if !finished.success && counts.failed == 0 {
        Outcome::Broken(counts, "the runner failed".to_owned())
    } else {
        Outcome::Ran(counts)
    })
}

fn counted(finished: &Finished) -> Counts {
    let mut counts = Counts::default();
    for line in &finished.lines {
        let mut words = line.split_whitespace();
        let (Some("ℹ" | "#"), Some(word), Some(number), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "pass" => counts.passed += number,
            "fail" | "cancelled" => counts.failed += number,
            "skipped" | "todo" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_both_reporters_are_read() {
        for mark in ["ℹ", "#"] {
            let lines = ["tests 9", "suites 3", "pass 5", "fail 1", "cancelled 1", "skipped 2"];
            let lines = lines.map(|line| format!("{mark} {line}")).to_vec();
            let expected = Counts { passed: 5, failed: 2, skipped: 2 };
            assert_eq!(counted(&Finished { success: false, lines }), expected);
        }
    }
}
