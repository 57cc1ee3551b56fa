//! A soak: a server in a process of its own, thousands of clients that behave well, badly and not at all,
//! and a look at what they leave behind. `cargo xtask soak` builds and runs it.

// This program is an application: it has clocks, sockets and tasks.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod chance;
mod client;
mod http;
mod link;
mod measure;
mod packet;
mod record;
mod run;
mod server;
mod session;
mod stay;
mod stream;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Any failure, for the one who reads the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The server, which `run` starts.
    Serve {
        /// What it keeps of events, for those who come back.
        kept_bytes: usize,
    },
    /// The clients.
    Run(Options),
}

#[derive(clap::Args, Clone, Copy)]
struct Options {
    /// How long clients come and go.
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// How many there are at once.
    #[arg(long, default_value_t = 2000)]
    clients: u64,
    /// What chance is made of; the same seed makes clients choose the same. One is chosen by default.
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.minutes.clamp(0.1, 24.0 * 60.0) * 60.0)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve { kept_bytes } => server::serve(kept_bytes).await.map(|()| true),
        Command::Run(options) => run::run(options).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
