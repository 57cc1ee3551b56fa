//! The plot: for each cell, bars of rate and of CPU per message, as ratios to one server's.

use std::fmt::Write;

use crate::servers::Server;
use crate::stats::{CPU, RATE, Row};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
const NAMES: f64 = 190.0;
const GAP: f64 = 40.0;
const BAR: f64 = 13.0;
const STEP: f64 = 18.0;
const HEADING: f64 = 54.0;
/// Room for a value right of the longest bar.
const VALUE: f64 = 48.0;
/// The length of the longest bar.
const LENGTH: f64 = (WIDTH - 2.0 * MARGIN - NAMES - GAP) / 2.0 - VALUE;

/// Ratios beyond this are drawn at this length and torn, lest they flatten all others.
const MOST: f64 = 4.0;

/// What is drawn: the charts below each other.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// What is counted: `message`, `event`.
    pub(crate) unit: &'a str,
    pub(crate) charts: Vec<Chart<'a>>,
}

/// The servers in one cell.
pub(crate) struct Chart<'a> {
    pub(crate) title: String,
    pub(crate) rows: &'a [Row],
    /// The row that all are compared with; without it, the figures are absolute.
    pub(crate) to: Option<&'a Row>,
}

/// The measures drawn side by side.
struct Panel {
    left: f64,
    title: String,
    values: Vec<f64>,
    /// The value of the longest bar.
    most: f64,
    /// The bound's value, marked from top to bottom.
    mark: Option<f64>,
}

/// Draws it as SVG.
pub(crate) fn svg(plot: &Plot<'_>) -> String {
    let mut image = String::new();
    // Writing to a `String` does not fail.
    let _ = draw(&mut image, plot);
    image
}

fn draw(image: &mut String, plot: &Plot<'_>) -> std::fmt::Result {
    let height: f64 = 2.0 * MARGIN + plot.charts.iter().map(height_of).sum::<f64>();
    writeln!(
        image,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12.5\" fill=\"#1b1f24\">"
    )?;
    writeln!(image, "<title>{}</title>", plot.title)?;
    writeln!(image, "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>")?;
    let mut top = MARGIN;
    for chart in &plot.charts {
        draw_chart(image, chart, plot.unit, top)?;
        top += height_of(chart);
    }
    writeln!(image, "</svg>")
}

fn height_of(chart: &Chart<'_>) -> f64 {
    HEADING + STEP * chart.rows.len() as f64 + MARGIN
}

fn draw_chart(image: &mut String, chart: &Chart<'_>, unit: &str, top: f64) -> std::fmt::Result {
    writeln!(
        image,
        "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"16\" font-weight=\"600\">{}</text>",
        top + 16.0,
        chart.title
    )?;
    for (at, row) in chart.rows.iter().enumerate() {
        let ours = matches!(row.server, Server::Spola | Server::SpolaSocketio);
        let weight = if ours { "700" } else { "400" };
        writeln!(
            image,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-weight=\"{weight}\">{}</text>",
            MARGIN + NAMES - 10.0,
            row_top(top, at) + 11.0,
            row.server.name()
        )?;
    }
    for panel in panels(chart, unit) {
        draw_panel(image, &panel, chart, top)?;
    }
    Ok(())
}

fn panels(chart: &Chart<'_>, unit: &str) -> [Panel; 2] {
    let left = MARGIN + NAMES;
    let right = left + LENGTH + VALUE + GAP;
    let panel = |left, title, values: Vec<f64>, mark: Option<f64>| {
        let greatest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let most = if mark.is_some() { greatest.min(MOST) } else { greatest };
        Panel { left, title, values, most, mark }
    };
    match chart.to {
        Some(to) => {
            let than = to.server.name();
            [
                panel(
                    left,
                    format!("{unit}s/s ÷ {than}: longer is better"),
                    values(chart, |row| row.ratio(to, RATE)),
                    Some(1.0),
                ),
                panel(
                    right,
                    format!("CPU per {unit} ÷ {than}: shorter is better"),
                    values(chart, |row| row.ratio(to, CPU)),
                    Some(1.0),
                ),
            ]
        }
        None => [
            panel(
                left,
                format!("thousand {unit}s/s: longer is better"),
                values(chart, |row| row.median(RATE) / 1e3),
                None,
            ),
            panel(
                right,
                format!("CPU µs per {unit}: shorter is better"),
                values(chart, |row| row.median(CPU) * 1e6),
                None,
            ),
        ],
    }
}

