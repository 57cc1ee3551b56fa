//! The WebSocket echo comparison: interleaved rounds of every server on every cell.

use std::fmt::Write as _;

use clap::{Args, ValueEnum as _};

use crate::cell::Cell;
use crate::plot::{Chart, Plot};
use crate::run::Conditions;
use crate::servers::Server;
use crate::stats::{CPU, P99, RATE, Row, bound, ratio, thousands};
use crate::{Failure, page, plot, run};

/// Small messages one by one and in a row, on few connections and on many; larger ones; and those
/// that fill no buffer.
const CELLS: &str = "125x1x1,125x32x1,125x512x1,125x32x16,125x512x16,1024x32x1,1024x32x16,\
                     16384x32x1,16384x32x16,1048576x1x1,1048576x32x1";

#[derive(Args)]
pub(crate) struct Options {
    /// Message size, connections and messages in flight on each, of each cell.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = CELLS,
        value_name = "SIZExCONNECTIONSxIN_FLIGHT"
    )]
    cells: Vec<Cell>,
    #[command(flatten)]
    run: run::Options,
}

/// One cell's servers.
pub(crate) struct Table {
    pub(crate) cell: Cell,
    pub(crate) rows: Vec<Row>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (conditions, servers) = options.run.prepare(|server| !server.is_for_socketio())?;
    let mut tables = Vec::new();
    for &cell in &options.cells {
        eprintln!("{}", cell.describe());
        let servers: Vec<Server> =
            servers.iter().copied().filter(|server| server.suits(cell.size)).collect();
        let rows = conditions.rounds(&servers, &[], &[&"load", &"--cell", &cell])?;
        tables.push(Table { cell, rows });
    }
    let text = markdown(&tables, &conditions);
    conditions.write("websocket.md", &text)?;
    conditions.write("websocket.svg", &plot::svg(&plot(&tables)))?;
    println!("{text}");
    Ok(())
}

pub(crate) fn plot(tables: &[Table]) -> Plot<'_> {
    let charts = tables.iter().map(|table| Chart {
        title: table.cell.describe(),
        rows: &table.rows,
        to: bound(&table.rows),
    });
    let title = "WebSocket echo: rate and CPU per message";
    Plot { title, unit: "message", charts: charts.collect() }
}

fn markdown(tables: &[Table], conditions: &Conditions) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write(&mut page, tables, conditions);
    page
}

fn write(page: &mut String, tables: &[Table], conditions: &Conditions) -> std::fmt::Result {
    let rows = || tables.iter().flat_map(|table| &table.rows);
    page::heading(page, "WebSocket echo", "websocket", conditions, rows())?;
    summary(page, tables)?;
    writeln!(page, "![Rate and CPU per message of each server](websocket.svg)\n")?;
    for table in tables {
        write_table(page, table)?;
    }
    page::method(page, conditions)?;
    writeln!(
        page,
        "- `÷ raw`: against `raw-epoll`, a TCP echo of the same bytes that knows no WebSocket, \
         in the same round; the median of these ratios. Below 1 is slower, and for CPU and latency \
         above 1 is dearer."
    )?;
    writeln!(page, "- `spread`: half the range of the rounds' rates, by their median.")?;
    writeln!(
        page,
        "- `slowest`: the replies of the connection that had the fewest, by the mean of all. A \
         message that waits behind other connections' shows in `p99`; a connection that is starved \
         sends few, so it shows here."
    )?;
    writeln!(
        page,
        "- `CPU`: user and kernel time of the server's process within the window. Where `busy` \
         shows the load near 100 % and the server below, the load is what limits the rate, and \
         the CPU time per message is the better witness."
    )?;
    writeln!(page, "- Two servers closer than 15 % are not told apart by 5 rounds.")?;
    page::versions(page, conditions, rows().map(|row| row.server))
}

/// All cells at a glance: rate ÷ raw, and in brackets CPU per message ÷ raw.
fn summary<'a>(page: &mut String, tables: &'a [Table]) -> std::fmt::Result {
    writeln!(
        page,
        "Rate ÷ `raw-epoll`, in brackets the server's CPU time per message ÷ `raw-epoll`'s. Cells: \
         payload bytes x connections x messages in flight on each.\n"
    )?;
    write!(page, "| server |")?;
    tables.iter().try_for_each(|table| write!(page, " {} |", table.cell))?;
    write!(page, "\n|---|")?;
    tables.iter().try_for_each(|_| write!(page, "--:|"))?;
    writeln!(page)?;
    for &server in Server::value_variants() {
        let of = |table: &'a Table| table.rows.iter().find(|row| row.server == server);
        if !tables.iter().any(|table| of(table).is_some()) {
            continue;
        }
        write!(page, "| {} |", server.name())?;
        for table in tables {
            let to = bound(&table.rows);
            match of(table) {
                Some(row) => write!(page, " {} ({}) |", ratio(row, to, RATE), ratio(row, to, CPU))?,
                None => write!(page, " – |")?,
            }
        }
        writeln!(page)?;
    }
    writeln!(page)
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(page, "## {}\n", table.cell.describe())?;
    writeln!(
        page,
        "| server | messages/s | ÷ raw | spread | CPU µs a message | ÷ raw | p50 µs | p99 µs | \
         ÷ raw | slowest | busy: server | load |"
    )?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    let to = bound(&table.rows);
    for row in &table.rows {
        writeln!(
            page,
            "| {} | {} | {} | ±{:.0} % | {:.2} | {} | {:.0} | {:.0} | {} | {:.2} | {:.0} % | \
             {:.0} % |",
            row.server.name(),
            thousands(row.median(RATE)),
            ratio(row, to, RATE),
            row.spread() * 100.0,
            row.median(CPU) * 1e6,
            ratio(row, to, CPU),
            row.median(|run| run.p50) * 1e6,
            row.median(P99) * 1e6,
            ratio(row, to, P99),
            row.median(|run| run.slowest),
            row.median(|run| run.server_cpu / run.window) * 100.0,
            row.median(|run| run.load_cpu / run.window) * 100.0,
        )?;
    }
    writeln!(page)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::run::tests::conditions;
    use crate::stats::tests::rows;

    pub(crate) fn table() -> Table {
        Table { cell: Cell { size: 125, connections: 32, in_flight: 16 }, rows: rows() }
    }

    #[test]
    fn the_page_shows_every_server() {
        let mut tables = [table()];
        let page = markdown(&tables, &conditions());
        assert!(page.contains("## 125 B text, 32 connections, 16 in flight on each"), "{page}");
        assert!(page.contains("| raw-epoll | 1,500,000 | 1.00 | ±33 % | 0.33 | 1.00 |"), "{page}");
        assert!(page.contains("| fastwebsockets | 300,000 | 0.20 |"), "{page}");
        assert!(page.contains("| fastwebsockets | 0.20 (5.00) |"), "{page}");
        assert!(page.contains("fastwebsockets 0.10"), "{page}");
        assert!(!page.contains("worthless"), "{page}");
        for run in &mut tables[0].rows[1].runs {
            run.waited = 0.5;
        }
        assert!(markdown(&tables, &conditions()).contains("up to 25 % of the time"));
    }

    #[test]
    fn the_cells_can_be_read() {
        for cell in CELLS.split(',') {
            assert_eq!(cell.parse::<Cell>().unwrap().to_string(), cell);
        }
    }
}
