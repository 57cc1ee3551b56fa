//! The plot: for each cell, bars of rate and of CPU per message, as ratios to the bound.

use std::fmt::Write;

use crate::report::{CPU, RATE, Row, Table};
use crate::servers::Server;

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
const NAMES: f64 = 190.0;
const GAP: f64 = 60.0;
const BAR: f64 = 20.0;
const STEP: f64 = 28.0;
const HEADING: f64 = 58.0;
/// Room for a value right of the longest bar.
const VALUE: f64 = 52.0;
/// The length of the longest bar.
const LENGTH: f64 = (WIDTH - 2.0 * MARGIN - NAMES - GAP) / 2.0 - VALUE;

/// Draws the tables below each other. A table without the bound shows absolute figures.
pub(crate) fn svg(tables: &[Table]) -> String {
    let mut image = String::new();
    // Writing to a `String` does not fail.
    let _ = draw(&mut image, tables);
    image
}

fn draw(image: &mut String, tables: &[Table]) -> std::fmt::Result {
    let height: f64 = 2.0 * MARGIN + tables.iter().map(height_of).sum::<f64>();
    writeln!(
        image,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"#1b1f24\">"
    )?;
    writeln!(image, "<title>WebSocket echo: rate and CPU per message</title>")?;
    writeln!(image, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    let mut top = MARGIN;
    for table in tables {
        draw_table(image, table, top)?;
        top += height_of(table);
    }
    writeln!(image, "</svg>")
}

fn height_of(table: &Table) -> f64 {
    HEADING + STEP * table.rows.len() as f64 + MARGIN
}

fn draw_table(image: &mut String, table: &Table, top: f64) -> std::fmt::Result {
    let left = MARGIN + NAMES;
    let right = left + LENGTH + VALUE + GAP;
    writeln!(
        image,
        "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"17\" font-weight=\"600\">{}</text>",
        top + 18.0,
        table.cell.describe()
    )?;
    let (rates, cpus) = match table.bound() {
        Some(bound) => (
            values(table, |row| row.ratio(bound, RATE)),
            values(table, |row| row.ratio(bound, CPU)),
        ),
        None => (
            values(table, |row| row.median(RATE) / 1e3),
            values(table, |row| row.median(CPU) * 1e6),
        ),
    };
    let (rate_title, cpu_title) = if table.bound().is_some() {
        (
            "messages/s ÷ raw-epoll: longer is better",
            "CPU per message ÷ raw-epoll: shorter is better",
        )
    } else {
        ("thousand messages/s: longer is better", "CPU µs per message: shorter is better")
    };
    for (x, title) in [(left, rate_title), (right, cpu_title)] {
        writeln!(
            image,
            "<text x=\"{x}\" y=\"{}\" font-size=\"12\" fill=\"#57606a\">{title}</text>",
            top + 42.0
        )?;
    }
    let (most_rate, most_cpu) = (greatest(&rates), greatest(&cpus));
    for (at, ((row, rate), cpu)) in table.rows.iter().zip(rates).zip(cpus).enumerate() {
        let y = top + HEADING + STEP * at as f64;
        writeln!(
            image,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            left - 10.0,
            y + 15.0,
            row.server.name()
        )?;
        draw_bar(image, row.server, left, y, rate, most_rate)?;
        draw_bar(image, row.server, right, y, cpu, most_cpu)?;
    }
    Ok(())
}

fn values(table: &Table, value: impl Fn(&Row) -> f64) -> Vec<f64> {
    // A run without messages has no ratio; its bar is empty.
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    table.rows.iter().map(value).map(finite).collect()
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
}

fn draw_bar(
    image: &mut String,
    server: Server,
    x: f64,
    y: f64,
    value: f64,
    greatest: f64,
) -> std::fmt::Result {
    let length = (value / greatest * LENGTH).max(1.0);
    writeln!(
        image,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{}\"/>",
        colour(server)
    )?;
    writeln!(
        image,
        "<text x=\"{:.1}\" y=\"{}\" font-size=\"13\">{value:.2}</text>",
        x + length + 6.0,
        y + 15.0
    )
}

fn colour(server: Server) -> &'static str {
    match server {
        Server::RawEpoll => "#8c959f",
        Server::Spola => "#1a7f64",
        Server::TokioTungstenite => "#bf8700",
        Server::TokioTungsteniteBatch => "#e0b040",
        Server::Fastwebsockets => "#8250df",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::table;

    #[test]
    fn a_bar_for_each_server_and_measure() {
        let image = svg(&[table(), table()]);
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"));
        // One background, and for each of two tables two measures of two servers.
        assert_eq!(image.matches("<rect ").count(), 1 + 2 * 2 * 2);
        assert!(!image.contains("NaN") && !image.contains("inf"), "{image}");
    }
}
