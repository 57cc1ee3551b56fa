use bytes::Bytes;
use spola_engineio_packet::{Message, WebSocketMessage};

use crate::request::ErrorCode;

/// The caller's name for one HTTP request of a session. Two requests in progress never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// How binary messages go over a WebSocket, and over polling in revision 3; polling in revision 4 has
/// base64 alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryMode {
    /// As they are.
    #[default]
    Native,
    /// As text, in base64: the client asked for it with `b64` in the query.
    Base64,
}

/// How a session opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// By this GET, whose response is the open packet.
    Polling(RequestId),
    /// By a WebSocket whose 101 went out.
    WebSocket,
    /// By this GET, whose response is the event stream.
    Sse(RequestId),
}

/// What a POST of an event stream's client says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostMark {
    /// Its number, `seq` in the query: 1 for the first POST, and 1 more for each.
    ///
    /// A POST with a number may be repeated when its fate is not known: it is taken in once. Without
    /// one, the rules are those of polling.
    pub seq: Option<u64>,
    /// The number of the last event that has arrived, `ack` in the query.
    pub ack: Option<u64>,
}

/// How a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebSocketEnd {
    /// By a Close frame, or because the connection is gone.
    Closed,
    /// By a violation of RFC 6455 or of a limit: malformed frames, invalid UTF-8, a message too long.
    Failed,
}

/// Something for the driver to write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transmit {
    /// Answer a GET.
    PollResponse {
        /// The GET.
        id: RequestId,
        /// The answer.
        response: PollResponse,
    },
    /// Answer a POST.
    PostResponse {
        /// The POST.
        id: RequestId,
        /// The answer.
        outcome: PostOutcome,
    },
    /// Send this over the event stream that a GET was answered with.
    StreamData {
        /// The GET.
        id: RequestId,
        /// Whole events or comments.
        data: Bytes,
    },
    /// End the event stream of a GET, after all the data before. It is the session's no more.
    EndStream {
        /// The GET.
        id: RequestId,
    },
    /// Send a message over the session's WebSocket.
    WebSocketMessage(WebSocketMessage),
    /// The same, not to be compressed (§18.5).
    Uncompressed(WebSocketMessage),
    /// Send a Close frame without a status, after all the messages before, and end the WebSocket. It is
    /// the session's no more: nothing that happens to it is to be handed in.
    CloseWebSocket,
}

/// The answer to a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PollResponse {
    /// 200 with this payload.
    Payload(Payload),
    /// 200 with a body as `text/event-stream` that is to come, by [`Transmit::StreamData`].
    Stream,
    /// 400 with an empty body: the GET overlaps another (§5.4).
    BadRequest,
    /// The code's status and JSON body: the session closed, or moved to another transport, while the
    /// GET was on its way; or the GET asked for an event stream that cannot be.
    Refused(ErrorCode),
}

/// Packets for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload {
    /// The body.
    pub body: Bytes,
    /// Whether it goes as `application/octet-stream`, which is so in revision 3 with binary in it, or as
    /// `text/plain; charset=UTF-8`.
    pub binary: bool,
    /// Whether it may be compressed: not if each message in it asked for that (§18.5).
    pub compress: bool,
}

/// The answer to a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostOutcome {
    /// 200 with the body `ok` as `text/html`. Also after a parse error.
    Ok,
    /// 400 with an empty body: the POST overlaps another, or has a binary content type.
    BadRequest,
    /// 413 with an empty body: the body exceeds the limit. Nothing of it was delivered.
    TooLarge,
    /// No answer: close the connection. The session closed while the body was on its way.
    Abort,
    /// The code's status and JSON body: the session closed, or moved to another transport, before the
    /// POST came.
    Refused(ErrorCode),
}

/// Something that happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The session is open. Always the first event.
    Opened,
    /// A message from the client.
    Message(Message),
    /// The session moved from polling to its WebSocket or event stream.
    Upgraded,
    /// The session is closed. Always the last event.
    Closed(CloseReason),
}

/// Why a session closed (Engine.IO v4, §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client closed, or the connection is gone.
    TransportClose,
    /// The client broke the rules of the transport.
    TransportError,
    /// No pong came in time, or in revision 3 no ping.
    PingTimeout,
    /// The client sent what is no packet.
    ParseError,
    /// The server closed.
    ForcedClose,
}

impl CloseReason {
    /// The official words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
        }
    }
}

/// What a client did, or did not, that closed its session: closer than the [`CloseReason`] that it
/// leads to, and for the server alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A GET or POST came while another was in progress (§5.4).
    OverlappingRequest,
    /// A POST with a content type that its revision does not have.
    ContentType,
    /// What is no packet, or a payload beyond its limits.
    Malformed,
    /// A ping or pong that only a server sends.
    HeartbeatDirection,
    /// No pong came in time, or in revision 3 no ping.
    PingTimeout,
    /// A POST of an event stream's client that is out of turn, or acknowledges what was never sent.
    PostMark,
    /// An event stream is to go on from where the session cannot.
    NotResumable,
    /// Nobody resumed an event stream in time.
    ResumeTimeout,
}

impl Fault {
    /// What the session's end is called for it.
    #[must_use]
    pub const fn close_reason(self) -> CloseReason {
        match self {
            Self::OverlappingRequest
            | Self::ContentType
            | Self::HeartbeatDirection
            | Self::PostMark
            | Self::NotResumable => CloseReason::TransportError,
            Self::Malformed => CloseReason::ParseError,
            Self::PingTimeout => CloseReason::PingTimeout,
            Self::ResumeTimeout => CloseReason::TransportClose,
        }
    }
}

/// Why a message cannot be sent. The session is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session is closing or closed.
    #[error("the session is closed")]
    Closed,
    /// The queue is at its hard cap, [`max_queued_bytes`](crate::Config::max_queued_bytes) or
    /// [`max_queued_packets`](crate::Config::max_queued_packets).
    #[error("the session's queue is full")]
    Full,
    /// The session polls, and the text has U+001E in it, which no payload can carry (§4.4).
    #[error("text with U+001E in it cannot be sent over polling")]
    Separator,
}

/// A WebSocket that came for an upgrade when the session could take none: it is upgrading, upgraded or
/// closed. Send it a Close frame without a status; the session is untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session takes no WebSocket now")]
pub struct UpgradeRefused;
