//! The Socket.IO comparison: echoes, broadcasts, polling and idle sessions of every server.

mod packets;
mod sessions;

use std::fmt::Write as _;

use clap::Args;

use crate::cell::Cell;
use crate::load::Event;
use crate::memory::Patience;
use crate::plot::{Chart, Plot};
use crate::run::Conditions;
use crate::servers::Server;
use crate::stats::{CPU, P99, RATE, Row, ratio, thousands};
use crate::{Failure, cell, machine, page, plot, run};
use packets::Packets;
use sessions::Sessions;

#[derive(Args)]
pub(crate) struct Options {
    /// Leave out all but these tables.
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
    /// Sessions held open, to see what they take.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    sessions: u32,
    #[command(flatten)]
    run: run::Options,
}

/// What is done, and how often at once.
#[derive(Clone, Copy)]
enum Work {
    Event(Event, Cell),
    Polling { clients: u16, batch: u16 },
}

const fn cell_of(size: usize, connections: usize, in_flight: usize) -> Cell {
    Cell { size, connections, in_flight }
}

const WORK: [Work; 12] = [
    Work::Event(Event::Echo, cell_of(125, 1, 1)),
    Work::Event(Event::Echo, cell_of(125, 32, 1)),
    Work::Event(Event::Echo, cell_of(1024, 32, 1)),
    Work::Event(Event::Echo, cell_of(125, 512, 1)),
    Work::Event(Event::Echo, cell_of(125, 32, 16)),
    Work::Event(Event::Cast, cell_of(125, 64, 1)),
    Work::Event(Event::Cast, cell_of(125, 512, 1)),
    Work::Event(Event::Cast, cell_of(125, 4000, 1)),
    Work::Event(Event::Cast, cell_of(1024, 512, 1)),
    Work::Event(Event::Room, cell_of(125, 512, 8)),
    Work::Polling { clients: 32, batch: 1 },
    Work::Polling { clients: 32, batch: 16 },
];

impl Work {
    /// A short name.
    fn name(self) -> String {
        match self {
            Self::Event(event, cell) => format!("{} {cell}", event.name()),
            Self::Polling { clients, batch } => format!("polling {clients}x{batch}"),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Event(Event::Echo, cell) => format!("Echo of {}", words(cell)),
            Self::Event(Event::Cast, cell) => format!("Broadcast of {}", words(cell)),
            Self::Event(Event::Room, cell) => format!("Broadcast to a room of {}", words(cell)),
            Self::Polling { clients, batch } => {
                format!("Echo by polling: 125 B text, {clients} clients, {batch} in a POST")
            }
        }
    }

    /// Whether the server takes part. Plain WebSocket shows what Socket.IO costs on top of it.
    fn suits(self, server: Server) -> bool {
        match self {
            Self::Event(Event::Echo, _) => {
                server.is_socketio() || matches!(server, Server::LimitCodecs | Server::Spola)
            }
            Self::Event(Event::Cast | Event::Room, _) => server.is_socketio(),
            Self::Polling { .. } => server.is_socketio() || server == Server::LimitHyper,
        }
    }

    fn load(self, server: Server) -> Vec<String> {
        let text = |parts: &[&dyn ToString]| parts.iter().map(|part| part.to_string()).collect();
        match self {
            Self::Event(_, cell) if server == Server::Spola => {
                let size = cell.size + EVENT_LEN;
                text(&[&"load", &"--cell", &Cell { size, ..cell }])
            }
            Self::Event(event, cell) => {
                text(&[&"load", &"--cell", &cell, &"--event", &event.name()])
            }
            Self::Polling { clients, batch } => {
                text(&[&"load-polling", &"--clients", &clients, &"--batch", &batch])
            }
        }
    }
}

/// What a packet has around the text of an event named `echo`.
const EVENT_LEN: usize = "42[\"echo\",\"\"]".len();

fn words(cell: Cell) -> String {
    let Cell { size, connections, in_flight } = cell;
    let size = cell::bytes(size);
    let connections = if connections == 1 { "1 client" } else { &format!("{connections} clients") };
    format!("{size} text, {connections}, {in_flight} in flight")
}

struct Table {
    work: Work,
    rows: Vec<Row>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let able = |server: Server| server.is_for_socketio() || server == Server::Spola;
    let (conditions, servers) = options.run.prepare(able)?;
    let wanted = |name: &str| {
        options.tables.is_empty() || options.tables.iter().any(|table| name.starts_with(table))
    };
    let mut tables = Vec::new();
    for work in WORK.into_iter().filter(|work| wanted(&work.name())) {
        eprintln!("{}", work.describe());
        let servers = servers.iter().copied().filter(|server| work.suits(*server));
        tables.push(measure(work, servers.collect(), &conditions)?);
    }
    let mut sessions = None;
    if wanted("sessions") {
        let opens = |server: Server| server.is_socketio() || server == Server::LimitHyper;
        let servers = servers.iter().copied().filter(|server| opens(*server));
        let count =
            if options.run.is_quick() { options.sessions.min(500) } else { options.sessions };
        sessions = Some(Sessions::measure(servers.collect(), count, &conditions)?);
    }
    let mut packets = None;
    if wanted("packets") {
        let patience = if options.run.is_quick() { Patience::QUICK } else { Patience::FULL };
        packets = Some(on_core(conditions.load_core, || Packets::measure(patience))?);
    }
    let mut text = String::new();
    write(&mut text, &tables, sessions.as_ref(), packets.as_ref(), &conditions)?;
    conditions.write("socketio.md", &text)?;
    if !tables.is_empty() {
        conditions.write("socketio.svg", &plot::svg(&plot(&tables)))?;
    }
    println!("{text}");
    Ok(())
}