fn values(chart: &Chart<'_>, value: impl Fn(&Row) -> f64) -> Vec<f64> {
    // A run without messages has no ratio; its bar is empty.
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    chart.rows.iter().map(value).map(finite).collect()
}

fn row_top(top: f64, at: usize) -> f64 {
    top + HEADING + STEP * at as f64
}

fn draw_panel(image: &mut String, panel: &Panel, chart: &Chart<'_>, top: f64) -> std::fmt::Result {
    let left = panel.left;
    writeln!(
        image,
        "<text x=\"{left}\" y=\"{}\" font-size=\"12\" fill=\"#57606a\">{}</text>",
        top + 40.0,
        panel.title
    )?;
    for (at, (row, &value)) in chart.rows.iter().zip(&panel.values).enumerate() {
        draw_bar(image, panel, row.server, row_top(top, at), value)?;
    }
    if let Some(mark) = panel.mark {
        let x = left + mark / panel.most * LENGTH;
        let (from, to) = (row_top(top, 0) - 3.0, row_top(top, chart.rows.len()) - 2.0);
        writeln!(
            image,
            "<path d=\"M{x:.1} {from}V{to}\" stroke=\"#1b1f24\" stroke-opacity=\"0.45\" \
             stroke-dasharray=\"3 3\"/>"
        )?;
    }
    Ok(())
}

fn draw_bar(
    image: &mut String,
    panel: &Panel,
    server: Server,
    y: f64,
    value: f64,
) -> std::fmt::Result {
    let x = panel.left;
    let length = (value.min(panel.most) / panel.most * LENGTH).max(1.0);
    writeln!(
        image,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{}\"/>",
        colour(server)
    )?;
    if value > panel.most {
        writeln!(
            image,
            "<path d=\"M{:.1} {}l6 {BAR}\" stroke=\"#ffffff\" stroke-width=\"4\"/>",
            x + length - 22.0,
            y
        )?;
    }
    writeln!(image, "<text x=\"{:.1}\" y=\"{}\">{value:.2}</text>", x + length + 6.0, y + 11.0)
}

/// A library has a colour; its batching variant, a paler one.
fn colour(server: Server) -> &'static str {
    match server {
        Server::RawEpoll => "#8c959f",
        Server::RawTokio => "#afb8c1",
        Server::LimitWs => "#c3c9d0",
        Server::Spola => "#1a7f64",
        Server::SpolaStream => "#7cc4ae",
        Server::SpolaMachineStream => "#b4e0d2",
        Server::Fastwebsockets => "#8250df",
        Server::TokioWebsockets => "#0969da",
        Server::Yawc => "#bc4c00",
        Server::YawcBatch => "#f0a878",
        Server::Sockudo => "#bf3989",
        Server::SockudoBatch => "#eb9ccb",
        Server::TokioTungstenite => "#9a6700",
        Server::TokioTungsteniteBatch => "#e0b840",
        Server::WsNode | Server::SocketioNode => "#5a6b2a",
        Server::LimitSocketio => "#c3c9d0",
        Server::LimitHyper => "#afb8c1",
        Server::LimitCodecs => "#9aa4af",
        Server::SpolaSocketio => "#1a7f64",
        Server::Socketioxide => "#bc4c00",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::{self, tests::table};

    #[test]
    fn a_bar_for_each_server_and_measure() {
        let image = svg(&websocket::plot(&[table(), table()]));
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"));
        // One background, and for each of two tables two measures of two servers.
        assert_eq!(image.matches("<rect ").count(), 1 + 2 * 2 * 2);
        assert!(!image.contains("NaN") && !image.contains("inf"), "{image}");
    }

    #[test]
    fn a_bar_beyond_the_scale_is_torn() {
        // The CPU time per message is 5 times the bound's.
        let image = svg(&websocket::plot(&[table()]));
        assert!(image.contains(">5.00</text>"), "{image}");
        assert_eq!(image.matches("stroke-width=\"4\"").count(), 1);
    }
}
