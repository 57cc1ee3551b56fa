//! `cargo xtask autobahn`: the Autobahn WebSocket suite against the tokio echo server.

mod environment;
mod report;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;

use crate::process::{self, Failure, Server};
use crate::summary::{Outcome, Summary};
use crate::workspace;
use environment::Environment;

const AGENT: &str = "spola";
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);
const START_LIMIT: Duration = Duration::from_secs(20);
/// Half a minute does on a quick machine.
const SUITE_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Everything but compression, whose cases take the suite most of an hour.
const ALL: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];
/// Everything but compression and the megabytes of group 9.
const SUBSET: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];

/// What to run, and against whom.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Case patterns separated by commas, such as `1.*,6.4.*`; by default all but 12.* and 13.*.
    #[arg(long, value_delimiter = ',', conflicts_with = "ci")]
    cases: Vec<String>,
    /// Groups 1 to 7 and 10 alone: nothing that moves megabytes.
    #[arg(long)]
    ci: bool,
    /// The side of the protocol under test.
    #[arg(long, value_enum, default_value = "server")]
    role: Role,
    /// A server that already runs, such as `ws://127.0.0.1:9001`, instead of the echo example.
    #[arg(long)]
    url: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    Server,
}

/// Runs the suite and prints its counts.
///
/// # Errors
/// When the suite cannot be installed or run to its end.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let Role::Server = arguments.role;
    let cases = match arguments.cases.as_slice() {
        [] if arguments.ci => SUBSET.map(str::to_owned).to_vec(),
        [] => ALL.map(str::to_owned).to_vec(),
        cases => cases.to_vec(),
    };
    let mut summary = Summary::default();
    summary.add("autobahn", outcome(&cases, arguments.url.as_deref())?);
    // Asked for by name, a suite that cannot run has failed.
    Ok(summary.print(true).failed == 0)
}

/// The suite as a part of every test run.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_all() -> Result<Outcome, Failure> {
    outcome(&ALL.map(str::to_owned), None)
}

fn outcome(cases: &[String], url: Option<&str>) -> Result<Outcome, Failure> {
    let folder = workspace::target()?.join("autobahn");
    fs::create_dir_all(&folder)?;
    let environment = match Environment::ready(&folder) {
        Ok(environment) => environment,
        Err(help) => return Ok(Outcome::Skipped(help)),
    };
    let report = folder.join("report");
    if report.exists() {
        fs::remove_dir_all(&report)?;
    }
    let announced = if let Some(url) = url {
        fuzz(&environment, &folder, &report, cases, url)?
    } else {
        let build = ["build", "--release", "-p", "spola-tokio", "--example", "echo"];
        process::succeed(&mut workspace::cargo(&build), BUILD_LIMIT)?;
        let program = workspace::target()?.join("release/examples/echo");
        let port = process::free_port()?;
        let mut echo = Command::new(program);
        // It reports each of the violations that the suite commits.
        let log = fs::File::create(folder.join("echo.log"))?;
        echo.args(["--port", &port.to_string()]).stdout(Stdio::null()).stderr(log);
        let mut server = Server::start(&mut echo, port, START_LIMIT)?;
        let url = format!("ws://127.0.0.1:{port}");
        let announced = fuzz(&environment, &folder, &report, cases, &url)?;
        if !server.is_alive() {
            return Err("the echo server ended during the suite".into());
        }
        announced
    };
    let verdict = report::read(&report.join("index.json"), AGENT)?;
    verdict.print();
    println!("the report: {}", report.join("index.html").display());
    let counts = verdict.counts();
    if verdict.cases() != announced {
        let reason = format!("{} of {announced} cases are in the report", verdict.cases());
        return Ok(Outcome::Broken(counts, reason));
    }
    Ok(Outcome::Ran(counts))
}

/// Runs the fuzzing client; the number of cases it announced.
fn fuzz(
    environment: &Environment,
    folder: &Path,
    report: &Path,
    cases: &[String],
    url: &str,
) -> Result<usize, Failure> {
    let specification = json!({
        "outdir": report,
        "servers": [{"agent": AGENT, "url": url}],
        "cases": cases,
        "exclude-cases": ["12.*", "13.*"],
        "exclude-agent-cases": {},
    });
    let path = folder.join("fuzzingclient.json");
    fs::write(&path, serde_json::to_vec_pretty(&specification)?)?;
    let mut suite = environment.suite();
    suite.args(["--mode", "fuzzingclient", "--spec"]).arg(&path).current_dir(folder);
    let lines = process::succeed(&mut suite, SUITE_LIMIT)?;
    let announced = lines.iter().find_map(|line| {
        line.strip_prefix("Ok, will run ")?.split_whitespace().next()?.parse().ok()
    });
    match announced {
        Some(0) | None => Err("the suite announced no case to run".into()),
        Some(number) => Ok(number),
    }
}
