//! The JavaScript client from npm against the conformance server of `spola-tokio`.

use std::time::Duration;

use super::npm;
use crate::process::{self, Failure};
use crate::summary::Outcome;
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Builds the server and runs `conformance/node`.
pub(super) fn run() -> Result<Outcome, Failure> {
    let folder = workspace::root().join("conformance/node");
    if let Some(help) = npm::missing(&folder) {
        return Ok(Outcome::Skipped(help));
    }
    let build = ["build", "-p", "spola-tokio", "--example", "conformance"];
    process::succeed(&mut workspace::cargo(&build), BUILD_LIMIT)?;
    let server = workspace::target()?.join("debug/examples/conformance");
    npm::test(&folder, &[("SPOLA_CONFORMANCE_SERVER", &server)], LIMIT)
}