/// Runs on one core alone, and leaves this thread where it may run.
fn on_core<T: Send>(
    core: usize,
    run: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    // A failure is one for the terminal, and no more than its text has to come over.
    let run = || machine::pin(core).and_then(|()| run()).map_err(|failure| failure.to_string());
    let outcome = std::thread::scope(|scope| scope.spawn(run).join());
    Ok(outcome.map_err(|_| "a measuring thread panicked")??)
}

fn plot(tables: &[Table]) -> Plot<'_> {
    let charts = tables.iter().map(|table| Chart {
        title: table.work.describe(),
        rows: &table.rows,
        to: reference(&table.rows),
    });
    let title = "Socket.IO servers: rate and CPU per event";
    Plot { title, unit: "event", charts: charts.collect() }
}

fn measure(work: Work, servers: Vec<Server>, conditions: &Conditions) -> Result<Table, Failure> {
    let mut rows: Vec<_> = servers.into_iter().map(Row::new).collect();
    for round in 1..=conditions.rounds {
        for row in &mut rows {
            let load = work.load(row.server);
            let load: Vec<&dyn ToString> = load.iter().map(|part| part as &dyn ToString).collect();
            let measures = conditions.measure(row.server, &[], &load)?;
            let rate = measures.messages / measures.window;
            eprintln!("  round {round}: {:24} {rate:>10.0}/s", row.server.name());
            row.runs.push(measures);
        }
    }
    Ok(Table { work, rows })
}

/// The row that all others are compared with.
fn reference(rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| row.server == Server::Socketioxide)
}

fn write(
    page: &mut String,
    tables: &[Table],
    sessions: Option<&Sessions>,
    packets: Option<&Packets>,
    conditions: &Conditions,
) -> std::fmt::Result {
    let rows = || tables.iter().flat_map(|table| &table.rows);
    page::heading(page, "Socket.IO", "socketio", conditions, rows())?;
    summary(page, tables)?;
    tables.iter().try_for_each(|table| write_table(page, table))?;
    if let Some(sessions) = sessions {
        sessions.write(page)?;
    }
    if let Some(packets) = packets {
        packets.write(page)?;
    }
    page::method(page, conditions)?;
    writeln!(
        page,
        "- `÷ socketioxide`: against that server in the same round; the median of these ratios. For \
         CPU and latency, above 1 is dearer."
    )?;
    writeln!(
        page,
        "- Echo: an event with one text comes back as it is. Broadcast: one client sends an event, \
         and everybody receives it, the sender too; what is counted are deliveries, and the next one \
         is sent when everybody has it (or as many are under way as the table says). By polling, each \
         client has one connection for its GETs and one for its POSTs; all post at once, then poll \
         until their events are back."
    )?;
    writeln!(
        page,
        "- `limit-socketio` tells packets and requests by their first bytes, without JSON: a bound. `limit-codecs` \
         has Spola's WebSocket and packet codecs and nothing between: a bound for what reads JSON on tokio. `limit-hyper` \
         has HTTP read and written by hyper and nothing behind it: a bound for those that do the same. `spola` is \
         plain WebSocket: an echo of as many bytes as the packet has."
    )?;
    page::versions(page, conditions, rows().map(|row| row.server))
}

fn summary(page: &mut String, tables: &[Table]) -> std::fmt::Result {
    writeln!(
        page,
        "Rate ÷ `socketioxide`'s, in brackets the server's CPU time per event or delivery.\n"
    )?;
    let servers = [
        Server::LimitSocketio,
        Server::LimitHyper,
        Server::LimitCodecs,
        Server::Spola,
        Server::SpolaSocketio,
        Server::Socketioxide,
        Server::SocketioNode,
    ];
    write!(page, "| |")?;
    servers.iter().try_for_each(|server| write!(page, " {} |", server.name()))?;
    writeln!(page, "\n|---|--:|--:|--:|--:|--:|--:|--:|")?;
    for table in tables {
        write!(page, "| {} |", table.work.name())?;
        let to = reference(&table.rows);
        for server in servers {
            match table.rows.iter().find(|row| row.server == server) {
                Some(row) => write!(page, " {} ({}) |", ratio(row, to, RATE), ratio(row, to, CPU))?,
                None => write!(page, " – |")?,
            }
        }
        writeln!(page)?;
    }
    if !tables.is_empty() {
        writeln!(page, "\n![Rate and CPU per event of each server](socketio.svg)")?;
    }
    writeln!(page)
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(page, "## {}\n", table.work.describe())?;
    writeln!(
        page,
        "| server | /s | ÷ socketioxide | spread | CPU µs each | ÷ socketioxide | p50 µs | p99 µs | busy: \
         server | load |"
    )?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    let to = reference(&table.rows);
    for row in &table.rows {
        writeln!(
            page,
            "| {} | {} | {} | ±{:.0} % | {:.2} | {} | {:.0} | {:.0} | {:.0} % | {:.0} % |",
            row.server.name(),
            thousands(row.median(RATE)),
            ratio(row, to, RATE),
            row.spread() * 100.0,
            row.median(CPU) * 1e6,
            ratio(row, to, CPU),
            row.median(|run| run.p50) * 1e6,
            row.median(P99) * 1e6,
            row.median(|run| run.server_cpu / run.window) * 100.0,
            row.median(|run| run.load_cpu / run.window) * 100.0,
        )?;
    }
    writeln!(page)
}
