//! The program `spola`.

mod assets;
mod chat;
mod serve;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Real-time for Rust: Socket.IO, Engine.IO and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "spola", version)]
struct Cli {
    /// What to log: a level (error, warn, info, debug, trace), or a filter such as
    /// `spola_server=debug`.
    #[arg(long, global = true, env = "SPOLA_LOG", default_value = "info")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a chat with rooms, to be opened in a browser.
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = match cli.log.parse::<EnvFilter>() {
        Ok(filter) => filter,
        Err(error) => return fail(&format!("--log {:?}: {error}", cli.log)),
    };
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime does not start: {error}")),
    };
    let Command::Serve(options) = cli.command;
    match runtime.block_on(serve::run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("spola: {message}");
    ExitCode::FAILURE
}
