use std::{error, fmt};

use bytes::Bytes;
use bytestring::ByteString;
use spola_frame::{FrameHeader, Opcode, Rsv};

use crate::{Payload, Text, copy};

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

    pub(crate) const fn opcode(&self) -> Opcode {
        match self {
            Self::Text(_) => Opcode::Text,
            Self::Binary(_) => Opcode::Binary,
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

/// A message with its frame encoded once, to be sent by any number of connections.
///
/// A server's connection queues a large frame by reference and copies a small one; a client's has
/// to mask each copy anew, so it gains nothing over [`Connection::send`](crate::Connection::send).
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(crate) opcode: Opcode,
    pub(crate) frame: Bytes,
    pub(crate) header_len: usize,
}

impl Prepared {
    /// Encodes `message` as one frame, copying its payload once.
    #[must_use]
    pub fn new(message: &Message) -> Self {
        let payload = message.as_bytes();
        let header = FrameHeader {
            fin: true,
            rsv: Rsv::NONE,
            opcode: message.opcode(),
            masking_key: None,
            payload_len: payload.len() as u64,
        };
        let mut head = [0; FrameHeader::MAX_LEN];
        let header_len = header.encode(&mut head);
        let mut frame = Vec::with_capacity(header_len + payload.len());
        frame.extend_from_slice(&head[..header_len]);
        copy::append(&mut frame, payload);
        Self { opcode: header.opcode, frame: frame.into(), header_len }
    }

    /// The message's payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.frame.get(self.header_len..).unwrap_or_default()
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
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection is closing or closed",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::InvalidCloseCode => "the close code must not be sent",
        })
    }
}

impl error::Error for SendError {}
