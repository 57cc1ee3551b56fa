use std::fmt;

use bytestring::ByteString;
use spola_socketio_packet::{AckId, Data, DecodeError, Namespace};

/// What happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client asks to join a namespace: answer with `accept` or `refuse`. No further event
    /// of this namespace comes before the answer.
    ConnectRequested {
        /// The namespace to join; whether it exists is for the application to know.
        namespace: Namespace,
        /// The client's credentials, a JSON object.
        auth: Option<ByteString>,
    },
    /// An event came.
    Received {
        /// Where, a namespace that is joined.
        namespace: Namespace,
        /// Set if the client wants an acknowledgement; answer once, with this id.
        ack: Option<AckId>,
        /// The event's name and arguments.
        data: Data,
    },
    /// The client acknowledged an event.
    Acked {
        /// Where.
        namespace: Namespace,
        /// The id that `await_ack` was given.
        ack: AckId,
        /// The arguments of the answer.
        data: Data,
    },
    /// An acknowledgement did not come in time. If it comes later, it is ignored.
    AckTimedOut {
        /// Where.
        namespace: Namespace,
        /// The id that `await_ack` was given.
        ack: AckId,
    },
    /// Something that came was turned down, for a limit or because it meant nothing; the connection
    /// goes on. The client has been told what it is to be told.
    Declined(Declined),
    /// A namespace that was joined is no longer.
    Disconnected {
        /// Which.
        namespace: Namespace,
        /// Why.
        reason: DisconnectReason,
        /// The acknowledgements that were still awaited and will not come, in order of id.
        unanswered: Vec<AckId>,
    },
    /// The connection is over: send what is left to transmit, then close what carries it. Comes
    /// once and last, after a `Disconnected` for each namespace that was joined.
    Closed(CloseReason),
}

/// What a connection turns down and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Declined {
    /// A CONNECT while [`max_pending_connects`](super::Config::max_pending_connects) wait.
    PendingConnects,
    /// A CONNECT beyond [`max_namespaces`](super::Config::max_namespaces).
    Namespaces,
    /// An acknowledgement that nobody awaits: never asked for, given before, or too late.
    UnknownAck,
}

/// Why a socket lost its namespace, in the official server's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client sent DISCONNECT.
    ClientNamespaceDisconnect,
    /// The server sent DISCONNECT.
    ServerNamespaceDisconnect,
    /// What carried the connection ended.
    TransportClose,
    /// What carried the connection failed.
    TransportError,
    /// The client did not answer a ping in time.
    PingTimeout,
    /// The client sent a malformed Engine.IO packet.
    ParseError,
    /// The session was closed from the server's end, also after a malformed Socket.IO packet.
    ForcedClose,
    /// The client violated the protocol, or joined nothing in time.
    ForcedServerClose,
    /// The server is closing.
    ServerShuttingDown,
}

impl DisconnectReason {
    /// The official server's words, as applications compare them.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
        }
    }

    /// Whether the client may come back and find its stay as it was: neither side has ended it on
    /// purpose, and the client kept to the protocol of the transport (§20.2).
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        match self {
            Self::TransportClose
            | Self::TransportError
            | Self::PingTimeout
            | Self::ForcedClose
            | Self::ForcedServerClose
            | Self::ServerShuttingDown => true,
            Self::ClientNamespaceDisconnect
            | Self::ServerNamespaceDisconnect
            | Self::ParseError => false,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// What carried it is gone, or was taken away: the reason given to `handle_closed`.
    #[error("{0}")]
    Transport(DisconnectReason),
    /// The server called `close`.
    #[error("closed by the server")]
    Command,
    /// The client sent a malformed packet, or one beyond a limit.
    #[error("malformed packet: {0}")]
    Malformed(#[from] DecodeError),
    /// The client broke a rule.
    #[error("protocol violation: {0}")]
    Violation(#[from] Violation),
    /// The client joined no namespace in time.
    #[error("no namespace was joined in time")]
    ConnectTimeout,
    /// The attachments of a packet did not arrive in time.
    #[error("attachments did not arrive in time")]
    BinaryTimeout,
}

impl CloseReason {
    /// What sockets are told that were joined at that moment.
    #[must_use]
    pub const fn disconnect_reason(self) -> DisconnectReason {
        match self {
            Self::Transport(reason) => reason,
            Self::Command => DisconnectReason::ServerNamespaceDisconnect,
            Self::Malformed(_) | Self::BinaryTimeout => DisconnectReason::ForcedClose,
            Self::Violation(_) | Self::ConnectTimeout => DisconnectReason::ForcedServerClose,
        }
    }
}

/// A packet that is well-formed but not allowed where it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A CONNECT for a namespace that is joined, or whose first CONNECT has no answer yet.
    #[error("second CONNECT for a namespace")]
    DuplicateConnect,
    /// A packet for a namespace that is not joined.
    #[error("packet for a namespace that is not joined")]
    NotJoined,
    /// A CONNECT_ERROR, which only servers send.
    #[error("CONNECT_ERROR from a client")]
    ConnectErrorFromClient,
}
