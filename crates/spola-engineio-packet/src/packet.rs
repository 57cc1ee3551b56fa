use alloc::string::String;

use bytes::Buf;
use bytestring::ByteString;

use crate::{base64, message::Message, message::WebSocketMessage};

const PROBE: &str = "probe";

/// Up to this length, looking at UTF-8 once more costs less than a second reference to it, the first
/// of which allocates.
const CHECK_AGAIN: usize = 512;

/// One Engine.IO packet (Engine.IO v4, §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Type 0: the server's first packet, a JSON object (see [`Handshake`](crate::Handshake)).
    Open(ByteString),
    /// Type 1: closes the session. Polling only; a WebSocket is closed by its own Close frame.
    Close,
    /// Type 2: a heartbeat from the server, or with `probe` the first packet of an upgrade.
    Ping {
        /// Whether the packet carries `probe`.
        probe: bool,
    },
    /// Type 3: the answer to a ping.
    Pong {
        /// Whether the packet carries `probe`.
        probe: bool,
    },
    /// Type 4: a message of the application.
    Message(Message),
    /// Type 5: the client moves the session to the transport that carries this packet.
    Upgrade,
    /// Type 6: nothing; it releases a pending poll. Polling only.
    Noop,
}

impl Packet {
    /// Decodes a packet from its text form, the `b` form of binary messages included.
    ///
    /// A message shares the allocation of `text`. Data behind types 1, 2, 3, 5 and 6 is accepted and
    /// dropped, save for `probe` in a ping or pong.
    ///
    /// # Errors
    /// The text is no packet: empty, of an unknown type, or with malformed base64.
    pub fn decode_text(text: ByteString) -> Result<Self, PacketError> {
        if text.len() <= CHECK_AGAIN && text.starts_with('4') {
            return Ok(Self::Message(Message::Text(skip_type(text))));
        }
        Self::decode_slice(&text, &text, usize::MAX)
    }

    /// Decodes a packet from its text form, as [`decode_text`](Self::decode_text) does, out of text
    /// that is lent: a message is copied.
    ///
    /// # Errors
    /// As [`decode_text`](Self::decode_text).
    pub fn decode_str(text: &str) -> Result<Self, PacketError> {
        match text.strip_prefix('4') {
            Some(message) => Ok(Self::Message(Message::Text(message.into()))),
            None => Self::decode_text(text.into()),
        }
    }

    /// Decodes a packet from a WebSocket message: a text message is a packet in text form, a binary
    /// message is the data of a binary message.
    ///
    /// # Errors
    /// As [`Packet::decode_text`]; binary messages never fail.
    pub fn decode(message: WebSocketMessage) -> Result<Self, PacketError> {
        match message {
            WebSocketMessage::Text(text) => Self::decode_text(text),
            WebSocketMessage::Binary(data) => Ok(Self::Message(Message::Binary(data))),
        }
    }

    /// Decodes `piece`, a part of `owner`. A binary message may have at most `max_binary_len` bytes.
    pub(crate) fn decode_slice(
        owner: &ByteString,
        piece: &str,
        max_binary_len: usize,
    ) -> Result<Self, PacketError> {
        let Some(&id) = piece.as_bytes().first() else {
            return Err(PacketError::Empty);
        };
        let data = piece.get(1..).unwrap_or_default();
        match id {
            b'0' => Ok(Self::Open(owner.slice_ref(data))),
            b'1' => Ok(Self::Close),
            b'2' => Ok(Self::Ping { probe: data == PROBE }),
            b'3' => Ok(Self::Pong { probe: data == PROBE }),
            b'4' => Ok(Self::Message(Message::Text(owner.slice_ref(data)))),
            b'5' => Ok(Self::Upgrade),
            b'6' => Ok(Self::Noop),
            b'b' => {
                let data = base64::decode(data, max_binary_len)?;
                Ok(Self::Message(Message::Binary(data)))
            }
            _ => Err(PacketError::UnknownType(id)),
        }
    }

    /// The packet as one WebSocket message.
    ///
    /// A text message and an open packet are copied once, behind their type; nothing else allocates.
    #[must_use]
    pub fn encode(&self) -> WebSocketMessage {
        let text = match self {
            Self::Open(json) => return WebSocketMessage::Text(prefixed('0', json)),
            Self::Message(Message::Text(text)) => {
                return WebSocketMessage::Text(prefixed('4', text));
            }
            Self::Message(Message::Binary(data)) => return WebSocketMessage::Binary(data.clone()),
            Self::Close => "1",
            Self::Ping { probe: false } => "2",
            Self::Ping { probe: true } => "2probe",
            Self::Pong { probe: false } => "3",
            Self::Pong { probe: true } => "3probe",
            Self::Upgrade => "5",
            Self::Noop => "6",
        };
        WebSocketMessage::from_static(text)
    }
}

/// The text behind the packet type, in the same allocation and with the same reference.
fn skip_type(text: ByteString) -> ByteString {
    let mut bytes = text.into_bytes();
    bytes.advance(1);
    // What follows an ASCII character in UTF-8 is UTF-8.
    ByteString::try_from(bytes).unwrap_or_default()
}

pub(crate) fn prefixed(id: char, data: &str) -> ByteString {
    let mut text = String::with_capacity(data.len().saturating_add(1));
    text.push(id);
    text.push_str(data);
    text.into()
}

/// A piece of text that is no Engine.IO packet. A session that receives it closes with the reason
/// `parse error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// No packet type: the text is empty.
    #[error("empty packet")]
    Empty,
    /// The first byte of the text is none of `0`–`6` and `b`.
    #[error("unknown packet type {0:#04x}")]
    UnknownType(u8),
    /// Text behind `b` that is not standard base64 with padding.
    #[error("malformed base64")]
    Base64,
    /// A binary message in base64 that would exceed the limit.
    #[error("binary message exceeds {limit} bytes")]
    BinaryTooLong {
        /// The limit, in decoded bytes.
        limit: usize,
    },
}
