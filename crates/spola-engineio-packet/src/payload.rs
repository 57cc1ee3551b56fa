//! Several packets in one polling body: text forms joined by U+001E (Engine.IO v4, §4.4).

use alloc::string::String;

use bytestring::ByteString;
use memchr::memchr;

use crate::{
    base64,
    message::WebSocketMessage,
    packet::{Packet, PacketError},
};

/// The separator between two packets of a payload, U+001E. It cannot be escaped.
pub const SEPARATOR: char = '\u{1e}';

/// Packets that one payload may hold unless told otherwise.
pub const MAX_PACKETS: usize = 65_536;

/// Decodes a payload packet by packet.
///
/// It stops at the first bad piece, which is its last item; the packets before it have been handed out
/// by then. An empty body and a trailing separator hold an empty packet, which is bad. Messages share
/// the allocation of the body.
#[derive(Clone, Debug)]
pub struct Decoder {
    body: ByteString,
    // Where the next piece starts; `None` behind the last piece or the first bad one.
    next: Option<usize>,
    packets_left: usize,
    max_packets: usize,
    max_binary_len: usize,
}

impl Decoder {
    /// A decoder of `body` with the limit of [`MAX_PACKETS`].
    #[must_use]
    pub const fn new(body: ByteString) -> Self {
        Self {
            body,
            next: Some(0),
            packets_left: MAX_PACKETS,
            max_packets: MAX_PACKETS,
            max_binary_len: usize::MAX,
        }
    }

    /// Sets the number of packets that the payload may hold.
    #[must_use]
    pub const fn max_packets(mut self, limit: usize) -> Self {
        self.packets_left = limit;
        self.max_packets = limit;
        self
    }

    /// Sets the number of bytes that a binary message may have, once decoded from base64. Unlimited by
    /// default, since it is always less than what it was encoded to.
    #[must_use]
    pub const fn max_binary_len(mut self, limit: usize) -> Self {
        self.max_binary_len = limit;
        self
    }

    fn decode_next(&mut self, start: usize) -> Result<Packet, PayloadError> {
        let Some(left) = self.packets_left.checked_sub(1) else {
            return Err(PayloadError::TooManyPackets { limit: self.max_packets });
        };
        self.packets_left = left;
        let rest = self.body.get(start..).unwrap_or_default();
        let (piece, next) = match memchr(SEPARATOR as u8, rest.as_bytes()) {
            Some(end) => (rest.get(..end).unwrap_or_default(), Some(start + end + 1)),
            None => (rest, None),
        };
        let packet = Packet::decode_slice(&self.body, piece, self.max_binary_len)?;
        self.next = next;
        Ok(packet)
    }
}

impl Iterator for Decoder {
    type Item = Result<Packet, PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        Some(self.decode_next(start))
    }
}

impl core::iter::FusedIterator for Decoder {}

/// Joins packets into a payload.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    // Empty means no packet yet, since no packet is empty.
    body: String,
}

impl Encoder {
    /// An encoder without packets.
    #[must_use]
    pub const fn new() -> Self {
        Self { body: String::new() }
    }

    /// An encoder with room for `len` bytes: the sum of [`packet_len`] over the packets and one byte
    /// for each separator.
    #[must_use]
    pub fn with_capacity(len: usize) -> Self {
        Self { body: String::with_capacity(len) }
    }

    /// Appends one packet; binary data as base64.
    ///
    /// # Errors
    /// The packet is text with the separator in it. The payload is as before.
    pub fn push(&mut self, packet: &WebSocketMessage) -> Result<(), SeparatorInText> {
        check(packet)?;
        if !self.body.is_empty() {
            self.body.push(SEPARATOR);
        }
        match packet {
            WebSocketMessage::Text(text) => self.body.push_str(text),
            WebSocketMessage::Binary(data) => base64::encode_to(data, &mut self.body),
        }
        Ok(())
    }

    /// Bytes of the payload so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether no packet was appended yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The payload: the body of a POST or of the response to a GET. Without packets it is empty, which
    /// no decoder accepts.
    #[must_use]
    pub fn finish(self) -> ByteString {
        self.body.into()
    }
}

/// Bytes that `packet` takes in a payload, without separators.
#[must_use]
pub fn packet_len(packet: &WebSocketMessage) -> usize {
    match packet {
        WebSocketMessage::Text(text) => text.len(),
        WebSocketMessage::Binary(data) => base64::encoded_len(data.len()),
    }
}

/// Checks that `packet` can go into a payload.
///
/// # Errors
/// The packet is text with the separator in it.
pub fn check(packet: &WebSocketMessage) -> Result<(), SeparatorInText> {
    match packet {
        // Base64 has none.
        WebSocketMessage::Text(text)
            if !text.starts_with('b') && memchr(SEPARATOR as u8, text.as_bytes()).is_some() =>
        {
            Err(SeparatorInText)
        }
        WebSocketMessage::Text(_) | WebSocketMessage::Binary(_) => Ok(()),
    }
}

/// A text message with U+001E in it, which no payload can carry. JSON has `\u001e` for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("text with U+001E in it cannot be sent over polling")]
pub struct SeparatorInText;

/// A payload that breaks off: a bad packet, or one packet too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// A piece that is no packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// More packets than the limit.
    #[error("payload of more than {limit} packets")]
    TooManyPackets {
        /// The limit.
        limit: usize,
    },
}
