//! `cargo xtask bench`: the benchmarks live in a workspace of their own, `benches/`.

use std::time::Duration;

use crate::process::{self, Failure};
use crate::workspace;

const LIMIT: Duration = Duration::from_secs(3 * 3600);

/// Which benchmark, and its own options.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The benchmark and its options, for example `websocket --rounds 5`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    benchmark: Vec<String>,
}

/// Builds the benchmarks in release and runs one.
///
/// # Errors
/// When it cannot be started or takes more than three hours.
pub(crate) fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let mut command = workspace::cargo(&["run", "--release", "--bin", "bench", "--"]);
    command.args(&arguments.benchmark).current_dir(workspace::root().join("benches"));
    Ok(process::run(&mut command, LIMIT)?.success)
}
