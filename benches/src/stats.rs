//! Runs reduced to numbers: medians, and ratios to the bound.

use crate::load::Measures;
use crate::servers::Server;

/// One server's runs, a run a round.
pub(crate) struct Row {
    pub(crate) server: Server,
    pub(crate) runs: Vec<Measures>,
}

/// A measure of one run, reduced to a number.
pub(crate) type Measure = fn(&Measures) -> f64;

/// Messages per second.
pub(crate) const RATE: Measure = |run| run.messages / run.window;

/// The server's CPU time per message, in seconds.
pub(crate) const CPU: Measure = |run| run.server_cpu / run.messages.max(1.0);

/// The latency that 99 of 100 messages do not exceed, in seconds.
pub(crate) const P99: Measure = |run| run.p99;

/// The share of the window in which server or load waited for its core.
pub(crate) const WAITED: Measure = |run| run.waited / run.window;

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
    pub(crate) fn spread(&self) -> f64 {
        let rates = || self.runs.iter().map(RATE);
        let high = rates().fold(0.0, f64::max);
        let low = rates().fold(f64::INFINITY, f64::min);
        (high - low) / 2.0 / self.median(RATE)
    }
}

/// The row that all others are compared with.
pub(crate) fn bound(rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| row.server.is_raw())
}

/// A row's measure by that of the row it is compared with, as text; a dash without one.
pub(crate) fn ratio(row: &Row, to: Option<&Row>, measure: Measure) -> String {
    let ratio = to.map(|to| row.ratio(to, measure)).filter(|ratio| ratio.is_finite());
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// The middle value; of an even number, the mean of the two; not a number if there is none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(half) } else { (at(half.wrapping_sub(1)) + at(half)) / 2.0 }
}

/// A whole number with commas between its thousands.
pub(crate) fn thousands(value: f64) -> String {
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

    pub(crate) fn row(server: Server, rates: &[f64]) -> Row {
        let runs = rates.iter().map(|rate| Measures {
            messages: rate * 2.0,
            window: 2.0,
            server_cpu: 1.0,
            load_cpu: 1.5,
            waited: 0.1,
            p50: 0.000_2,
            p99: 0.000_4,
            slowest: 0.95,
            received: rate * 2.0 * 127.0,
            resident: 3.5 * 1_048_576.0,
        });
        Row { server, runs: runs.collect() }
    }

    pub(crate) fn rows() -> Vec<Row> {
        vec![
            row(Server::RawEpoll, &[1_000_000.0, 2_000_000.0, 1_500_000.0]),
            row(Server::Fastwebsockets, &[100_000.0, 400_000.0, 300_000.0]),
        ]
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
        let rows = rows();
        let bound = bound(&rows).unwrap();
        assert_eq!(rows[1].ratio(bound, RATE), 0.2);
        assert_eq!(rows[1].median(RATE), 300_000.0);
        assert_eq!(rows[0].ratio(bound, CPU), 1.0);
        assert_eq!(ratio(&rows[1], Some(bound), P99), "1.00");
        assert_eq!(ratio(&rows[1], None, P99), "–");
    }
}
