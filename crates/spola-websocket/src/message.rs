use std::{error, fmt};

use bytes::Bytes;
use bytestring::ByteString;
use spola_frame::Opcode;

use crate::{Payload, Text};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

impl Kind {
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// Which part of its message a fragment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// More fragments follow.
    More,
    /// The message ends with this one.
    Last,
}

/// Whether a message is compressed, where permessage-deflate was agreed on. Elsewhere none is.
///
/// A message that holds both a secret and text of somebody else's choice should not be compressed:
/// its length tells how much the two have in common (the CRIME and BREACH attacks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// If it has at least as many bytes as the agreement's threshold.
    #[default]
    Auto,
    /// Not this one.
    Never,
    /// This one, however small.
    Always,
}

/// An owned message, to be sent or kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// The payload's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, moved out.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Whether it is text or binary.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }
}

impl From<ByteString> for Message {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text<'_>> for Message {
    fn from(text: Text<'_>) -> Self {
        Self::Text(text.into_byte_string())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Payload<'_>> for Message {
    fn from(payload: Payload<'_>) -> Self {
        Self::Binary(payload.into_bytes())
    }
}

/// A source of randomness for masking keys (RFC 6455 §5.3, §10.3).
///
/// The bytes must be unpredictable to whoever chooses the payloads: use a cryptographic generator.
pub trait Entropy {
    /// Fills all of `buf`.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, buf: &mut [u8]) {
        self(buf);
    }
}

/// A command that was refused. Nothing was sent, nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close frame has been sent or received, or the connection is over.
    Closed,
    /// A ping of more than 125 bytes or a close reason of more than 123 (RFC 6455 §5.5).
    ControlTooLong,
    /// A close code for reporting only.
    InvalidCloseCode,
    /// A message is being sent in fragments, and this is none of them, or of the other kind.
    Fragmented,
    /// A fragment of a text that cannot be part of one.
    InvalidUtf8,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection is closing or closed",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::InvalidCloseCode => "the close code must not be sent",
            Self::Fragmented => "a fragmented message must be completed first",
            Self::InvalidUtf8 => "the fragments are not UTF-8",
        })
    }
}

impl error::Error for SendError {}
