//! What an application may set.

use std::time::Duration;

use crate::client_files::ClientFiles;
use crate::compression::HttpCompression;
use crate::cookie::SessionCookie;
use crate::cors::Cors;
use crate::recovery::ConnectionStateRecovery;

/// Settings of a server, with safe defaults. A time too long for the clock means never.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The path that serves every transport, and all that is below it. A slash in front is added where
    /// there is none. Default `/socket.io`.
    pub path: String,
    /// Whether a slash is appended to the path, without which no request is served. Default true.
    pub add_trailing_slash: bool,
    /// What pages of other origins may do. Default none: nothing is said about it, and so browsers
    /// let pages of this origin only poll, but every page open a WebSocket.
    pub cors: Option<Cors>,
    /// A cookie for load balancers. Default none.
    pub cookie: Option<SessionCookie>,
    /// The client that browsers load from the server. Default none.
    pub client_files: Option<ClientFiles>,
    /// Compression of responses to polls. Default on, from 1024 bytes.
    pub http_compression: Option<HttpCompression>,
    /// Compression of messages over WebSockets, for clients that offer it. Default none.
    #[cfg(feature = "deflate")]
    pub per_message_deflate: Option<spola_websocket::deflate::Options>,
    /// Sessions that there may be at once; others are told 503. Default: as many as there come.
    pub max_sessions: Option<usize>,
    /// Heartbeat, payload and upgrade settings of the sessions.
    pub engine: spola_engineio::Config,
    /// Timeouts and limits of the namespaces, events and acknowledgements of a session. Its `prefix`
    /// and `revision` are set by the server.
    pub sockets: spola_socketio::server::Config,
    /// Time for a POST's body to arrive. Default 30 s.
    pub post_timeout: Duration,
    /// Time without progress, while data waits to be written to a WebSocket. Default 30 s.
    pub write_timeout: Duration,
    /// Limits of a WebSocket. Its `max_message_size` is `engine.max_payload`, whatever it says here.
    pub websocket: spola_websocket::Config,
    /// Bytes that wait to be sent to one client from which on its queue counts as full:
    /// [`Socket::try_emit`](crate::Socket::try_emit) says so, and
    /// [`Socket::emit_wait`](crate::Socket::emit_wait) waits. Default 1 MiB.
    pub high_water_mark: usize,
    /// The same, in packets. Default 4096.
    pub high_water_packets: usize,
    /// Bytes down to which a full queue has to run before those who wait go on (and packets, down to
    /// half of those above). Where it is no lower than the mark above, they go on just below that one.
    /// Default 512 KiB.
    pub low_water_mark: usize,
    /// Bytes that may wait to be sent to one client. Default 16 MiB; 0: no limit, whatever `engine`
    /// says of its queue.
    pub outgoing_hard_cap: usize,
    /// What becomes of a client for which more is to wait. Default: it is disconnected.
    pub at_hard_cap: AtHardCap,
    /// Handlers of one session that may run at once; then its connection is not read until one
    /// has ended. Default 128.
    pub max_running_handlers: usize,
    /// Events of a socket that may wait to be pulled by [`Socket::recv`](crate::Socket::recv); then
    /// its connection is not read until one was. Default 128.
    pub max_waiting_events: usize,
    /// Rooms that a socket may join. Default 1024.
    pub max_rooms: usize,
    /// Bytes of a room's name. Default 1024.
    pub max_room_name: usize,
    /// Whether a socket may join the room that is named by the id of another, and get what is sent to
    /// that one alone. Default true, as in the official server; an application that lets clients name
    /// rooms switches it off.
    pub foreign_ids_as_rooms: bool,
    /// Time for a client to be let in by the middleware. Default 30 s.
    pub admission_timeout: Duration,
    /// Dynamic namespaces that clients may call into being. Default 10 000.
    pub max_dynamic_namespaces: usize,
    /// Whether a dynamic namespace is removed when its last socket has left. Default true. Without
    /// it, clients can fill the server up to that limit. One that somebody may come back to is not
    /// removed before.
    pub cleanup_empty_children: bool,
    /// Whether clients that lost their connection find their stay as it was, and get what they missed,
    /// when they come back. Default none: they are new clients.
    pub connection_state_recovery: Option<ConnectionStateRecovery>,
}

/// What happens when more is sent to a client than may wait for it: [`Config::outgoing_hard_cap`]. A
/// client that takes nothing is disconnected after [`Config::write_timeout`] in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtHardCap {
    /// The client is disconnected, with the reason `transport error`, and what waits for it is freed. If
    /// it comes back, it begins anew or, with [recovery](crate::ConnectionStateRecovery), gets what it
    /// missed.
    #[default]
    Disconnect,
    /// What was to be sent is dropped, and the client stays: it gets what was sent before, and nothing
    /// tells it of the gap.
    ///
    /// [`Socket::emit`](crate::Socket::emit) fails with [`EmitError::Full`](crate::EmitError::Full); a
    /// broadcast goes to the others, and does not count the client; a question settles at once with
    /// [`AckError::Dropped`](crate::AckError::Dropped); the answer to an event of the client's is lost.
    /// [`try_emit`](crate::Socket::try_emit) and [`emit_wait`](crate::Socket::emit_wait) look at the
    /// high-water mark, which is to be far below the cap, and volatile events at nothing else than
    /// whether the client is writable: for them nothing changes, and one packet of theirs that is larger
    /// than the cap disconnects the client.
    ///
    /// What the protocol itself has to say, as the answer to a CONNECT, cannot be dropped: for want of
    /// room, that still ends the session.
    Refuse,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            add_trailing_slash: true,
            cors: None,
            cookie: None,
            client_files: None,
            http_compression: Some(HttpCompression::default()),
            #[cfg(feature = "deflate")]
            per_message_deflate: None,
            max_sessions: None,
            engine: spola_engineio::Config::default(),
            sockets: spola_socketio::server::Config::default(),
            post_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            websocket: spola_websocket::Config::default(),
            high_water_mark: 1 << 20,
            high_water_packets: 4096,
            low_water_mark: 512 << 10,
            outgoing_hard_cap: 16 << 20,
            at_hard_cap: AtHardCap::Disconnect,
            max_running_handlers: 128,
            max_waiting_events: 128,
            max_rooms: 1024,
            max_room_name: 1024,
            foreign_ids_as_rooms: true,
            admission_timeout: Duration::from_secs(30),
            max_dynamic_namespaces: 10_000,
            cleanup_empty_children: true,
            connection_state_recovery: None,
        }
    }
}
