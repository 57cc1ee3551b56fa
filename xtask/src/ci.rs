//! `cargo xtask ci`: everything a change must pass. `.ci/run` installs the means, then calls this.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Failure};
use crate::summary::Counts;
use crate::{arrows, fuzz, soak, suites, summary, workspace};

const LIMIT: Duration = Duration::from_secs(20 * 60);
const NO_STD: [&str; 3] = ["spola-frame", "spola-engineio-packet", "spola-socketio-packet"];
/// Crates whose optional parts are large.
const PLAIN: [&str; 4] = ["spola-websocket", "spola-driver", "spola-tokio", "spola-async-std"];

enum Check {
    Passed,
    Failed(String),
    Skipped(String),
}

type Step = (&'static str, fn() -> Result<Check, Failure>);

const STEPS: [Step; 12] = [
    ("format", format),
    ("lints", lints),
    ("documentation", documentation),
    ("no_std", no_std),
    ("oldest toolchain", oldest_toolchain),
    ("licences", licences),
    ("advisories", advisories),
    ("arrows", arrows_hold),
    ("wakers", wakers),
    ("benchmarks", benchmarks),
    ("fuzzing", fuzzing),
    ("soak", soaking),
];

/// Runs every check, whatever the ones before it found, then every test.
///
/// # Errors
/// As `cargo xtask test`.
pub(crate) fn run() -> Result<bool, Failure> {
    let mut counts = Counts::default();
    let mut lines = Vec::new();
    for (name, step) in STEPS {
        println!("\n== {name} ==");
        match step().unwrap_or_else(|error| Check::Failed(error.to_string())) {
            Check::Passed => {
                counts.passed += 1;
                lines.push(format!("  {name:<20} passed"));
            }
            Check::Failed(reason) => {
                counts.failed += 1;
                lines.push(format!("  {name:<20} FAILED: {reason}"));
            }
            Check::Skipped(reason) => {
                counts.skipped += 1;
                lines.push(format!("  {name:<20} skipped: {reason}"));
            }
        }
    }
    println!("\n{}\n\nchecks: {counts}", lines.join("\n"));
    let tests = suites::run(&suites::Arguments::default())?;
    if counts.failed > 0 {
        eprintln!("xtask: of the checks before the tests, {} failed", counts.failed);
    }
    Ok(tests && counts.failed == 0)
}

fn cargo(arguments: &[&str]) -> Result<Check, Failure> {
    process::succeed(&mut workspace::cargo(arguments), LIMIT)?;
    Ok(Check::Passed)
}

/// For want of a tool: a failure where `CI=true` promised that it is there.
fn wanting(help: String) -> Check {
    if summary::is_strict() { Check::Failed(help) } else { Check::Skipped(help) }
}

fn format() -> Result<Check, Failure> {
    cargo(&["fmt", "--all", "--check"])
}

/// With all features, and with those that are on by default.
fn lints() -> Result<Check, Failure> {
    cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny=warnings"])?;
    let mut plain = vec!["clippy"];
    plain.extend(PLAIN.iter().flat_map(|name| ["--package", name]));
    plain.extend(["--", "--deny=warnings"]);
    cargo(&plain)
}

/// Runs the halves of a WebSocket through every order of events that loom can think of.
fn wakers() -> Result<Check, Failure> {
    let mut command = workspace::cargo(&["test", "--package", "spola-driver", "--test", "loom"]);
    let folder = workspace::target()?.join("loom");
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", folder);
    process::succeed(&mut command, LIMIT)?;
    Ok(Check::Passed)
}

fn documentation() -> Result<Check, Failure> {
    let mut command = workspace::cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    process::succeed(command.env("RUSTDOCFLAGS", "-Dwarnings"), LIMIT)?;
    Ok(Check::Passed)
}

/// Builds the codecs without `std`, for a target without one if it is installed, and looks that no
/// dependency's `std` feature is left on.
fn no_std() -> Result<Check, Failure> {
    let bare = bare_target();
    for name in NO_STD {
        let mut build = vec!["check", "--package", name, "--no-default-features"];
        if let Some(target) = &bare {
            build.extend(["--target", target]);
        }
        cargo(&build)?;
        let mut tree = workspace::cargo(&["tree", "--package", name, "--no-default-features"]);
        tree.args(["--edges", "normal,no-proc-macro,features", "--prefix", "none"]);
        let tree = process::quiet(&mut tree).ok_or("cargo tree failed")?;
        if let Some(line) = tree.lines().find(|line| line.contains("feature \"std\"")) {
            return Ok(Check::Failed(format!("{name} turns on {line}")));
        }
    }
    println!("no_std: {}", bare.as_deref().unwrap_or("no target without std is installed"));
    Ok(Check::Passed)
}

fn bare_target() -> Option<String> {
    let installed = process::quiet(Command::new("rustup").args(["target", "list", "--installed"]))?;
    installed.lines().find(|target| target.contains("-none")).map(str::to_owned)
}

/// Builds with the toolchain that `rust-version` promises. Nothing more to do if this is the one.
fn oldest_toolchain() -> Result<Check, Failure> {
    let metadata = workspace::metadata()?;
    let promised = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "spola"))
        .and_then(|package| package["rust_version"].as_str())
        .ok_or("the crate spola states no rust-version")?;
    let full = if promised.matches('.').count() == 1 {
        format!("{promised}.0")
    } else {
        promised.to_owned()
    };
    let current = process::quiet(Command::new("rustc").arg("--version")).unwrap_or_default();
    if current.split_whitespace().nth(1) == Some(full.as_str()) {
        println!("this is Rust {full}: the builds above show it");
        return Ok(Check::Passed);
    }
    let probe = &mut Command::new("rustup");
    if process::quiet(probe.args(["run", &full, "cargo", "--version"])).is_none() {
        return Ok(wanting(format!("rustup toolchain install {full}")));
    }
    let target = workspace::target()?.join("oldest-toolchain");
    let mut command = Command::new("rustup");
    command.args(["run", &full, "cargo", "check", "--workspace", "--all-features"]);
    command.current_dir(workspace::root()).env("CARGO_TARGET_DIR", target);
    process::succeed(command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN"), LIMIT)?;
    Ok(Check::Passed)
}

