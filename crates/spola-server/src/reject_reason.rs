//! Why the server turns something of a client's down: what it counts by.

use spola_engineio::request::{Context, ErrorCode, Refusal};
use spola_engineio::server::{Fault, PollResponse, PostOutcome};
use spola_socketio::server::{CloseReason, Declined, Violation};
use spola_socketio_packet::{DecodeError, JsonError};
use spola_websocket::handshake::server::Rejection;

use crate::rooms::JoinError;

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
    /// A request's head did not come in time, or a connection was idle for too long.
    HeadTimeout = "head_timeout",
    /// A request's head with too many bytes or fields.
    HeadTooLarge = "head_too_large",
    /// What is no HTTP request, or one without exactly one host.
    MalformedHttp = "malformed_http",
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

impl RejectReason {
    /// Why a session ended, if its namespaces were not just told of it.
    pub(crate) fn of_close(reason: CloseReason) -> Option<Self> {
        match reason {
            CloseReason::Malformed(error) => Some(error.into()),
            CloseReason::Violation(violation) => Some(violation.into()),
            CloseReason::ConnectTimeout => Some(Self::ConnectTimeout),
            CloseReason::BinaryTimeout => Some(Self::AttachmentsTimeout),
            CloseReason::Transport(_) | CloseReason::Command | _ => None,
        }
    }

    /// Why a WebSocket was closed, if its client was to blame.
    pub(crate) fn of_websocket(reason: &spola_websocket::CloseReason) -> Option<Self> {
        use spola_websocket::CloseReason;

        match reason {
            CloseReason::Violation(violation) => Some((*violation).into()),
            CloseReason::CloseTimeout => Some(Self::CloseTimeout),
            CloseReason::Peer(_)
            | CloseReason::Local(_)
            | CloseReason::Eof
            | CloseReason::PongTimeout
            | CloseReason::IdleTimeout
            | _ => None,
        }
    }

    /// Why a GET got no packets. (That two overlap, the session's end tells.)
    pub(crate) fn of_poll(response: &PollResponse) -> Option<Self> {
        match response {
            PollResponse::Refused(code) => Some(Self::of_late_request(*code)),
            PollResponse::Payload(_) | PollResponse::Stream | PollResponse::BadRequest | _ => None,
        }
    }

    /// Why a POST was not taken in. (What closes the session, its end tells.)
    pub(crate) fn of_post(outcome: PostOutcome) -> Option<Self> {
        match outcome {
            PostOutcome::TooLarge => Some(Self::BodyTooLarge),
            PostOutcome::Refused(code) => Some(Self::of_late_request(code)),
            PostOutcome::Ok | PostOutcome::BadRequest | PostOutcome::Abort | _ => None,
        }
    }

    /// Why a socket may not join a room, if it is not gone.
    pub(crate) fn of_join(error: JoinError) -> Option<Self> {
        match error {
            JoinError::TooManyRooms => Some(Self::Rooms),
            JoinError::NameTooLong => Some(Self::RoomName),
            JoinError::ForeignId => Some(Self::ForeignRoom),
            JoinError::Disconnected => None,
        }
    }

    /// A request that passed the checks, but came too late for its session.
    const fn of_late_request(code: ErrorCode) -> Self {
        match code {
            ErrorCode::SessionUnknown => Self::UnknownSession,
            ErrorCode::TransportUnknown
            | ErrorCode::BadHandshakeMethod
            | ErrorCode::BadRequest
            | ErrorCode::Forbidden
            | ErrorCode::UnsupportedProtocolVersion => Self::TransportMismatch,
        }
    }
}

impl From<&Refusal> for RejectReason {
    fn from(refusal: &Refusal) -> Self {
        match refusal.context() {
            Context::TooManyParameters => Self::QueryParameters,
            Context::TransportUnknown => Self::UnknownTransport,
            Context::InvalidOrigin | Context::OriginNotAllowed => Self::Origin,
            Context::SessionUnknown => Self::UnknownSession,
            Context::ProtocolMismatch { .. } => Self::RevisionMismatch,
            Context::BadHandshakeMethod(_) => Self::Method,
            Context::NotANumber => Self::MalformedNumber,
            Context::Forbidden | Context::Middleware => Self::Forbidden,
            Context::IdGeneration => Self::IdGeneration,
            Context::UnsupportedProtocolVersion => Self::UnsupportedRevision,
            Context::TransportMismatch { .. } | Context::TransportHandshake | _ => {
                Self::TransportMismatch
            }
        }
    }
}

