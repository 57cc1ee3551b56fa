//! `cargo xtask test`: every suite this machine has the means for, and the counts added up.

mod browser;
mod npm;
pub(crate) mod parity;
mod peers;
mod rust;

use clap::ValueEnum;

use crate::process::Failure;
use crate::summary::{self, Counts, Outcome, Summary};
use crate::{autobahn, workspace};

/// Which suites to run.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Only these suites, separated by commas; all of them by default.
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Suite>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The workspace's own tests and the examples in its documentation.
    Rust,
    /// The JavaScript client from npm against our server.
    Node,
    /// A part of that against the server on async-std and on smol.
    NodeAsyncStd,
    /// The rows of the protocol that take a minute, on our server and on the official one.
    Parity,
    /// The chat page of `spola serve` in headless Chromium.
    Browser,
    /// The quick part of the Autobahn WebSocket suite, in both roles on tokio.
    Autobahn,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Node => "node",
            Self::NodeAsyncStd => "node-async-std",
            Self::Parity => "parity",
            Self::Browser => "browser",
            Self::Autobahn => "autobahn",
        }
    }

    fn run(self) -> Result<Outcome, Failure> {
        match self {
            Self::Rust => rust::run(),
            Self::Node => peers::run(),
            Self::NodeAsyncStd => peers::run_async_std(),
            Self::Parity => parity::run_quick(),
            Self::Browser => browser::run(),
            Self::Autobahn => autobahn::run_quick(),
        }
    }
}

/// Runs the suites and prints what they counted.
///
/// # Errors
/// When the checkout itself cannot be read.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    workspace::target()?;
    let mut summary = Summary::default();
    for &suite in Suite::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(&suite) {
            continue;
        }
        println!("\n== {} ==", suite.name());
        let outcome = suite
            .run()
            .unwrap_or_else(|error| Outcome::Broken(Counts::default(), error.to_string()));
        summary.add(suite.name(), outcome);
    }
    Ok(summary.print(summary::is_strict()).failed == 0)
}
