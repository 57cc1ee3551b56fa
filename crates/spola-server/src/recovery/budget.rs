//! What a server may remember, in all its namespaces together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::config::Config;
use crate::meters::Meters;
use crate::statistics::Statistics;

/// How long and how much a server remembers for clients that lost their connection: set in
/// [`Config::connection_state_recovery`].
///
/// A client that comes back in time has its former id, rooms, [`data`](crate::Socket::data) and
/// [`extensions`](crate::Socket::extensions), and gets the events that it missed before anything newer.
/// Where that is impossible it is a new client; [`Socket::recovered`](crate::Socket::recovered) tells.
/// Listeners of clients see one more argument at the end of events: see the guide.
///
/// The limits are those of the whole server, so that many namespaces remember no more than one does.
/// At a limit, each namespace forgets its own oldest for what is new.
///
/// ```
/// # use std::time::Duration;
/// # use spola_server::{Config, ConnectionStateRecovery, Io, Socket};
/// let mut recovery = ConnectionStateRecovery::default();
/// recovery.max_disconnection_duration = Duration::from_secs(60);
/// let mut config = Config::default();
/// config.connection_state_recovery = Some(recovery);
/// let io = Io::builder().config(config).build();
/// io.namespace("/").on_connect(async |socket: Socket| {
///     if !socket.recovered() {
///         let _ = socket.join("news");
///     }
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStateRecovery {
    /// How long a client may be away. Default 2 min.
    pub max_disconnection_duration: Duration,
    /// Whether a client that is restored passes the middleware unasked. Default true.
    pub skip_middlewares: bool,
    /// Clients that are remembered. Default 10 000.
    pub max_sessions: usize,
    /// Events that are remembered. Default 10 000.
    pub max_packets: usize,
    /// The same in bytes, attachments counted in base64 too: it is kept if it was sent. Default 64 MiB.
    pub max_packet_bytes: usize,
    /// Missed events that a client is sent; one that missed more is a new client. Default 1000.
    pub max_replayed_packets: usize,
    /// The same in bytes. Default 1 MiB.
    pub max_replayed_bytes: usize,
}

impl Default for ConnectionStateRecovery {
    fn default() -> Self {
        Self {
            max_disconnection_duration: Duration::from_secs(120),
            skip_middlewares: true,
            max_sessions: 10_000,
            max_packets: 10_000,
            max_packet_bytes: 64 << 20,
            max_replayed_packets: 1000,
            max_replayed_bytes: 1 << 20,
        }
    }
}

/// The settings, and what is used up.
pub(crate) struct Budget {
    pub(super) settings: ConnectionStateRecovery,
    /// How long an event may matter: a client may have been gone for some time before it was missed,
    /// and may then be away as long as is allowed.
    pub(super) retention: Duration,
    pub(super) sessions: Gauge,
    pub(super) packets: Gauge,
    pub(super) bytes: Gauge,
    pub(super) meters: Arc<Meters>,
}

/// How much there is of something, and how much there may be.
pub(super) struct Gauge {
    used: AtomicUsize,
    most: usize,
}

impl Budget {
    /// What the settings ask for, if they ask for anything.
    pub(crate) fn of(config: &Config, meters: &Arc<Meters>) -> Option<Arc<Self>> {
        let settings = config.connection_state_recovery?;
        let unnoticed = config.engine.ping_timeout.saturating_mul(2);
        let retention = settings
            .max_disconnection_duration
            .saturating_add(config.engine.ping_interval)
            .saturating_add(unnoticed);
        Some(Arc::new(Self {
            settings,
            retention,
            sessions: Gauge::new(settings.max_sessions),
            packets: Gauge::new(settings.max_packets),
            bytes: Gauge::new(settings.max_packet_bytes),
            meters: Arc::clone(meters),
        }))
    }

    pub(crate) fn add_to(&self, statistics: &mut Statistics) {
        statistics.recoverable_sessions = self.sessions.used();
        statistics.recoverable_packets = self.packets.used();
        statistics.recoverable_bytes = self.bytes.used();
    }
}

impl Gauge {
    fn new(most: usize) -> Self {
        Self { used: AtomicUsize::new(0), most }
    }

    pub(super) fn add(&self, amount: usize) {
        self.used.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.used() > self.most
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}
