use bytestring::ByteString;

use crate::{AckId, Data, Encoded, Namespace, encode};

/// One Socket.IO packet.
///
/// The wire's BINARY_EVENT and BINARY_ACK are no variants: an event or acknowledgement is
/// encoded as one exactly when its data has attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// CONNECT: the client asks to join, the server confirms.
    Connect {
        /// The namespace to join.
        namespace: Namespace,
        /// A JSON object: credentials from the client, `{"sid":…}` from the server.
        auth: Option<ByteString>,
    },
    /// CONNECT_ERROR: the server refuses a CONNECT.
    ConnectError {
        /// The namespace that was not joined.
        namespace: Namespace,
        /// A JSON object, `{"message":…}` with an optional `data`; a string from older peers.
        payload: ByteString,
    },
    /// DISCONNECT: either side leaves a namespace.
    Disconnect {
        /// The namespace left.
        namespace: Namespace,
    },
    /// EVENT or BINARY_EVENT.
    Event {
        /// Where it happens.
        namespace: Namespace,
        /// Set when the sender wants an acknowledgement.
        ack: Option<AckId>,
        /// The name and the arguments.
        data: Data,
    },
    /// ACK or BINARY_ACK: the answer to an event.
    Ack {
        /// Where the event happened.
        namespace: Namespace,
        /// The id the event had.
        ack: AckId,
        /// The arguments.
        data: Data,
    },
}

impl Packet {
    /// The namespace the packet belongs to.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        match self {
            Self::Connect { namespace, .. }
            | Self::ConnectError { namespace, .. }
            | Self::Disconnect { namespace }
            | Self::Event { namespace, .. }
            | Self::Ack { namespace, .. } => namespace,
        }
    }

    /// The packet's text, `prefix` in front of it, and its attachments.
    ///
    /// The prefix spares a layer below a second copy: Engine.IO puts `4` before every message.
    #[must_use]
    pub fn encode(&self, prefix: &str) -> Encoded {
        match self {
            Self::Connect { namespace, auth } => {
                encode::packet(prefix, '0', namespace, None, auth.as_deref().unwrap_or(""), &[])
            }
            Self::Disconnect { namespace } => encode::packet(prefix, '1', namespace, None, "", &[]),
            Self::ConnectError { namespace, payload } => {
                encode::packet(prefix, '4', namespace, None, payload, &[])
            }
            Self::Event { namespace, ack, data } => {
                encode::packet(prefix, '2', namespace, *ack, data.json(), data.attachments())
            }
            Self::Ack { namespace, ack, data } => {
                encode::packet(prefix, '3', namespace, Some(*ack), data.json(), data.attachments())
            }
        }
    }
}

/// Whether a name is one of those that no event may have, in either direction: `connect`,
/// `connect_error`, `disconnect`, `disconnecting`, `newListener`, `removeListener`.
#[must_use]
pub fn is_reserved_event(name: &str) -> bool {
    matches!(
        name,
        "connect"
            | "connect_error"
            | "disconnect"
            | "disconnecting"
            | "newListener"
            | "removeListener"
    )
}