impl From<Rejection> for RejectReason {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::HeadTooLong | Rejection::TooManyHeaders => Self::HeadTooLarge,
            Rejection::TargetTooLong => Self::TargetTooLong,
            Rejection::Protocols => Self::Subprotocols,
            Rejection::Malformed
            | Rejection::Method
            | Rejection::HttpVersion
            | Rejection::Host
            | Rejection::Body
            | Rejection::Upgrade
            | Rejection::WebSocketVersion
            | Rejection::Key
            | Rejection::Extensions
            | Rejection::Connect
            | Rejection::ConnectProtocol
            | _ => Self::WebSocketHandshake,
        }
    }
}

impl From<Fault> for RejectReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::OverlappingRequest => Self::OverlappingRequest,
            Fault::ContentType => Self::ContentType,
            Fault::HeartbeatDirection => Self::HeartbeatDirection,
            Fault::PingTimeout => Self::PingTimeout,
            Fault::PostMark => Self::PostMark,
            Fault::NotResumable => Self::NotResumable,
            Fault::ResumeTimeout => Self::ResumeTimeout,
            Fault::Malformed | _ => Self::MalformedPayload,
        }
    }
}

impl From<spola_websocket::Violation> for RejectReason {
    fn from(violation: spola_websocket::Violation) -> Self {
        use spola_websocket::Violation;

        match violation {
            Violation::MessageTooBig => Self::MessageTooBig,
            Violation::TooManyFragments => Self::Fragments,
            Violation::MessageTimeout => Self::MessageTimeout,
            Violation::ControlFlood => Self::ControlFlood,
            Violation::InvalidUtf8 | Violation::Inflate => Self::InvalidPayload,
            Violation::Frame(_)
            | Violation::ReservedBits
            | Violation::Masking
            | Violation::UnexpectedContinuation
            | Violation::ExpectedContinuation
            | Violation::CloseBody
            | Violation::CloseCode(_)
            | _ => Self::WebSocketProtocol,
        }
    }
}

impl From<Violation> for RejectReason {
    fn from(violation: Violation) -> Self {
        match violation {
            Violation::DuplicateConnect => Self::DuplicateConnect,
            Violation::ConnectErrorFromClient => Self::PacketDirection,
            Violation::NotJoined | _ => Self::NotJoined,
        }
    }
}

impl From<Declined> for RejectReason {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::PendingConnects => Self::PendingConnects,
            Declined::Namespaces => Self::Namespaces,
            Declined::UnknownAck | _ => Self::UnknownAck,
        }
    }
}

impl From<DecodeError> for RejectReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::AttachmentCount | DecodeError::TooManyAttachments => Self::Attachments,
            DecodeError::Namespace(_) => Self::NamespaceName,
            DecodeError::AckId => Self::AckId,
            DecodeError::Json(JsonError::TooDeep) => Self::Depth,
            DecodeError::ReservedEvent => Self::ReservedEvent,
            DecodeError::EventNameTooLong => Self::EventName,
            DecodeError::AuthTooLarge => Self::ConnectPayload,
            DecodeError::TooLarge => Self::PacketTooLarge,
            DecodeError::Placeholder => Self::Placeholder,
            DecodeError::Malformed
            | DecodeError::UnknownType
            | DecodeError::MissingNamespace
            | DecodeError::MissingAckId
            | DecodeError::MissingPayload
            | DecodeError::Json(_)
            | DecodeError::PayloadKind
            | DecodeError::UnexpectedText
            | DecodeError::UnexpectedBinary
            | _ => Self::MalformedPacket,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_all_different_and_fit_to_be_labels() {
        let mut labels: Vec<_> = RejectReason::ALL.iter().map(|reason| reason.as_str()).collect();
        let fits =
            |label: &&str| label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(labels.iter().all(fits));
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), RejectReason::ALL.len());
    }
}
