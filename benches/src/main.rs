//! Side-by-side benchmarks of Spola and its peers.
//!
//! One program plays every part: `bench websocket` starts `bench serve …` on one processor core and
//! `bench load …` on another, again and again, and writes what came out. See `README.md`.

mod cell;
mod compressed;
mod deflate;
mod frames;
mod handshake;
mod idle;
mod instructions;
mod json;
mod load;
mod machine;
mod memory;
mod page;
mod plot;
mod process;
mod replies;
mod run;
mod script;
mod servers;
mod socketio;
mod stats;
mod websocket;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a part of the benchmark may fail with: it ends the run and is printed.
type Failure = Box<dyn Error>;

#[derive(Parser)]
#[command(about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare WebSocket echo servers; write the table and the plot.
    Websocket(websocket::Options),
    /// Compare what opening handshakes cost; write the table.
    Handshake(handshake::Options),
    /// Compare the memory of idle connections; write the table.
    Idle(idle::Options),
    /// Compare compressed echo of JSON texts; write the table.
    Compressed(compressed::Options),
    /// Compare Socket.IO servers; write the tables.
    Socketio(socketio::Options),
    /// Time echoes, masking and UTF-8 validation without a kernel; write the tables.
    Memory(memory::Options),
    /// Count the instructions of an echo, under valgrind; write the table.
    Instructions(instructions::Options),
    /// Run one echo server until it is killed.
    Serve(servers::Options),
    /// Load one echo server, and print the measures on one line.
    Load(load::Options),
    /// Open connections one after the other, and print the measures on one line.
    LoadHandshakes(load::handshakes::Options),
    /// Post events and poll for their echoes, and print the measures on one line.
    LoadPolling(load::polling::Options),
    /// Echo messages in memory, and print nothing.
    EchoInMemory(memory::echo::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Websocket(options) => websocket::run(&options),
        Command::Handshake(options) => handshake::run(&options),
        Command::Idle(options) => idle::run(&options),
        Command::Compressed(options) => compressed::run(&options),
        Command::Socketio(options) => socketio::run(&options),
        Command::Memory(options) => memory::run(&options),
        Command::Instructions(options) => instructions::run(&options),
        Command::Serve(options) => servers::run(&options),
        Command::Load(options) => load::run(&options),
        Command::LoadHandshakes(options) => load::handshakes::run(&options),
        Command::LoadPolling(options) => load::polling::run(&options),
        Command::EchoInMemory(options) => memory::echo::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
