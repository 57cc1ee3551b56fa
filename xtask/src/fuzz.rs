//! `cargo xtask fuzz`: runs the targets in `fuzz/` in turn, each for so long.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Failure};
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// What a target may take beyond its time: to start, to load its corpus, to end.
const GRACE: Duration = Duration::from_secs(5 * 60);

/// The most memory a target may take, in MiB; the most time an input may, in seconds; and no line
/// for each new input, but a count at the end.
const OPTIONS: [&str; 4] =
    ["-rss_limit_mb=2048", "-timeout=20", "-verbosity=0", "-print_final_stats=1"];

/// Which targets, and for how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target; 0 only plays the seeds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// One target instead of all.
    #[arg(long)]
    target: Option<String>,
    /// Processes for each target.
    #[arg(long, default_value_t = 1)]
    jobs: u16,
}

/// Builds the targets and runs them.
///
/// # Errors
/// When a tool is missing, the build fails, or there is no such target.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    if let Some(help) = missing_nightly().or_else(missing_tool) {
        return Err(help.into());
    }
    let targets = build()?;
    let wanted: Vec<&String> = match &arguments.target {
        None => targets.iter().collect(),
        Some(name) => targets.iter().filter(|target| *target == name).collect(),
    };
    if wanted.is_empty() {
        return Err(format!("no such target; there are {}", targets.join(", ")).into());
    }
    let mut lines = Vec::new();
    let mut sound = true;
    for target in wanted {
        println!("\n== {target} ==");
        let outcome = replay(target).and_then(|()| match arguments.seconds {
            0 => Ok("seeds played".to_owned()),
            seconds => explore(target, seconds, arguments.jobs),
        });
        sound &= outcome.is_ok();
        let outcome = outcome.unwrap_or_else(|error| format!("FAILED: {error}"));
        lines.push(format!("  {target:<14} {outcome}"));
    }
    println!("\n{}", lines.join("\n"));
    Ok(sound)
}

/// What `cargo xtask ci` runs: the seeds, then 20 seconds for each target.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_briefly() -> Result<bool, Failure> {
    run(&Arguments { seconds: 20, target: None, jobs: 1 })
}

/// How to get a nightly toolchain, if there is none.
pub(crate) fn missing_nightly() -> Option<String> {
    let toolchains = process::quiet(Command::new("rustup").args(["toolchain", "list"]));
    let found = toolchains.is_some_and(|list| list.lines().any(|line| line.starts_with("nightly")));
    (!found).then(|| "no nightly toolchain: rustup toolchain install nightly".to_owned())
}

/// How to get cargo-fuzz, if it is not there.
pub(crate) fn missing_tool() -> Option<String> {
    let found = process::quiet(&mut workspace::cargo(&["fuzz", "--version"])).is_some();
    (!found).then(|| "cargo install --locked cargo-fuzz".to_owned())
}

/// Where the targets are.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("fuzz")
}

/// Builds all targets at once; their names.
fn build() -> Result<Vec<String>, Failure> {
    process::succeed(&mut cargo_fuzz(&["build"]), BUILD_LIMIT)?;
    let list = process::quiet(&mut cargo_fuzz(&["list"])).ok_or("cargo fuzz list failed")?;
    Ok(list.lines().map(str::to_owned).collect())
}

/// `cargo fuzz` with the nightly compiler, in a target folder of its own.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).args(arguments);
    command.current_dir(folder()).env("CARGO_TERM_COLOR", "never");
    for name in ["CARGO", "CARGO_TARGET_DIR", "RUSTUP_TOOLCHAIN", "CARGO_MANIFEST_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Plays the seeds of a target once.
fn replay(target: &str) -> Result<(), Failure> {
    let seeds = format!("seeds/{target}");
    let has_seeds =
        folder().join(&seeds).read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if !has_seeds {
        return Err(format!("no seeds in fuzz/{seeds}").into());
    }
    let mut command = cargo_fuzz(&["run", target, &seeds, "--", "-runs=0"]);
    process::succeed(command.args(OPTIONS), GRACE)?;
    Ok(())
}

/// Lets a target run; what came of it.
fn explore(target: &str, seconds: u64, jobs: u16) -> Result<String, Failure> {
    // What is found goes to the first folder. Git ignores it.
    let (corpus, seeds) = (format!("corpus/{target}"), format!("seeds/{target}"));
    std::fs::create_dir_all(folder().join(&corpus))?;
    let jobs = format!("--jobs={jobs}");
    let mut command = cargo_fuzz(&["run", &jobs, target, &corpus, &seeds, "--"]);
    command.args(OPTIONS).arg(format!("-max_total_time={seconds}"));
    if let Some(dictionary) = dictionary(target) {
        command.arg(format!("-dict={dictionary}"));
    }
    let lines = process::succeed(&mut command, Duration::from_secs(seconds) + GRACE)?;
    let runs = counted(&lines, "number_of_executed_units");
    let kept = counted(&lines, "new_units_added");
    Ok(match (runs, kept) {
        (Some(runs), Some(kept)) => format!("held in {runs} runs, {kept} inputs kept"),
        _ => "held".to_owned(),
    })
}

fn dictionary(target: &str) -> Option<&'static str> {
    matches!(target, "request" | "response" | "negotiation")
        .then_some("dictionaries/handshake.dict")
}

/// A number among the statistics at the end of a run of one process.
fn counted(lines: &[String], name: &str) -> Option<u64> {
    let prefix = format!("stat::{name}:");
    lines.iter().rev().find_map(|line| line.strip_prefix(&prefix)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_a_run_are_read() {
        let lines = ["Done 77 runs in 13 second(s)", "stat::number_of_executed_units: 77"];
        let lines = lines.map(str::to_owned);
        assert_eq!(counted(&lines, "number_of_executed_units"), Some(77));
        assert_eq!(counted(&lines, "new_units_added"), None);
    }
}
