use std::time::Duration;

use spola_engineio_packet::EncodedMessage;

/// A transport of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
    /// Server-Sent Events, a transport of our own.
    Sse,
}

impl Transport {
    /// The transport's name in queries and handshakes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }
}

/// The transports that a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transports {
    /// HTTP long-polling.
    pub polling: bool,
    /// WebSocket, opened directly or by an upgrade.
    pub websocket: bool,
    /// Server-Sent Events, opened directly or by an upgrade. The official server knows nothing of it,
    /// and clients that do not either see no difference.
    pub sse: bool,
}

impl Transports {
    /// Polling and WebSocket, the default: all that the official server offers.
    pub const ALL: Self = Self { polling: true, websocket: true, sse: false };
    /// Polling alone.
    pub const POLLING: Self = Self { polling: true, websocket: false, sse: false };
    /// WebSocket alone.
    pub const WEBSOCKET: Self = Self { polling: false, websocket: true, sse: false };

    /// Whether `transport` is offered.
    #[must_use]
    pub const fn contains(self, transport: Transport) -> bool {
        match transport {
            Transport::Polling => self.polling,
            Transport::WebSocket => self.websocket,
            Transport::Sse => self.sse,
        }
    }
}

impl Default for Transports {
    fn default() -> Self {
        Self::ALL
    }
}

/// Times and limits of a server's sessions. A span too long for the clock means never.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Time from opening, or from a pong, to the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// Time for a pong before the session closes with `ping timeout`. Default 20 s.
    pub ping_timeout: Duration,
    /// Time from the 101 of an upgrade to the packet that completes it, before the WebSocket is
    /// closed and the session stays on polling. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Interval, from the probe of an upgrade on, at which a pending GET is released. Default 100 ms;
    /// less than 1 ms counts as 1 ms.
    pub noop_interval: Duration,
    /// Time for a client to resume its event stream after that has dropped, before the session closes
    /// with `transport close`. Default 10 s.
    pub resume_timeout: Duration,
    /// Time that a session closed by the server waits for the GET that tells the client. Default 30 s.
    pub polling_close_timeout: Duration,
    /// Largest POST body, and, enforced by the WebSocket layer, largest message, in bytes. Announced
    /// to the client. Default 1 000 000.
    pub max_payload: usize,
    /// Bytes of packets in one poll response; a larger packet goes alone. The rest waits for the next
    /// GET. Default 1 MiB.
    pub max_poll_response: usize,
    /// Bytes of messages, each in the form that it was sent in, that may be queued before `send` refuses.
    /// Default 16 MiB.
    pub max_queued_bytes: usize,
    /// Messages that may be queued before `send` refuses. Default 65 536.
    pub max_queued_packets: usize,
    /// Bytes of packets that an event stream keeps to send them again, 64 for each packet included,
    /// until the client has told that they arrived. Beyond it the oldest are given up: a client that
    /// lacks them cannot resume. The last packet is always kept. Default 1 MiB.
    pub max_kept_bytes: usize,
    /// Transports that are offered. Default polling and WebSocket.
    pub transports: Transports,
    /// Whether a polling session may upgrade to another transport. Default true.
    pub allow_upgrades: bool,
    /// A message that follows the open packet: in the same payload over polling, as the next message
    /// over a WebSocket (Engine.IO v4, §2.2). A text with U+001E in it does not go over polling.
    /// Default none.
    pub initial_packet: Option<EncodedMessage>,
    /// Whether revision 3 is served as well, and with it `socket.io-client` 2 and older. Default false:
    /// its clients take the session's secret id for their public one.
    pub allow_eio3: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            noop_interval: Duration::from_millis(100),
            resume_timeout: Duration::from_secs(10),
            polling_close_timeout: Duration::from_secs(30),
            max_payload: 1_000_000,
            max_poll_response: 1 << 20,
            max_queued_bytes: 16 << 20,
            max_queued_packets: 65_536,
            max_kept_bytes: 1 << 20,
            transports: Transports::ALL,
            allow_upgrades: true,
            initial_packet: None,
            allow_eio3: false,
        }
    }
}
