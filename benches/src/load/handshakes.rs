//! The load of opening handshakes: connect, ask, be accepted, hang up, over and over.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use clap::Args;

use super::dial::{self, Protocol};
use super::histogram::Histogram;
use super::{seconds, turns};
use crate::{Failure, machine, process};

#[derive(Args)]
pub(crate) struct Options {
    /// The server's address.
    address: SocketAddr,
    /// Connections that ask at the same time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=512))]
    together: u16,
    /// Speak to a TCP echo server, which sends the request back.
    #[arg(long)]
    raw: bool,
    /// How long to measure.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// How long to run before that.
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    warm_up: f64,
    /// Also measure this process's CPU time.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Run on this core alone.
    #[arg(long)]
    core: Option<usize>,
    /// End when this process, which started this one, ends.
    #[arg(long, hide = true)]
    parent: Option<u32>,
}

/// Prints [`Measures`] in which a message is a handshake, from its request to its acceptance.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    machine::raise_open_files();
    let protocol = if options.raw { Protocol::Raw } else { Protocol::WebSocket };
    let Options { warm_up, seconds, server_pid, .. } = *options;
    let measures = turns::measure(warm_up, seconds, server_pid, |latencies| {
        turn(options.address, protocol, options.together, latencies)
    })?;
    println!("{}", measures.line());
    Ok(())
}

/// As many handshakes as belong together; their connections end with it.
fn turn(
    address: SocketAddr,
    protocol: Protocol,
    together: u16,
    latencies: &mut Histogram,
) -> Result<(), Failure> {
    let request = dial::request(address, protocol);
    let streams = (0..together).map(|_| dial::connect(address)).collect::<Result<Vec<_>, _>>();
    let mut streams: Vec<TcpStream> = streams?;
    let asked = Instant::now();
    for stream in &mut streams {
        stream.write_all(request.as_bytes())?;
    }
    for stream in &mut streams {
        dial::read_response(stream, protocol)?;
        latencies.record(asked.elapsed(), 1);
    }
    Ok(())
}