fn has_deny() -> bool {
    process::quiet(&mut workspace::cargo(&["deny", "--version"])).is_some()
}

fn licences() -> Result<Check, Failure> {
    if !has_deny() {
        return Ok(wanting("cargo install --locked cargo-deny".to_owned()));
    }
    cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"])
}

/// Looks for known vulnerabilities, if the database can be had.
fn advisories() -> Result<Check, Failure> {
    let fetch = &mut workspace::cargo(&["deny", "fetch", "db"]);
    if !has_deny() || !process::run(fetch, Duration::from_secs(120))?.success {
        return Ok(Check::Skipped("the advisory database is out of reach".to_owned()));
    }
    cargo(&["deny", "--all-features", "check", "advisories"])
}

fn arrows_hold() -> Result<Check, Failure> {
    Ok(if arrows::run()? { Check::Passed } else { Check::Failed("see above".to_owned()) })
}

/// Formats, lints and builds the benchmarks' own workspace.
fn benchmarks() -> Result<Check, Failure> {
    outer_workspace(&workspace::root().join("benches"))
}

/// Formats and lints the fuzz targets' own workspace, plays their seeds, and gives each a moment.
fn fuzzing() -> Result<Check, Failure> {
    outer_workspace(&fuzz::folder())?;
    process::succeed(workspace::cargo(&["test"]).current_dir(fuzz::folder()), LIMIT)?;
    // A toolchain cannot be had everywhere; the tool comes from where the dependencies do.
    if let Some(help) = fuzz::missing_nightly() {
        return Ok(Check::Skipped(help));
    }
    if let Some(help) = fuzz::missing_tool() {
        return Ok(wanting(help));
    }
    Ok(if fuzz::run_briefly()? { Check::Passed } else { Check::Failed("see above".to_owned()) })
}

/// Lets clients come and go for a minute.
fn soaking() -> Result<Check, Failure> {
    let well = soak::run(&soak::Arguments::BRIEF)?;
    Ok(if well { Check::Passed } else { Check::Failed("see above".to_owned()) })
}

/// Checks the format and the lints of a workspace beside the main one.
fn outer_workspace(folder: &Path) -> Result<Check, Failure> {
    for arguments in
        [&["fmt", "--check"][..], &["clippy", "--all-targets", "--", "--deny=warnings"]]
    {
        process::succeed(workspace::cargo(arguments).current_dir(folder), LIMIT)?;
    }
    Ok(Check::Passed)
}
