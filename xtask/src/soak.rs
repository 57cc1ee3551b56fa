//! `cargo xtask soak`: the program `soak`, built with optimisations and every check.

use std::time::Duration;

use crate::process::{self, Failure};
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What the program takes besides the time: starting, the end of the last sessions, the counting.
const MARGIN: Duration = Duration::from_secs(180);

/// How long, with whom, and by what chance.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long clients come and go.
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// How many there are at once.
    #[arg(long, default_value_t = 2000)]
    clients: u64,
    /// Makes clients choose as they did in the run that printed it.
    #[arg(long)]
    seed: Option<u64>,
}

impl Arguments {
    /// What CI runs.
    pub(crate) const BRIEF: Self = Self { minutes: 1.0, clients: 2000, seed: None };
}

/// Builds the program and runs it; whether all was well.
///
/// # Errors
/// When it cannot be built or started, or does not end.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let build = ["build", "--package", "soak", "--profile", "soak"];
    process::succeed(&mut workspace::cargo(&build), BUILD_LIMIT)?;
    let minutes = arguments.minutes.clamp(0.1, 24.0 * 60.0);
    let limit = Duration::from_secs_f64(minutes * 60.0) + MARGIN;
    let mut command =
        workspace::cargo(&["run", "--quiet", "--package", "soak", "--profile", "soak"]);
    command.args(["--", "run", "--minutes", &minutes.to_string()]);
    command.args(["--clients", &arguments.clients.to_string()]);
    if let Some(seed) = arguments.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    Ok(process::run(&mut command, limit)?.success)
}
