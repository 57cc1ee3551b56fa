//! Why the server turns something of a client's down: what it counts by.

mod decisions;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $text:literal,)*) => {
        /// Why something was turned down: one reason for each limit and rule. A client that merely goes
        /// away is not turned down.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum RejectReason {
            $($(#[$doc])* $reason,)*
        }

        impl RejectReason {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// The label: the name in lower case, with underscores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => $text,)*
                }
            }
        }
    };
}

reasons! {
    // Connections, as far as `Serve` accepts them.
    /// No connection could be accepted: mostly, the process is out of descriptors.
    AcceptFailed = "accept_failed",
    /// The oldest of too many connections that have asked for nothing.
    Newcomers = "newcomers",
    /// A TLS handshake took too long.
    TlsTimeout = "tls_timeout",
    /// The head of a connection's first request did not come in time.
    HeadTimeout = "head_timeout",
    /// A request's head with too many bytes or fields.
    HeadTooLarge = "head_too_large",
    /// What is no HTTP request, or one without exactly one host.
    MalformedHttp = "malformed_http",
    /// Frames of HTTP/2 that make work and ask for nothing, in numbers: resets, for one.
    Http2Flood = "http2_flood",
    /// A peer took nothing of what waited for it, over HTTP or a WebSocket, for too long.
    WriteTimeout = "write_timeout",

    // Requests.
    /// A request's target is too long.
    TargetTooLong = "target_too_long",
    /// A query with too many parameters.
    QueryParameters = "query_parameters",
    /// A number in a request that is none.
    MalformedNumber = "malformed_number",
    /// The transport is none of those offered.
    UnknownTransport = "unknown_transport",
    /// No session has the id.
    UnknownSession = "unknown_session",
    /// A request that does not fit the transport of its session.
    TransportMismatch = "transport_mismatch",
    /// A request of another revision than its session.
    RevisionMismatch = "revision_mismatch",
    /// The revision is not served.
    UnsupportedRevision = "unsupported_revision",
    /// A method that opens no session, or that sessions do not know.
    Method = "method",
    /// The origin is malformed, or not let in.
    Origin = "origin",
    /// No sound request for a WebSocket.
    WebSocketHandshake = "websocket_handshake",
    /// A request for a WebSocket with subprotocols that are none, or too many.
    Subprotocols = "subprotocols",
    /// The body of a POST is compressed.
    BodyCoding = "body_coding",
    /// The application refused: a request, or a client in a namespace.
    Forbidden = "forbidden",
    /// The application's id for a session is none, or taken.
    IdGeneration = "id_generation",
    /// There are as many sessions as may be.
    MaxSessions = "max_sessions",
    /// The server lets nobody in any more.
    ShuttingDown = "shutting_down",

    // Sessions.
    /// No pong came in time.
    PingTimeout = "ping_timeout",
    /// A ping or pong that only a server sends.
    HeartbeatDirection = "heartbeat_direction",
    /// What is no packet of Engine.IO, or a payload with too many.
    MalformedPayload = "malformed_payload",
    /// Two GETs or two POSTs of a session at once.
    OverlappingRequest = "overlapping_request",
    /// A POST with a content type that its revision does not have.
    ContentType = "content_type",
    /// The body of a POST is too long.
    BodyTooLarge = "body_too_large",
    /// The body of a POST did not come in time.
    BodyTimeout = "body_timeout",
    /// A POST of an event stream's client out of turn, or acknowledging what was never sent.
    PostMark = "post_mark",
    /// An event stream cannot go on from where it is to.
    NotResumable = "not_resumable",
    /// An event stream was not resumed in time.
    ResumeTimeout = "resume_timeout",
    /// A WebSocket or event stream that failed to become the transport, by what it brought or by time.
    Upgrade = "upgrade",
    /// A WebSocket for a session that has one, or is about to.
    SecondUpgrade = "second_upgrade",

    // WebSockets.
    /// A message too long; closed with 1009.
    MessageTooBig = "message_too_big",
    /// A message in too many fragments; closed with 1008.
    Fragments = "fragments",
    /// A message was not completed in time; closed with 1008.
    MessageTimeout = "message_timeout",
    /// Too many pings, pongs and closes; closed with 1008.
    ControlFlood = "control_flood",
    /// A violation of RFC 6455; closed with 1002.
    WebSocketProtocol = "websocket_protocol",
    /// What is not UTF-8, or does not inflate; closed with 1007.
    InvalidPayload = "invalid_payload",
    /// A closing handshake was not completed in time.
    CloseTimeout = "close_timeout",

    // Namespaces.
    /// No namespace was joined in time.
    ConnectTimeout = "connect_timeout",
    /// Too many namespaces are asked for at once.
    PendingConnects = "pending_connects",
    /// Too many namespaces of one client.
    Namespaces = "namespaces",
    /// Too many dynamic namespaces.
    DynamicNamespaces = "dynamic_namespaces",
    /// A namespace that is not served.
    UnknownNamespace = "unknown_namespace",
    /// Middleware took too long to let a client in.
    AdmissionTimeout = "admission_timeout",
    /// A namespace that is joined, or asked for, already.
    DuplicateConnect = "duplicate_connect",
    /// A packet for a namespace that is not joined.
    NotJoined = "not_joined",
    /// A packet that only a server sends.
    PacketDirection = "packet_direction",

    // Packets.
    /// What is no packet of Socket.IO.
    MalformedPacket = "malformed_packet",
    /// A name that no namespace can have.
    NamespaceName = "namespace_name",
    /// What came with a CONNECT is too large.
    ConnectPayload = "connect_payload",
    /// An event's name is too long.
    EventName = "event_name",
    /// An event's name is reserved.
    ReservedEvent = "reserved_event",
    /// JSON or MessagePack nested too deeply.
    Depth = "depth",
    /// Too many attachments, or a number of them that is none.
    Attachments = "attachments",
    /// The attachments of a packet did not come in time.
    AttachmentsTimeout = "attachments_timeout",
    /// A packet with its attachments is too large.
    PacketTooLarge = "packet_too_large",
    /// A placeholder that stands for no attachment.
    Placeholder = "placeholder",
    /// An acknowledgement id out of range.
    AckId = "ack_id",
    /// An acknowledgement that nobody awaits.
    UnknownAck = "unknown_ack",
    /// The application's middleware refused an event.
    EventRefused = "event_refused",

    // What the application wants for a client.
    /// Too many acknowledgements of a client are awaited.
    AwaitedAcks = "awaited_acks",
    /// Too many rooms of a socket.
    Rooms = "rooms",
    /// A room's name is too long.
    RoomName = "room_name",
    /// A room that is another socket's own.
    ForeignRoom = "foreign_room",
    /// More waits for a client than may.
    OutgoingHardCap = "outgoing_hard_cap",

    // Recovery.
    /// A client that cannot come back to what it left.
    RecoveryRefused = "recovery_refused",
    /// Somebody who might have come back was forgotten for others.
    RecoverySessions = "recovery_sessions",
    /// An event was forgotten for newer ones.
    RecoveryPackets = "recovery_packets",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_all_different_and_fit_to_be_labels() {
        let mut labels: Vec<_> = RejectReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let fits = |label: &&str| {
            label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        assert!(labels.iter().all(fits));
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), RejectReason::ALL.len());
    }
}
