//! What an opening handshake costs a server: accept, request, 101, end.

use std::fmt::Write as _;

use clap::Args;

use crate::run::Conditions;
use crate::servers::Server;
use crate::stats::{CPU, P99, RATE, Row, bound, ratio, thousands};
use crate::{Failure, page, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Connections that ask at the same time, of each table.
    #[arg(long, value_delimiter = ',', default_value = "1,32")]
    together: Vec<u16>,
    #[command(flatten)]
    run: run::Options,
}

/// The servers with as many handshakes at a time.
struct Table {
    together: u16,
    rows: Vec<Row>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (conditions, servers) =
        options.run.prepare(|server| !server.is_variant() && !server.is_for_socketio())?;
    let mut tables = Vec::new();
    for &together in &options.together {
        eprintln!("{together} at a time");
        let load: [&dyn ToString; 3] = [&"load-handshakes", &"--together", &together];
        tables.push(Table { together, rows: conditions.rounds(&servers, &[], &load)? });
    }
    let text = markdown(&tables, &conditions);
    conditions.write("handshake.md", &text)?;
    println!("{text}");
    Ok(())
}

fn markdown(tables: &[Table], conditions: &Conditions) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write(&mut page, tables, conditions);
    page
}

fn write(page: &mut String, tables: &[Table], conditions: &Conditions) -> std::fmt::Result {
    let rows = || tables.iter().flat_map(|table| &table.rows);
    page::heading(page, "Opening handshakes", "handshake", conditions, rows())?;
    for table in tables {
        write_table(page, table)?;
    }
    page::method(page, conditions)?;
    writeln!(
        page,
        "- A handshake: the load connects, sends an upgrade request, reads the 101, and hangs up \
         without a Close frame. With several at a time, all requests are sent before the first \
         answer is read. `raw-epoll` accepts, sends the request back, and closes: what the kernel \
         takes."
    )?;
    writeln!(
        page,
        "- `CPU`: user and kernel time of the server's process per handshake, the connection's end \
         included. The rate is the load's as much as the server's."
    )?;
    page::versions(page, conditions, rows().map(|row| row.server))
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    let Table { together, rows } = table;
    writeln!(page, "## {together} at a time\n")?;
    writeln!(
        page,
        "| server | CPU µs a handshake | ÷ raw | ÷ fastwebsockets | handshakes/s | p50 µs | p99 µs \
         | ÷ raw | busy: server | load |"
    )?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    let raw = bound(rows);
    let leanest = rows.iter().find(|row| row.server == Server::Fastwebsockets);
    for row in rows {
        writeln!(
            page,
            "| {} | {:.1} | {} | {} | {} | {:.0} | {:.0} | {} | {:.0} % | {:.0} % |",
            row.server.name(),
            row.median(CPU) * 1e6,
            ratio(row, raw, CPU),
            ratio(row, leanest, CPU),
            thousands(row.median(RATE)),
            row.median(|run| run.p50) * 1e6,
            row.median(P99) * 1e6,
            ratio(row, raw, P99),
            row.median(|run| run.server_cpu / run.window) * 100.0,
            row.median(|run| run.load_cpu / run.window) * 100.0,
        )?;
    }
    writeln!(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::conditions;
    use crate::stats::tests::rows;

    #[test]
    fn the_page_compares_with_both() {
        let page = markdown(&[Table { together: 32, rows: rows() }], &conditions());
        assert!(page.contains("## 32 at a time"), "{page}");
        assert!(page.contains("| raw-epoll | 0.3 | 1.00 | 0.20 | 1,500,000 |"), "{page}");
        assert!(page.contains("| fastwebsockets | 1.7 | 5.00 | 1.00 | 300,000 |"), "{page}");
    }
}
