//! The chat page of `spola serve`, in headless Chromium.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::npm;
use crate::process::{self, Failure};
use crate::summary::Outcome;
use crate::workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(10 * 60);
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Builds the programs and runs `conformance/browser`.
pub(super) fn run() -> Result<Outcome, Failure> {
    let chromium = std::env::var_os("CHROMIUM")
        .map(PathBuf::from)
        .filter(|path| path.is_file())
        .or_else(|| {
            workspace::find_program(&["chromium", "chromium-browser", "google-chrome", "chrome"])
        });
    let Some(chromium) = chromium else {
        let help = "install Chromium (apt-get install chromium), or set CHROMIUM to a browser";
        return Ok(Outcome::Skipped(help.to_owned()));
    };
    let folder = workspace::root().join("conformance/browser");
    if let Some(help) = npm::missing(&folder) {
        return Ok(Outcome::Skipped(help));
    }
    process::succeed(&mut workspace::cargo(&["build", "-p", "spola-cli"]), BUILD_LIMIT)?;
    let example = ["build", "-p", "spola-tokio", "--example", "conformance"];
    process::succeed(&mut workspace::cargo(&example), BUILD_LIMIT)?;
    let debug = workspace::target()?.join("debug");
    let variables: [(&str, &Path); 3] = [
        ("CHROMIUM", &chromium),
        ("SPOLA_PROGRAM", &debug.join("spola")),
        ("SPOLA_CONFORMANCE_SERVER", &debug.join("examples/conformance")),
    ];
    npm::test(&folder, &variables, LIMIT)
}
