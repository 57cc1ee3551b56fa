//! Which of Spola's drivers is tested, by which of its examples.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;

use crate::process::{self, Failure};
use crate::workspace;

/// Release builds of a driver's examples, from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What the examples run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Driver {
    Tokio,
    AsyncStd,
    Smol,
}

/// The side of the protocol under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    Server,
    Client,
}

/// How the examples are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// As users run them.
    Release,
    /// With the checks on arithmetic, and in little time.
    Dev,
}

/// An example that plays one role on one driver.
#[derive(Clone, Debug)]
pub(super) struct Example {
    program: PathBuf,
    driver: Driver,
}

impl Driver {
    /// Builds the example for `role`.
    ///
    /// # Errors
    /// When it does not compile.
    pub(super) fn example(self, role: Role, build: Build) -> Result<Example, Failure> {
        let package = match self {
            Self::Tokio => "spola-tokio",
            Self::AsyncStd | Self::Smol => "spola-async-std",
        };
        let name = match role {
            Role::Server => "echo",
            Role::Client => "autobahn_client",
        };
        let (profile, folder) = match build {
            Build::Release => ("release", "release"),
            Build::Dev => ("dev", "debug"),
        };
        let arguments = ["build", "--profile", profile, "-p", package, "--example", name];
        process::succeed(&mut workspace::cargo(&arguments), BUILD_LIMIT)?;
        let program = workspace::target()?.join(folder).join("examples").join(name);
        Ok(Example { program, driver: self })
    }

    /// Driver and role in a word each.
    pub(super) const fn label(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Tokio, Role::Server) => "tokio-server",
            (Self::Tokio, Role::Client) => "tokio-client",
            (Self::AsyncStd, Role::Server) => "async-std-server",
            (Self::AsyncStd, Role::Client) => "async-std-client",
            (Self::Smol, Role::Server) => "smol-server",
            (Self::Smol, Role::Client) => "smol-client",
        }
    }
}

impl Example {
    /// The example, told its runtime and to compress.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        match self.driver {
            Driver::Tokio => {}
            Driver::AsyncStd => drop(command.args(["--runtime", "async-std"])),
            Driver::Smol => drop(command.args(["--runtime", "smol"])),
        }
        command.arg("--deflate");
        command
    }
}
