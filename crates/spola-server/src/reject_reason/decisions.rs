//! From what the layers decide to the reason that is counted.

use spola_engineio::request::{Context, ErrorCode, Refusal};
use spola_engineio::server::{Fault, PollResponse, PostOutcome};
use spola_socketio::server::{CloseReason, Declined, Violation};
use spola_socketio_packet::{DecodeError, JsonError};
use spola_websocket::handshake::server::Rejection;

use super::RejectReason;
use crate::rooms::JoinError;

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
