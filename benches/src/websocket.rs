//! The WebSocket echo comparison: interleaved rounds of every server on every cell.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cell::Cell;
use crate::load::{Measures, seconds};
use crate::process::Part;
use crate::report::{Conditions, Report, Row, Table};
use crate::servers::Server;
use crate::{Failure, machine, plot};

#[derive(Args)]
pub(crate) struct Options {
    /// Rounds; each takes every server once, in turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// How long to measure in each run.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// How long each run goes on before that.
    #[arg(long, default_value_t = 0.5, value_parser = seconds)]
    warm_up: f64,
    /// Message size, connections and messages in flight on each, of each cell.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "125x32x1,1024x32x1,125x32x16,1024x32x16",
        value_name = "SIZExCONNECTIONSxIN_FLIGHT"
    )]
    cells: Vec<Cell>,
    /// The servers to compare; all if not given.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Server>,
    /// The servers' core; the first that may be used if not given.
    #[arg(long)]
    server_core: Option<usize>,
    /// The load's core; the second that may be used if not given.
    #[arg(long)]
    load_core: Option<usize>,
    /// Where `websocket.md` and `websocket.svg` go; the repository's docs/benchmarks if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let cores = Cores::choose(options)?;
    let servers = if options.servers.is_empty() {
        Server::value_variants().to_vec()
    } else {
        options.servers.clone()
    };
    let mut tables = Vec::new();
    for &cell in &options.cells {
        eprintln!("{}", cell.describe());
        let mut rows: Vec<Row> = servers.iter().map(|&server| Row::new(server)).collect();
        for round in 1..=options.rounds {
            for row in &mut rows {
                let measures = measure(row.server, cell, &cores, options)?;
                eprintln!(
                    "  round {round}: {:24} {:>10.0} messages/s",
                    row.server.name(),
                    measures.messages / measures.window
                );
                row.runs.push(measures);
            }
        }
        tables.push(Table { cell, rows });
    }
    let report = Report {
        tables,
        conditions: Conditions {
            rounds: options.rounds,
            seconds: options.seconds,
            warm_up: options.warm_up,
            shared_core: cores.server == cores.load,
        },
    };
    let text = report.markdown("websocket.svg");
    let folder = options
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks"));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("websocket.md"), &text)?;
    fs::write(folder.join("websocket.svg"), plot::svg(&report.tables))?;
    println!("{text}");
    Ok(())
}

struct Cores {
    server: usize,
    load: usize,
}

impl Cores {
    fn choose(options: &Options) -> Result<Self, Failure> {
        let usable = machine::cores();
        let first = *usable.first().ok_or("no core may be used")?;
        let server = options.server_core.unwrap_or(first);
        let other = usable.into_iter().find(|&core| core != server).unwrap_or(server);
        Ok(Self { server, load: options.load_core.unwrap_or(other) })
    }
}

/// One run: a fresh server on one core, a load on the other.
fn measure(
    server: Server,
    cell: Cell,
    cores: &Cores,
    options: &Options,
) -> Result<Measures, Failure> {
    let failed = |failure: Failure| format!("{}, {cell}: {failure}", server.name());
    let strings = |parts: &[&dyn ToString]| parts.iter().map(|part| part.to_string()).collect();

    let arguments: Vec<String> = strings(&[&"serve", &server.name(), &"--core", &cores.server]);
    let mut part = Part::start(&arguments).map_err(failed)?;
    let address = part.address().map_err(failed)?;
    let mut arguments: Vec<String> = strings(&[
        &"load",
        &address,
        &"--cell",
        &cell,
        &"--seconds",
        &options.seconds,
        &"--warm-up",
        &options.warm_up,
        &"--server-pid",
        &part.id(),
        &"--core",
        &cores.load,
    ]);
    if server.is_raw() {
        arguments.push("--raw".to_owned());
    }
    let limit = Duration::from_secs_f64(options.seconds + options.warm_up + 60.0);
    let line = Part::start(&arguments).and_then(|load| load.output(limit)).map_err(failed)?;
    let measures = Measures::parse(&line);
    let measures = measures.ok_or_else(|| failed("the load printed no measures".into()))?;
    if measures.messages < 1.0 {
        return Err(failed("no reply came within the window: is the machine idle?".into()).into());
    }
    Ok(measures)
}
