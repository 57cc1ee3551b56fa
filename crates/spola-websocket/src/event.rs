use std::{error, fmt, ops::Deref};

use bytes::Bytes;
use bytestring::ByteString;
use spola_frame::{CloseCode, FrameError};

use crate::{Kind, copy};

/// What a connection tells its user.
///
/// Payloads borrow the input they arrived in where they can; `into_*` detaches them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(Text<'a>),
    /// A whole binary message.
    Binary(Payload<'a>),
    /// A Pong frame, asked for or not. (Pings are answered by the connection itself.)
    Pong(Payload<'a>),
    /// The connection is over: once, and last. What is left in the output still wants to be written.
    Closed(CloseReason),
}

/// What a connection tells a user who reads messages as they arrive, with
/// [`poll_chunk`](crate::Connection::poll_chunk).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkEvent<'a> {
    /// The next part of a message.
    Chunk(Chunk<'a>),
    /// As [`Event::Pong`].
    Pong(Payload<'a>),
    /// As [`Event::Closed`].
    Closed(CloseReason),
}

/// Part of a message: unmasked, inflated, and of a text checked as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// What the message is.
    pub kind: Kind,
    /// The bytes, at most as many as were read at once, or 64 KiB of a compressed message. A
    /// character of a text may be cut between two chunks.
    pub data: Payload<'a>,
    /// Whether a message begins here.
    pub first: bool,
    /// Whether it ends here. Such a chunk may be empty.
    pub last: bool,
}

impl<'a> Chunk<'a> {
    pub(crate) fn whole_text(text: Text<'a>) -> Self {
        let data = match text {
            Text::Borrowed(text) => Payload::Borrowed(text.as_bytes()),
            Text::Owned(text) => Payload::Owned(text.into_bytes()),
        };
        Self { kind: Kind::Text, data, first: true, last: true }
    }

    pub(crate) fn whole_binary(data: Payload<'a>) -> Self {
        Self { kind: Kind::Binary, data, first: true, last: true }
    }
}

/// The payload of a message: lent out of the input, or owned when it came in pieces.
#[derive(Clone, Debug)]
pub enum Payload<'a> {
    /// Part of the input, unmasked in place.
    Borrowed(&'a [u8]),
    /// A buffer of its own.
    Owned(Bytes),
}

impl Payload<'_> {
    /// Detaches the payload from the input: copies what was lent, moves what is owned.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => copy::to_bytes(bytes),
            Self::Owned(bytes) => bytes,
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Payload<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload<'_> {}

/// The payload of a text message, checked to be UTF-8: lent out of the input, or owned.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// Part of the input, unmasked in place.
    Borrowed(&'a str),
    /// A buffer of its own.
    Owned(ByteString),
}

impl Text<'_> {
    /// Detaches the text from the input: copies what was lent, moves what is owned.
    #[must_use]
    pub fn into_byte_string(self) -> ByteString {
        match self {
            Self::Borrowed(text) => copy::to_byte_string(text),
            Self::Owned(text) => text,
        }
    }
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

/// The body of a Close frame (RFC 6455 §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseFrame {
    /// The status, if the frame held one.
    pub code: Option<CloseCode>,
    /// The reason, at most 123 bytes, often empty.
    pub reason: ByteString,
}

impl CloseFrame {
    /// Decodes the body of a Close frame.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Violation> {
        let Some((code, reason)) = body.split_first_chunk() else {
            return if body.is_empty() { Ok(Self::default()) } else { Err(Violation::CloseBody) };
        };
        let code = u16::from_be_bytes(*code);
        let code = CloseCode::new(code).ok_or(Violation::CloseCode(code))?;
        let reason = str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
        Ok(Self { code: Some(code), reason: reason.into() })
    }
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer closed; here is its frame.
    Peer(CloseFrame),
    /// We closed, and the peer answered with this frame.
    Local(CloseFrame),
    /// The peer broke a rule or a limit, and was sent a Close frame with the fitting code.
    Violation(Violation),
    /// The transport ended without a Close frame from the peer.
    Eof,
    /// The peer did not answer our Close frame in time.
    CloseTimeout,
    /// The peer stayed silent after a keep-alive ping.
    PongTimeout,
    /// No message passed in [`idle_timeout`](crate::Config::idle_timeout).
    IdleTimeout,
}

