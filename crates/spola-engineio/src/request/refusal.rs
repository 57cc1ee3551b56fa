use std::fmt::Write;

use bytestring::ByteString;

use super::verify::Method;
use crate::{config::Transport, revision::Revision};

/// The HTTP status of every refused WebSocket upgrade, whatever its code (Engine.IO v4, §3.2).
pub const UPGRADE_REFUSAL_STATUS: u16 = 400;

/// The error codes of Engine.IO (§3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ErrorCode {
    /// 0: the transport is none of those offered.
    TransportUnknown = 0,
    /// 1: no session has the id.
    SessionUnknown = 1,
    /// 2: a session is opened by a method other than GET.
    BadHandshakeMethod = 2,
    /// 3: the request does not fit its session, or is malformed.
    BadRequest = 3,
    /// 4: the application refused.
    Forbidden = 4,
    /// 5: the revision is not served.
    UnsupportedProtocolVersion = 5,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The official message of the code.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionUnknown => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedProtocolVersion => "Unsupported protocol version",
        }
    }

    /// The HTTP status of a plain request with this error.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::TransportUnknown
            | Self::SessionUnknown
            | Self::BadHandshakeMethod
            | Self::BadRequest
            | Self::UnsupportedProtocolVersion => 400,
        }
    }

    /// The body, `application/json`, of the answer to a plain request with this error.
    #[must_use]
    pub fn json_body(self) -> ByteString {
        json_body(self, self.message())
    }
}

/// What was wrong with a refused request: for the server's log, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Context {
    /// The query has too many parameters.
    TooManyParameters,
    /// The transport is unknown or not offered.
    TransportUnknown,
    /// The `Origin` header has characters that no header may have.
    InvalidOrigin,
    /// The id is none of a session, or no id at all.
    SessionUnknown,
    /// The request names another transport than the session's, and is no upgrade.
    TransportMismatch {
        /// What the request names.
        requested: Transport,
        /// What the session uses.
        current: Transport,
    },
    /// The request has another revision than the session.
    ProtocolMismatch {
        /// What the request names.
        requested: Revision,
        /// What the session speaks.
        current: Revision,
    },
    /// A session cannot be opened by this method.
    BadHandshakeMethod(Method),
    /// The transport is WebSocket without an upgrade request, or polling with one.
    TransportHandshake,
    /// A number of an event or of a POST is none.
    NotANumber,
    /// The application refused.
    Forbidden,
    /// The request comes from a page of an origin that is not let in.
    OriginNotAllowed,
    /// A middleware of the server refused.
    Middleware,
    /// The application gave the new session an id that is none, or is taken.
    IdGeneration,
    /// Revision 3, which is not [allowed](crate::Config::allow_eio3).
    UnsupportedProtocolVersion,
}

impl Context {
    /// The code that the client is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::TransportUnknown => ErrorCode::TransportUnknown,
            Self::SessionUnknown => ErrorCode::SessionUnknown,
            Self::BadHandshakeMethod(_) => ErrorCode::BadHandshakeMethod,
            Self::Forbidden | Self::OriginNotAllowed => ErrorCode::Forbidden,
            Self::UnsupportedProtocolVersion => ErrorCode::UnsupportedProtocolVersion,
            Self::TooManyParameters
            | Self::InvalidOrigin
            | Self::TransportMismatch { .. }
            | Self::ProtocolMismatch { .. }
            | Self::TransportHandshake
            | Self::NotANumber
            | Self::Middleware
            | Self::IdGeneration => ErrorCode::BadRequest,
        }
    }

    /// A short name for logs and counters; the official one where there is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooManyParameters => "TOO_MANY_PARAMETERS",
            Self::TransportUnknown => "TRANSPORT_UNKNOWN",
            Self::InvalidOrigin => "INVALID_ORIGIN",
            Self::SessionUnknown => "SESSION_UNKNOWN",
            Self::TransportMismatch { .. } => "TRANSPORT_MISMATCH",
            Self::ProtocolMismatch { .. } => "PROTOCOL_MISMATCH",
            Self::BadHandshakeMethod(_) => "BAD_HANDSHAKE_METHOD",
            Self::TransportHandshake => "TRANSPORT_HANDSHAKE_ERROR",
            Self::NotANumber => "NOT_A_NUMBER",
            Self::Forbidden => "FORBIDDEN",
            Self::OriginNotAllowed => "ORIGIN_NOT_ALLOWED",
            Self::Middleware => "MIDDLEWARE_FAILURE",
            Self::IdGeneration => "ID_GENERATION_ERROR",
            Self::UnsupportedProtocolVersion => "UNSUPPORTED_PROTOCOL_VERSION",
        }
    }
}

/// A request that is answered with an error and touches no session (Engine.IO v4, §3.2).
///
/// A plain request gets [`status`](Self::status) with [`json_body`](Self::json_body) as
/// `application/json`. A WebSocket upgrade gets no 101, but [`UPGRADE_REFUSAL_STATUS`] with the bare
/// [`message`](Self::message) as `text/html`, and `Connection: close`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Refusal {
    context: Context,
    message: Option<ByteString>,
}

impl Refusal {
    /// A refusal with the code's official message.
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context, message: None }
    }

    /// A refusal by the application, code 4, with a message of its own.
    #[must_use]
    pub const fn forbidden(message: ByteString) -> Self {
        Self { context: Context::Forbidden, message: Some(message) }
    }

    /// The error code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.context.code()
    }

    /// What was wrong.
    #[must_use]
    pub const fn context(&self) -> Context {
        self.context
    }

    /// The HTTP status for a plain request: 403 for code 4, else 400.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code().status()
    }

    /// The message: the whole body for an upgrade request.
    #[must_use]
    pub fn message(&self) -> &str {
        match &self.message {
            Some(message) => message,
            None => self.code().message(),
        }
    }

    /// The JSON body for a plain request.
    #[must_use]
    pub fn json_body(&self) -> ByteString {
        json_body(self.code(), self.message())
    }
}

fn json_body(code: ErrorCode, message: &str) -> ByteString {
    let mut json = String::with_capacity(message.len().saturating_add(26));
    // Writing into a `String` cannot fail.
    let _ = write!(json, r#"{{"code":{},"message":""#, code.as_u8());
    for c in message.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            _ => json.push(c),
        }
    }
    json.push_str("\"}");
    json.into()
}
