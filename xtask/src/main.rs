//! The project's own commands: `cargo xtask test` and what it is made of.

// This program starts processes and waits for them: it is all driver, no machine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod arrows;
mod autobahn;
mod bench;
mod ci;
mod fuzz;
mod process;
mod soak;
mod suites;
mod summary;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs every test this machine has the means for, and says what it skipped.
    Test(suites::Arguments),
    /// Runs the Autobahn WebSocket suite against the drivers, in both roles.
    Autobahn(autobahn::Arguments),
    /// Compares our server with the official one, row by row of the protocol.
    Parity(suites::parity::Arguments),
    /// Checks that crates depend on each other only as the architecture says.
    Arrows,
    /// Runs a benchmark of the workspace in `benches/`, for example `websocket`.
    Bench(bench::Arguments),
    /// Runs the fuzz targets in `fuzz/` in turn.
    Fuzz(fuzz::Arguments),
    /// Lets thousands of clients of every kind come and go, and looks at what they leave behind.
    Soak(soak::Arguments),
    /// Runs what CI runs: formatting, lints, documentation, builds, licences, tests.
    Ci,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Test(arguments) => suites::run(&arguments),
        Command::Autobahn(arguments) => autobahn::run(&arguments),
        Command::Parity(arguments) => suites::parity::run(&arguments),
        Command::Arrows => arrows::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::Ci => ci::run(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
