//! What idle sessions take: to be opened, and to be held.

use std::fmt::Write as _;

use crate::Failure;
use crate::load::dial::{self, Protocol};
use crate::machine::{self, Usage};
use crate::run::Conditions;
use crate::servers::Server;
use crate::stats::{median, thousands};

/// What a session costs the server.
#[derive(Clone, Copy)]
struct Session {
    /// Bytes of memory.
    memory: f64,
    /// Seconds of CPU time to open it.
    cpu: f64,
}

/// The rounds of each server.
pub(super) struct Sessions {
    count: u32,
    rows: Vec<(Server, Vec<Session>)>,
}

impl Sessions {
    pub(super) fn measure(
        servers: Vec<Server>,
        count: u32,
        conditions: &Conditions,
    ) -> Result<Self, Failure> {
        machine::raise_open_files();
        let mut rows: Vec<_> = servers.into_iter().map(|server| (server, Vec::new())).collect();
        for round in 1..=conditions.rounds {
            for (server, sessions) in &mut rows {
                let session = hold(*server, count, conditions)?;
                eprintln!("  round {round}: {:24} {:>10.0} B", server.name(), session.memory);
                sessions.push(session);
            }
        }
        Ok(Self { count, rows })
    }

    pub(super) fn write(&self, page: &mut String) -> std::fmt::Result {
        let count = thousands(f64::from(self.count));
        writeln!(page, "## {count} idle sessions over WebSocket\n")?;
        writeln!(
            page,
            "| server | bytes of memory each | ÷ socketioxide | CPU µs to open one | ÷ socketioxide |"
        )?;
        writeln!(page, "|---|--:|--:|--:|--:|")?;
        let memory = |sessions: &[Session]| median(sessions.iter().map(|one| one.memory).collect());
        let cpu = |sessions: &[Session]| median(sessions.iter().map(|one| one.cpu).collect());
        let of = |(server, _): &&(Server, Vec<Session>)| *server == Server::Socketioxide;
        let reference = self.rows.iter().find(of);
        let ratio = |value: f64, of: &dyn Fn(&[Session]) -> f64| match reference {
            Some((_, sessions)) => format!("{:.2}", value / of(sessions)),
            None => "–".to_owned(),
        };
        for (server, sessions) in &self.rows {
            let (bytes, seconds) = (memory(sessions), cpu(sessions));
            writeln!(
                page,
                "| {} | {} | {} | {:.1} | {} |",
                server.name(),
                thousands(bytes),
                ratio(bytes, &memory),
                seconds * 1e6,
                ratio(seconds, &cpu),
            )?;
        }
        writeln!(page)
    }
}

/// Opens sessions and holds them while the server's memory is looked at.
fn hold(server: Server, count: u32, conditions: &Conditions) -> Result<Session, Failure> {
    let mut part = conditions.serve(server, &[])?;
    let address = part.address()?;
    // One beforehand: what a process needs but once.
    drop(dial::open(address, Protocol::SocketIo)?);
    let (before, usage) = (machine::resident(part.id())?, Usage::of(part.id())?);
    let streams = (0..count).map(|_| dial::open(address, Protocol::SocketIo));
    let streams = streams.collect::<Result<Vec<_>, _>>()?;
    let cpu = Usage::of(part.id())?.since(usage).cpu.as_secs_f64() / f64::from(count);
    let grown = machine::resident(part.id())?.saturating_sub(before);
    drop(streams);
    Ok(Session { memory: grown as f64 / f64::from(count), cpu })
}
