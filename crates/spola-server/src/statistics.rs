//! What a server tells of itself, to be published.

use std::fmt::Write as _;

use crate::meters::Meters;
use crate::reject_reason::RejectReason;

/// How a server is: what there is at this moment, and what it has turned down so far. From
/// [`Io::statistics`](crate::Io::statistics).
///
/// Taken while the server runs, the figures are not all of one and the same moment. Once nobody is
/// connected, all but `namespaces` and what [recovery](crate::ConnectionStateRecovery) keeps are 0.
///
/// ```
/// # let io = spola_server::Io::new();
/// for sample in io.statistics().samples() {
///     println!("{} {:?} {}", sample.name, sample.label, sample.value);
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Sessions that are open.
    pub sessions: usize,
    /// Sessions that have closed, but still write or run handlers.
    pub closing_sessions: usize,
    /// Connections that have asked for nothing (of [`Serve`](crate::Serve) alone), sessions that are about to
    /// open, WebSockets whose response is being written, or that are one too many.
    pub pending_handshakes: usize,
    /// GETs that wait for something to be told.
    pub parked_polls: usize,
    /// Responses that are event streams.
    pub event_streams: usize,
    /// Messages, packets and bodies that have begun to come, and are not complete.
    pub incomplete_messages: usize,
    /// What is kept of these.
    pub incomplete_bytes: usize,
    /// Packets that wait to be sent.
    pub queued_packets: usize,
    /// Bytes that wait to be sent.
    pub queued_bytes: usize,
    /// Questions that clients have not answered.
    pub awaited_acks: usize,
    /// Handlers and middleware that wait for something.
    pub running_handlers: usize,
    /// Clients in namespaces.
    pub sockets: usize,
    /// Namespaces, dynamic ones included, their parents not.
    pub namespaces: usize,
    /// Clients that have gone and may come back.
    pub recoverable_sessions: usize,
    /// Events that are kept for these.
    pub recoverable_packets: usize,
    /// The bytes of those.
    pub recoverable_bytes: usize,
    rejected: Vec<u64>,
}

/// One figure of [`Statistics`], in the manner of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// The name, such as `spola_sessions`.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
    /// Whether it only ever grows.
    pub is_counter: bool,
    /// The name of the label and its value, if there is one.
    pub label: Option<(&'static str, &'static str)>,
    /// The value.
    pub value: u64,
}

impl Statistics {
    /// What is counted where it happens.
    pub(crate) fn of(meters: &Meters) -> Self {
        let (incomplete_messages, incomplete_bytes) = meters.bodies();
        Self {
            pending_handshakes: meters.handshakes(),
            incomplete_messages,
            incomplete_bytes,
            rejected: RejectReason::ALL.iter().map(|reason| meters.rejected(*reason)).collect(),
            ..Self::default()
        }
    }

    /// How often something was turned down for this reason.
    #[must_use]
    pub fn rejected(&self, reason: RejectReason) -> u64 {
        self.rejected.get(reason as usize).copied().unwrap_or_default()
    }

    /// All figures: the gauges, and then the counter `spola_rejected_total` for each reason, those that
    /// are 0 included.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + use<'_> {
        self.gauges().into_iter().chain(RejectReason::ALL.iter().map(|reason| Sample {
            name: "spola_rejected_total",
            help: "What was turned down, by reason.",
            is_counter: true,
            label: Some(("reason", reason.as_str())),
            value: self.rejected(*reason),
        }))
    }

    /// The text that Prometheus reads, of the type `text/plain; version=0.0.4`.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let (mut text, mut last) = (String::new(), "");
        for Sample { name, help, is_counter, label, value } in self.samples() {
            // Writing into a `String` cannot fail.
            if name != last {
                let kind = if is_counter { "counter" } else { "gauge" };
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
                last = name;
            }
            let _ = match label {
                Some((label, of)) => writeln!(text, "{name}{{{label}=\"{of}\"}} {value}"),
                None => writeln!(text, "{name} {value}"),
            };
        }
        text
    }

    fn gauges(&self) -> [Sample; 16] {
        [
            ("spola_sessions", "Sessions that are open.", self.sessions),
            (
                "spola_closing_sessions",
                "Sessions that have closed, but still write or run handlers.",
                self.closing_sessions,
            ),
            (
                "spola_pending_handshakes",
                "Connections that are not yet part of a session.",
                self.pending_handshakes,
            ),
            ("spola_parked_polls", "GETs that wait for something to be told.", self.parked_polls),
            ("spola_event_streams", "Responses that are event streams.", self.event_streams),
            (
                "spola_incomplete_messages",
                "Messages, packets and bodies that are not complete.",
                self.incomplete_messages,
            ),
            ("spola_incomplete_bytes", "What is kept of these.", self.incomplete_bytes),
            ("spola_queued_packets", "Packets that wait to be sent.", self.queued_packets),
            ("spola_queued_bytes", "Bytes that wait to be sent.", self.queued_bytes),
            ("spola_awaited_acks", "Questions that clients have not answered.", self.awaited_acks),
            ("spola_running_handlers", "Handlers that wait for something.", self.running_handlers),
            ("spola_sockets", "Clients in namespaces.", self.sockets),
            ("spola_namespaces", "Namespaces that there are.", self.namespaces),
            (
                "spola_recoverable_sessions",
                "Clients that have gone and may come back.",
                self.recoverable_sessions,
            ),
            (
                "spola_recoverable_packets",
                "Events that are kept for these.",
                self.recoverable_packets,
            ),
            ("spola_recoverable_bytes", "The bytes of those.", self.recoverable_bytes),
        ]
        .map(|(name, help, value)| Sample {
            name,
            help,
            is_counter: false,
            label: None,
            value: value as u64,
        })
    }
}
