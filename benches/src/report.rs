//! Medians, ratios, and the page that shows them.

use std::fmt::Write;

use crate::cell::Cell;
use crate::load::Measures;
use crate::machine;
use crate::servers::Server;

/// Everything that was measured, and how.
pub(crate) struct Report {
    pub(crate) tables: Vec<Table>,
    pub(crate) conditions: Conditions,
}

pub(crate) struct Conditions {
    pub(crate) rounds: u16,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    /// Server and load had to share a core: the figures say little.
    pub(crate) shared_core: bool,
}

/// One cell's servers.
pub(crate) struct Table {
    pub(crate) cell: Cell,
    pub(crate) rows: Vec<Row>,
}

/// One server's runs, a run a round.
pub(crate) struct Row {
    pub(crate) server: Server,
    pub(crate) runs: Vec<Measures>,
}

/// A measure of one run, reduced to a number.
type Measure = fn(&Measures) -> f64;

/// Messages per second.
pub(crate) const RATE: Measure = |run| run.messages / run.window;

/// The server's CPU time per message, in seconds.
pub(crate) const CPU: Measure = |run| run.server_cpu / run.messages.max(1.0);

/// The share of the window in which server or load waited for its core.
const WAITED: Measure = |run| run.waited / run.window;

/// Beyond this share, something else ran on the cores.
const MAX_WAITED: f64 = 0.1;

impl Row {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, runs: Vec::new() }
    }

    pub(crate) fn median(&self, measure: Measure) -> f64 {
        median(self.runs.iter().map(measure).collect())
    }

    /// The median over the rounds of this server's measure ÷ the other's in the same round.
    pub(crate) fn ratio(&self, to: &Self, measure: Measure) -> f64 {
        median(self.runs.iter().zip(&to.runs).map(|(a, b)| measure(a) / measure(b)).collect())
    }

    /// Half the distance between the fastest and the slowest round ÷ the median.
    fn spread(&self) -> f64 {
        let rates = || self.runs.iter().map(RATE);
        let high = rates().fold(0.0, f64::max);
        let low = rates().fold(f64::INFINITY, f64::min);
        (high - low) / 2.0 / self.median(RATE)
    }
}

impl Table {
    /// The row that all others are compared with.
    pub(crate) fn bound(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.server.is_raw())
    }

    fn markdown(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "## {}\n", self.cell.describe())?;
        writeln!(
            page,
            "| server | messages/s | ÷ raw | spread | CPU µs a message | ÷ raw | p50 µs | p99 µs | \
             busy: server | load |"
        )?;
        writeln!(page, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for row in &self.rows {
            let ratio = |measure| {
                let ratio = self.bound().map(|bound| row.ratio(bound, measure));
                ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
            };
            writeln!(
                page,
                "| {} | {} | {} | ±{:.0} % | {:.2} | {} | {:.0} | {:.0} | {:.0} % | {:.0} % |",
                row.server.name(),
                thousands(row.median(RATE)),
                ratio(RATE),
                row.spread() * 100.0,
                row.median(CPU) * 1e6,
                ratio(CPU),
                row.median(|run| run.p50) * 1e6,
                row.median(|run| run.p99) * 1e6,
                row.median(|run| run.server_cpu / run.window) * 100.0,
                row.median(|run| run.load_cpu / run.window) * 100.0,
            )?;
        }
        writeln!(page)
    }
}

impl Report {
    /// The page; `plot` is the plot's file beside it.
    pub(crate) fn markdown(&self, plot: &str) -> String {
        let mut page = String::new();
        // Writing to a `String` does not fail.
        let _ = self.write(&mut page, plot);
        page
    }