impl CloseReason {
    /// The status to report for the connection (RFC 6455 §7.1.5): the peer's; 1005 if its frame
    /// held none; 1006 if there was no frame; ours after a violation.
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Peer(frame) | Self::Local(frame) => frame.code.unwrap_or(CloseCode::NO_STATUS),
            Self::Violation(violation) => violation.close_code(),
            Self::Eof | Self::CloseTimeout | Self::PongTimeout => CloseCode::ABNORMAL,
            Self::IdleTimeout => CloseCode::GOING_AWAY,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(_) => write!(f, "closed by the peer: {}", self.close_code()),
            Self::Local(_) => write!(f, "closed here: {}", self.close_code()),
            Self::Violation(violation) => write!(f, "closed after a violation: {violation}"),
            Self::Eof => f.write_str("the transport ended without a closing handshake"),
            Self::CloseTimeout => f.write_str("the peer did not answer the Close frame in time"),
            Self::PongTimeout => f.write_str("the peer did not answer a ping in time"),
            Self::IdleTimeout => f.write_str("no message passed for too long"),
        }
    }
}

/// A rule of RFC 6455, or a limit of [`Config`](crate::Config), that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A frame header that is never allowed.
    Frame(FrameError),
    /// Reserved bits that no extension gave a meaning there (§5.2, RFC 7692 §6).
    ReservedBits,
    /// A client's frame without a mask, or a server's with one (§5.1).
    Masking,
    /// A continuation without a message to continue (§5.4).
    UnexpectedContinuation,
    /// A new message before the fragmented one has ended (§5.4).
    ExpectedContinuation,
    /// A Close frame with a body of one byte (§5.5.1).
    CloseBody,
    /// A Close frame with a status that must not be sent (§7.4).
    CloseCode(u16),
    /// A text message or close reason that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A compressed message that does not inflate (RFC 7692 §6.2).
    Inflate,
    /// [`max_message_size`](crate::Config::max_message_size) exceeded.
    MessageTooBig,
    /// [`max_fragments`](crate::Config::max_fragments) exceeded.
    TooManyFragments,
    /// [`message_timeout`](crate::Config::message_timeout) exceeded.
    MessageTimeout,
    /// [`control_frames_per_second`](crate::Config::control_frames_per_second) and its burst
    /// exceeded.
    ControlFlood,
}

impl Violation {
    /// The status the peer is sent for it.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Frame(_)
            | Self::ReservedBits
            | Self::Masking
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::CloseBody
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 | Self::Inflate => CloseCode::INVALID_PAYLOAD,
            Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments | Self::MessageTimeout | Self::ControlFlood => {
                CloseCode::POLICY_VIOLATION
            }
        }
    }
}

impl From<FrameError> for Violation {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Frame(error) => return error.fmt(f),
            Self::CloseCode(code) => return write!(f, "close code {code} must not be sent"),
            Self::ReservedBits => "reserved bits that no extension allows here",
            Self::Masking => "frame masked the wrong way for its sender",
            Self::UnexpectedContinuation => "continuation without a message",
            Self::ExpectedContinuation => "new message inside a fragmented one",
            Self::CloseBody => "Close frame with a body of one byte",
            Self::InvalidUtf8 => "text that is not UTF-8",
            Self::Inflate => "compressed message that does not inflate",
            Self::MessageTooBig => "message too big",
            Self::TooManyFragments => "message in too many fragments",
            Self::MessageTimeout => "message not completed in time",
            Self::ControlFlood => "too many control frames",
        };
        f.write_str(text)
    }
}

impl error::Error for Violation {}
