//! What idle connections take: to be opened, and to be held.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use clap::Args;

use crate::frames::{self, Kind};
use crate::load::dial::{self, Protocol};
use crate::machine::{self, Usage};
use crate::run::Conditions;
use crate::servers::Server;
use crate::stats::{Row, median, thousands};
use crate::{Failure, page, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Connections held open.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    connections: u32,
    #[command(flatten)]
    run: run::Options,
}

/// What a connection costs the server.
#[derive(Clone, Copy, Debug)]
struct Idle {
    /// Seconds of CPU time to open it.
    cpu: f64,
    /// Bytes of memory once it is open.
    opened: f64,
    /// Those after a message on each.
    used: f64,
}

struct Servers {
    connections: u32,
    rows: Vec<(Server, Vec<Idle>)>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (conditions, servers) =
        options.run.prepare(|server| !server.is_variant() && !server.is_for_socketio())?;
    machine::raise_open_files();
    machine::pin(conditions.load_core)?;
    let connections = match options.run.is_quick() {
        true => options.connections.min(500),
        false => options.connections,
    };
    let mut rows: Vec<_> = servers.into_iter().map(|server| (server, Vec::new())).collect();
    for round in 1..=conditions.rounds {
        for (server, runs) in &mut rows {
            let idle = measure(*server, connections, &conditions)
                .map_err(|failure| format!("{}: {failure}", server.name()))?;
            eprintln!("  round {round}: {:24} {:>10.0} B", server.name(), idle.opened);
            runs.push(idle);
        }
    }
    let text = markdown(&Servers { connections, rows }, &conditions);
    conditions.write("idle.md", &text)?;
    println!("{text}");
    Ok(())
}

fn measure(server: Server, connections: u32, conditions: &Conditions) -> Result<Idle, Failure> {
    let mut part = conditions.serve(server, &[])?;
    let address = part.address()?;
    let protocol = if server.is_raw() { Protocol::Raw } else { Protocol::WebSocket };
    // One connection beforehand: what a process needs but once.
    message(&mut dial::open(address, protocol)?, protocol)?;
    let before = machine::resident(part.id())?;
    let usage = Usage::of(part.id())?;
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(dial::open(address, protocol)?);
    }
    let cpu = Usage::of(part.id())?.since(usage).cpu.as_secs_f64() / f64::from(connections);
    let each = |now: u64| now.saturating_sub(before) as f64 / f64::from(connections);
    let opened = each(machine::resident(part.id())?);
    for stream in &mut streams {
        message(stream, protocol)?;
    }
    let used = each(machine::resident(part.id())?);
    Ok(Idle { cpu, opened, used })
}

/// A text of 125 bytes forth and back.
fn message(stream: &mut TcpStream, protocol: Protocol) -> Result<(), Failure> {
    let messages = frames::messages(125);
    let message = messages.get(..1).unwrap_or_default();
    let sent = frames::from_client(Kind::Text, message).concat();
    let expected = match protocol {
        Protocol::Raw => sent.clone(),
        Protocol::WebSocket | Protocol::Deflate(_) | Protocol::SocketIo => {
            frames::from_server(Kind::Text, message).concat()
        }
    };
    stream.write_all(&sent)?;
    let mut reply = vec![0; expected.len()];
    stream.read_exact(&mut reply)?;
    if reply == expected { Ok(()) } else { Err("the reply differs from the message".into()) }
}

fn markdown(servers: &Servers, conditions: &Conditions) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write(&mut page, servers, conditions);
    page
}

fn write(page: &mut String, servers: &Servers, conditions: &Conditions) -> std::fmt::Result {
    let none: [Row; 0] = [];
    page::heading(page, "Idle connections", "idle", conditions, none.iter())?;
    writeln!(
        page,
        "Over {} connections: bytes of memory per connection, and the server's CPU time to open one.\n",
        thousands(f64::from(servers.connections))
    )?;
    writeln!(
        page,
        "| server | opened | after a message on each | CPU µs a handshake | ÷ fastwebsockets |"
    )?;
    writeln!(page, "|---|--:|--:|--:|--:|")?;
    let cpu = |runs: &[Idle]| median(runs.iter().map(|idle| idle.cpu).collect());
    let leanest = servers.rows.iter().find(|(server, _)| *server == Server::Fastwebsockets);
    for (server, runs) in &servers.rows {
        let of = |value: fn(&Idle) -> f64| thousands(median(runs.iter().map(value).collect()));
        let (opened, used) = (of(|idle| idle.opened), of(|idle| idle.used));
        let ratio = leanest.map_or_else(
            || "–".to_owned(),
            |(_, runs_of)| format!("{:.2}", cpu(runs) / cpu(runs_of)),
        );
        writeln!(
            page,
            "| {} | {opened} | {used} | {:.1} | {ratio} |",
            server.name(),
            cpu(runs) * 1e6
        )?;
    }
    writeln!(page, "\n## How it was measured\n")?;
    writeln!(page, "- Machine: {}.", machine::describe())?;
    writeln!(
        page,
        "- The growth of the server's memory in RAM, by the number of connections: from the moment \
         when one connection had come, had a message echoed, and gone, to the moment when all were \
         open; and to when each had a text of 125 bytes echoed. One process, one thread for each \
         server; median of {} rounds. The kernel's own memory for sockets comes on top and is the \
         same for all.",
        conditions.rounds
    )?;
    writeln!(
        page,
        "- CPU time: user and kernel time of the server's process while all were opened, one after \
         the other, by the number of connections. `raw-epoll` only accepts them."
    )?;
    page::versions(page, conditions, servers.rows.iter().map(|(server, _)| *server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::conditions;

    #[test]
    fn the_page_has_medians() {
        let idle = |cpu, opened, used| Idle { cpu, opened, used };
        let runs =
            vec![idle(2e-5, 1000.0, 1500.0), idle(1e-5, 1200.0, 1700.0), idle(3e-5, 9000.0, 1.0)];
        let peer = vec![idle(4e-5, 1.0, 1.0)];
        let rows = vec![(Server::Spola, runs), (Server::Fastwebsockets, peer)];
        let servers = Servers { connections: 10_000, rows };
        let page = markdown(&servers, &conditions());
        assert!(page.contains("Over 10,000 connections"), "{page}");
        assert!(page.contains("| spola | 1,200 | 1,500 | 20.0 | 0.50 |"), "{page}");
    }
}
