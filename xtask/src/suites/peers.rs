//! The JavaScript client from npm against the conformance servers of the drivers.

use std::path::Path;
use std::time::Duration;

use super::npm;
use crate::process::{self, Failure};
use crate::summary::{Counts, Outcome};
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// What the other drivers are shown as well: everything that a driver can spoil.
const PART: [&str; 5] = [
    "test/acknowledgements.test.mjs",
    "test/binary.test.mjs",
    "test/disconnecting.test.mjs",
    "test/engine.test.mjs",
    "test/heartbeat.test.mjs",
];

/// Builds the server of `spola-tokio` and runs `conformance/node`.
pub(super) fn run() -> Result<Outcome, Failure> {
    let folder = workspace::root().join("conformance/node");
    if let Some(help) = npm::missing(&folder) {
        return Ok(Outcome::Skipped(help));
    }
    let server = ["build", "-p", "spola-tokio", "--example", "conformance"];
    process::succeed(&mut workspace::cargo(&server), BUILD_LIMIT)?;
    let codecs = [
        "build",
        "-p",
        "spola-server",
        "--example",
        "codecs",
        "--features",
        "spola-server/msgpack",
    ];
    process::succeed(&mut workspace::cargo(&codecs), BUILD_LIMIT)?;
    let examples = workspace::target()?.join("debug/examples");
    let (server, codecs) = (examples.join("conformance"), examples.join("codecs"));
    let variables = [("SPOLA_CONFORMANCE_SERVER", &*server), ("SPOLA_CODECS", &*codecs)];
    npm::test(&folder, &variables, LIMIT)
}

/// Builds the server of `spola-async-std`, and runs a part of the suite on either of its runtimes.
pub(super) fn run_async_std() -> Result<Outcome, Failure> {
    let folder = workspace::root().join("conformance/node");
    if let Some(help) = npm::missing(&folder) {
        return Ok(Outcome::Skipped(help));
    }
    let build = ["build", "-p", "spola-async-std", "--example", "conformance_async_std"];
    process::succeed(&mut workspace::cargo(&build), BUILD_LIMIT)?;
    let server = workspace::target()?.join("debug/examples/conformance_async_std");
    let mut counts = Counts::default();
    for runtime in ["async-std", "smol"] {
        let variables =
            [("SPOLA_CONFORMANCE_SERVER", &*server), ("SPOLA_RUNTIME", Path::new(runtime))];
        match npm::test_files(&folder, &PART, &variables, LIMIT)? {
            Outcome::Ran(counted) => counts += counted,
            other @ (Outcome::Skipped(_) | Outcome::Broken(..)) => return Ok(other),
        }
    }
    Ok(Outcome::Ran(counts))
}
