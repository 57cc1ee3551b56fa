//! `cargo xtask autobahn`: the Autobahn WebSocket suite against the drivers' examples, in both roles.

mod cases;
mod driver;
mod environment;
mod part;
mod report;

use std::path::PathBuf;
use std::thread;

use clap::ValueEnum;

use crate::process::Failure;
use crate::summary::{Counts, Outcome, Summary};
use crate::workspace;
use cases::Case;
use driver::{Build, Driver, Role};
use environment::Environment;
use part::{Part, Peer};
use report::Report;

const AGENT: &str = "spola";
/// Processes of the suite at a time. It spends half an hour on compression, and uses one core.
const PROCESSES: usize = 2;

/// What to run, and against whom.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The driver under test; by default each of them.
    #[arg(long, value_enum)]
    driver: Option<Driver>,
    /// The side of the protocol under test.
    #[arg(long, value_enum, default_value = "both")]
    role: Roles,
    /// Case patterns separated by commas, such as `1.*,6.4.1`; by default all of them on tokio and
    /// the quick part on the other drivers.
    #[arg(long, value_delimiter = ',', conflicts_with = "ci")]
    cases: Vec<String>,
    /// What runs with every change: the quick part (1.* to 10.* and the first case of each
    /// compressed group) on tokio, built without optimisation.
    #[arg(long, conflicts_with = "driver")]
    ci: bool,
    /// A server that already runs, such as `ws://127.0.0.1:9001`, instead of the echo examples.
    #[arg(long, conflicts_with_all = ["driver", "role", "ci"])]
    url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Roles {
    Server,
    Client,
    Both,
}

impl Roles {
    const fn each(self) -> &'static [Role] {
        match self {
            Self::Server => &[Role::Server],
            Self::Client => &[Role::Client],
            Self::Both => &[Role::Server, Role::Client],
        }
    }
}

/// Runs the suite and prints its counts.
///
/// # Errors
/// When a pattern names no case, or the checkout cannot be read.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let named = match arguments.cases.as_slice() {
        [] => None,
        patterns => Some(cases::matching(patterns)?),
    };
    let mut summary = Summary::default();
    match Suite::ready()? {
        Err(help) => summary.add("autobahn", Outcome::Skipped(help)),
        Ok(suite) => {
            if let Some(url) = &arguments.url {
                let cases = named.unwrap_or_else(cases::all);
                summary.add("server", or_broken(suite.run("server", &Peer::Running(url), &cases)));
            } else if arguments.ci {
                suite.run_driver(Driver::Tokio, arguments.role, Build::Dev, None, &mut summary);
            } else {
                let drivers = match &arguments.driver {
                    Some(driver) => std::slice::from_ref(driver),
                    None => Driver::value_variants(),
                };
                for &driver in drivers {
                    let named = named.as_deref();
                    suite.run_driver(driver, arguments.role, Build::Release, named, &mut summary);
                }
            }
        }
    }
    // Asked for by name, a suite that cannot run has failed.
    Ok(summary.print(true).failed == 0)
}

/// The suite as a part of every test run.
///
/// # Errors
/// When the checkout cannot be read.
pub(crate) fn run_quick() -> Result<Outcome, Failure> {
    let suite = match Suite::ready()? {
        Ok(suite) => suite,
        Err(help) => return Ok(Outcome::Skipped(help)),
    };
    let mut summary = Summary::default();
    suite.run_driver(Driver::Tokio, Roles::Both, Build::Dev, None, &mut summary);
    let counts = summary.print(true);
    Ok(Outcome::Ran(counts))
}

/// The suite, installed.
struct Suite {
    environment: Environment,
    folder: PathBuf,
}

impl Suite {
    /// Installs the suite if need be; what would help if that is not possible.
    fn ready() -> Result<Result<Self, String>, Failure> {
        let folder = workspace::target()?.join("autobahn");
        std::fs::create_dir_all(&folder)?;
        let environment = match Environment::ready(&folder) {
            Ok(environment) => environment,
            Err(help) => return Ok(Err(help)),
        };
        let known: Vec<_> = cases::all().iter().map(Case::to_string).collect();
        if environment.cases()? != known {
            return Err(
                "the suite's cases are not those listed in xtask/src/autobahn/cases.rs".into()
            );
        }
        Ok(Ok(Self { environment, folder }))
    }

    fn run_driver(
        &self,
        driver: Driver,
        roles: Roles,
        build: Build,
        named: Option<&[Case]>,
        summary: &mut Summary,
    ) {
        let cases = match (named, driver, build) {
            (Some(named), _, _) => named.to_vec(),
            (None, Driver::Tokio, Build::Release) => cases::all(),
            (None, Driver::Tokio, Build::Dev) | (None, Driver::AsyncStd | Driver::Smol, _) => {
                cases::quick()
            }
        };
        for &role in roles.each() {
            let label = driver.label(role);
            let outcome = driver.example(role, build).and_then(|example| {
                let peer = match role {
                    Role::Server => Peer::Server(&example),
                    Role::Client => Peer::Client(&example),
                };
                self.run(label, &peer, &cases)
            });
            summary.add(label, or_broken(outcome));
        }
    }

    /// Runs `cases` in several processes at once and judges all their verdicts together.
    fn run(&self, label: &str, peer: &Peer<'_>, cases: &[Case]) -> Result<Outcome, Failure> {
        let shares = cases::split(cases, PROCESSES);
        let numbered = shares.iter().zip(1..);
        let parts: Vec<_> = numbered
            .map(|(share, number)| Part {
                environment: &self.environment,
                cases: share,
                agent: AGENT,
                folder: self.folder.join(label).join(format!("{number}")),
            })
            .collect();
        let mut report = Report::default();
        let mut broken = None;
        for finished in at_once(&parts, peer) {
            match finished {
                Ok(verdicts) => report.merge(verdicts),
                Err(error) => broken = Some(error.to_string()),
            }
        }
        let counts = report.judge(label, cases);
        for part in &parts {
            println!("  the report: {}", part.index().display());
        }
        Ok(match broken {
            None => Outcome::Ran(counts),
            Some(reason) => Outcome::Broken(counts, reason),
        })
    }
}

fn at_once(parts: &[Part<'_>], peer: &Peer<'_>) -> Vec<Result<Report, Failure>> {
    thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(|| part.run(peer))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a part panicked".into())))
            .collect()
    })
}

fn or_broken(outcome: Result<Outcome, Failure>) -> Outcome {
    outcome.unwrap_or_else(|error| Outcome::Broken(Counts::default(), error.to_string()))
}