    fn write(&self, page: &mut String, plot: &str) -> std::fmt::Result {
        let Conditions { rounds, seconds, warm_up, shared_core } = self.conditions;
        writeln!(page, "# WebSocket echo\n")?;
        writeln!(page, "Written by `cargo xtask bench websocket`: {}.\n", machine::provenance())?;
        let rows = self.tables.iter().flat_map(|table| &table.rows);
        let waited = rows.map(|row| row.median(WAITED)).fold(0.0, f64::max);
        if waited > MAX_WAITED {
            writeln!(
                page,
                "**Something else took the cores for up to {:.0} % of the time: these figures are \
                 worthless. Repeat on an idle machine.**\n",
                waited * 100.0
            )?;
        }
        writeln!(page, "![Rate and CPU per message of each server]({plot})\n")?;
        for table in &self.tables {
            table.markdown(page)?;
        }
        writeln!(page, "## How it was measured\n")?;
        writeln!(page, "- Machine: {}.", machine::describe())?;
        if shared_core {
            writeln!(page, "- **Server and load shared one core: do not trust these figures.**")?;
        } else {
            writeln!(page, "- The server has one core, the load another; loopback TCP, no delay.")?;
        }
        writeln!(
            page,
            "- {rounds} interleaved rounds; in each, every server runs afresh once: {warm_up} s to \
             warm up, {seconds} s measured. All figures are medians over the rounds."
        )?;
        writeln!(
            page,
            "- `÷ raw`: against `raw-epoll`, a TCP echo of the same bytes that knows no WebSocket, \
             in the same round; the median of these ratios. Below 1 is slower, and for CPU above 1 \
             is dearer."
        )?;
        writeln!(page, "- `spread`: half the range of the rounds' rates, by their median.")?;
        writeln!(
            page,
            "- `CPU`: user and kernel time of the server's process within the window. Where `busy` \
             shows the load near 100 % and the server below, the load is what limits the rate, and \
             the CPU time per message is the better witness."
        )?;
        writeln!(
            page,
            "- Two servers closer than 15 % are not told apart by 5 rounds. Release builds, fat \
             LTO, one codegen unit. Versions: {}.",
            self.versions()
        )?;
        writeln!(page, "- What each server is, and how to repeat this: `benches/README.md`.")
    }

    fn versions(&self) -> String {
        let mut crates: Vec<&str> = self
            .tables
            .iter()
            .flat_map(|table| &table.rows)
            .flat_map(|row| row.server.crates())
            .copied()
            .collect();
        crates.sort_unstable();
        crates.dedup();
        let versions = crates
            .iter()
            .filter_map(|name| Some(format!("{name} {}", machine::locked_version(name)?)));
        versions.collect::<Vec<_>>().join(", ")
    }
}

/// The middle value; of an even number, the mean of the two; not a number if there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(half) } else { (at(half.wrapping_sub(1)) + at(half)) / 2.0 }
}

/// A whole number with commas between its thousands.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn row(server: Server, rates: &[f64]) -> Row {
        let runs = rates.iter().map(|rate| Measures {
            messages: rate * 2.0,
            window: 2.0,
            server_cpu: 1.0,
            load_cpu: 1.5,
            waited: 0.1,
            p50: 0.000_2,
            p99: 0.000_4,
        });
        Row { server, runs: runs.collect() }
    }

    pub(crate) fn table() -> Table {
        Table {
            cell: Cell { size: 125, connections: 32, in_flight: 16 },
            rows: vec![
                row(Server::RawEpoll, &[1_000_000.0, 2_000_000.0, 1_500_000.0]),
                row(Server::Fastwebsockets, &[100_000.0, 400_000.0, 300_000.0]),
            ],
        }
    }

    #[test]
    fn medians() {
        assert!(median(Vec::new()).is_nan());
        assert_eq!(median(vec![3.0]), 3.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn thousands_are_set_apart() {
        let cases = [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (2_250_000.0, "2,250,000")];
        for (value, text) in cases {
            assert_eq!(thousands(value), text);
        }
    }

    #[test]
    fn ratios_compare_within_a_round() {
        let table = table();
        let bound = table.bound().unwrap();
        assert_eq!(table.rows[1].ratio(bound, RATE), 0.2);
        assert_eq!(table.rows[1].median(RATE), 300_000.0);
        assert_eq!(table.rows[0].ratio(bound, CPU), 1.0);
    }

    #[test]
    fn the_page_shows_every_server() {
        let conditions = Conditions { rounds: 3, seconds: 2.0, warm_up: 0.5, shared_core: false };
        let mut report = Report { tables: vec![table()], conditions };
        let page = report.markdown("websocket.svg");
        assert!(page.contains("## 125 B text, 32 connections, 16 in flight on each"), "{page}");
        assert!(page.contains("| raw-epoll | 1,500,000 | 1.00 | ±33 % | 0.33 | 1.00 |"), "{page}");
        assert!(page.contains("| fastwebsockets | 300,000 | 0.20 |"), "{page}");
        assert!(page.contains("fastwebsockets 0.10"), "{page}");
        assert!(!page.contains("worthless"), "{page}");
        for run in &mut report.tables[0].rows[1].runs {
            run.waited = 0.5;
        }
        assert!(report.markdown("websocket.svg").contains("up to 25 % of the time"));
    }
}
