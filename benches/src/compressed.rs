//! Compressed echo of JSON texts, by the servers that compress.

use std::fmt::Write as _;

use clap::Args;

use crate::cell::{self, Cell};
use crate::deflate::Takeover;
use crate::run::Conditions;
use crate::stats::{CPU, Measure, RATE, Row, thousands};
use crate::{Failure, page, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Text size, connections and messages in flight on each, of each cell; once without and once
    /// with context takeover.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1024x32x1,1024x32x16,16384x32x1",
        value_name = "SIZExCONNECTIONSxIN_FLIGHT"
    )]
    cells: Vec<Cell>,
    /// The level at which servers compress; each library's default if not given.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=9))]
    level: Option<u8>,
    #[command(flatten)]
    run: run::Options,
}

struct Table {
    cell: Cell,
    takeover: Takeover,
    rows: Vec<Row>,
}

/// Bytes of a reply, with its header.
const REPLY: Measure = |run| run.received / run.messages.max(1.0);

const RESIDENT: Measure = |run| run.resident;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (conditions, servers) = options.run.prepare(|server| server.compresses())?;
    let mut serve = vec!["--deflate".to_owned()];
    if let Some(level) = options.level {
        serve.extend(["--level".to_owned(), level.to_string()]);
    }
    let mut tables = Vec::new();
    for &cell in &options.cells {
        for takeover in [Takeover::Off, Takeover::On] {
            eprintln!("{}", describe(cell, takeover));
            let mode = match takeover {
                Takeover::Off => "off",
                Takeover::On => "on",
            };
            let load: [&dyn ToString; 5] = [&"load", &"--cell", &cell, &"--deflate", &mode];
            let rows = conditions.rounds(&servers, &serve, &load)?;
            tables.push(Table { cell, takeover, rows });
        }
    }
    let text = markdown(&tables, options.level, &conditions);
    conditions.write("compressed.md", &text)?;
    println!("{text}");
    Ok(())
}

fn describe(cell: Cell, takeover: Takeover) -> String {
    let Cell { size, connections, in_flight } = cell;
    let context = match takeover {
        Takeover::Off => "without",
        Takeover::On => "with",
    };
    format!(
        "{} of JSON, {connections} connections, {in_flight} in flight on each, {context} context \
         takeover",
        cell::bytes(size)
    )
}

fn markdown(tables: &[Table], level: Option<u8>, conditions: &Conditions) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write(&mut page, tables, level, conditions);
    page
}

fn write(
    page: &mut String,
    tables: &[Table],
    level: Option<u8>,
    conditions: &Conditions,
) -> std::fmt::Result {
    let rows = || tables.iter().flat_map(|table| &table.rows);
    page::heading(page, "Compressed echo", "compressed", conditions, rows())?;
    for table in tables {
        write_table(page, table)?;
    }
    page::method(page, conditions)?;
    let level = match level {
        Some(level) => format!("every library at level {level}"),
        None => "each library at its default level".to_owned(),
    };
    writeln!(
        page,
        "- permessage-deflate with a window of 32 KiB, {level}. Texts are \
         chat histories in JSON, all different, in a cycle of more than 80 KiB; the load \
         compresses them beforehand (zlib-rs, level 6) and inflates every reply of every 16th \
         connection. Servers inflate, validate, and compress anew."
    )?;
    writeln!(
        page,
        "- `reply`: the mean size of a reply with its header: a server can be quick because it \
         compresses little. `memory`: the process's, in RAM, at the end of the window."
    )?;
    page::versions(page, conditions, rows().map(|row| row.server))
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(page, "## {}\n", describe(table.cell, table.takeover))?;
    writeln!(
        page,
        "| server | messages/s | spread | CPU µs a message | reply B | memory MiB | p50 µs | p99 µs \
         | slowest | busy: server | load |"
    )?;
    writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    for row in &table.rows {
        writeln!(
            page,
            "| {} | {} | ±{:.0} % | {:.1} | {} | {:.1} | {:.0} | {:.0} | {:.2} | {:.0} % | {:.0} % |",
            row.server.name(),
            thousands(row.median(RATE)),
            row.spread() * 100.0,
            row.median(CPU) * 1e6,
            thousands(row.median(REPLY)),
            row.median(RESIDENT) / f64::from(1 << 20),
            row.median(|run| run.p50) * 1e6,
            row.median(|run| run.p99) * 1e6,
            row.median(|run| run.slowest),
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
    fn the_page_tells_sizes_and_memory() {
        let cell = Cell { size: 1024, connections: 32, in_flight: 1 };
        let table = Table { cell, takeover: Takeover::On, rows: rows() };
        let page = markdown(&[table], Some(1), &conditions());
        assert!(page.contains("## 1 KiB of JSON, 32 connections, 1 in flight"), "{page}");
        assert!(page.contains("every library at level 1"), "{page}");
        assert!(page.contains("| 300,000 | ±50 % | 1.7 | 127 | 3.5 |"), "{page}");
    }
}
