//! A client made of nothing but messages, and a clock that moves when told.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio::server::{Config, Connection, Event};
use spola_socketio_packet::{AckId, Data, Namespace};

pub(crate) const ADMIN: &str = "/admin";

pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
}

impl Peer {
    pub(crate) fn new(config: Config) -> Self {
        // The one look at a clock: where it starts does not matter.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        Self { connection: Connection::new(config, now), now }
    }

    /// A client that has joined the root.
    pub(crate) fn joined() -> Self {
        let mut peer = Self::new(Config::default());
        peer.join("/");
        peer
    }

    /// Joins a namespace under the id `a`, and returns what is sent.
    pub(crate) fn join(&mut self, name: &str) -> Vec<String> {
        let text = if name == "/" { "0".to_owned() } else { format!("0{name},") };
        self.says(&text);
        self.connection.accept(&namespace(name), "a").unwrap();
        self.hears()
    }

    pub(crate) fn says(&mut self, text: &str) -> Vec<Event> {
        self.connection.handle_text(self.now, ByteString::from(text));
        self.events()
    }

    pub(crate) fn says_bytes(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.connection.handle_binary(self.now, Bytes::copy_from_slice(bytes));
        self.events()
    }

    pub(crate) fn waits(&mut self, time: Duration) -> Vec<Event> {
        self.now += time;
        self.connection.handle_timeout(self.now);
        self.events()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.connection.poll_event()).collect()
    }

    pub(crate) fn hears(&mut self) -> Vec<String> {
        let sent = std::iter::from_fn(|| self.connection.poll_transmit());
        sent.map(|packet| packet.text.to_string()).collect()
    }

    pub(crate) fn ask(
        &mut self,
        namespace: &Namespace,
        data: &Data,
        timeout: Option<Duration>,
    ) -> AckId {
        self.connection.emit_with_ack(self.now, namespace, data, timeout).unwrap()
    }
}

pub(crate) fn namespace(name: &str) -> Namespace {
    name.parse().unwrap()
}
