//! A client made of nothing but messages, and a clock that moves when told.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio::server::{Config, Connection, Event, SendError};
use spola_socketio_packet::{AckId, Namespace, encode_event};

pub(crate) const ADMIN: &str = "/admin";

pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
    next_ack: u32,
}

impl Peer {
    pub(crate) fn new(config: Config) -> Self {
        // The one look at a clock: where it starts does not matter.
        #[allow(clippy::disallowed_methods)]
        let now = Instant::now();
        Self { connection: Connection::new(config, now), now, next_ack: 0 }
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

    /// Asks with the next id, as a server counts them.
    pub(crate) fn try_ask(
        &mut self,
        namespace: &Namespace,
        timeout: Option<Duration>,
    ) -> Result<AckId, SendError> {
        let ack = AckId::from(self.next_ack);
        self.next_ack += 1;
        let event = encode_event("", namespace, Some(ack), "ask", &()).unwrap();
        self.connection.await_ack(self.now, namespace, ack, timeout)?;
        self.connection.emit(namespace, event)?;
        Ok(ack)
    }

    pub(crate) fn ask(&mut self, namespace: &Namespace, timeout: Option<Duration>) -> AckId {
        self.try_ask(namespace, timeout).unwrap()
    }
}

pub(crate) fn namespace(name: &str) -> Namespace {
    name.parse().unwrap()
}
