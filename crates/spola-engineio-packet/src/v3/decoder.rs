use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{decode_binary, decode_slice};
use crate::{
    packet::{Packet, PacketError},
    payload::MAX_PACKETS,
};

/// The digits that a length may have.
const MAX_DIGITS: usize = 10;

/// Decodes a payload of revision 3 packet by packet (§§11.2–11.4).
///
/// It stops at the first bad piece, which is its last item; the packets before it have been handed out
/// by then. Lengths are digits alone, at most ten, and every packet has to be there in full: nothing is
/// reserved for what a length announces. Messages share the allocation of the body.
#[derive(Clone, Debug)]
pub struct Decoder {
    body: Body,
    // Where the next packet starts; `None` behind the last one or the first bad one.
    next: Option<usize>,
    packets_left: usize,
    max_packets: usize,
}

#[derive(Clone, Debug)]
enum Body {
    Text(ByteString),
    Binary(Bytes),
}

/// A packet, unless its length is 0, and where the next one starts.
type Piece = (Option<Packet>, usize);

impl Decoder {
    /// A decoder of a text payload with the limit of [`MAX_PACKETS`].
    ///
    /// An empty body is bad; a packet of the length 0 is none, and skipped.
    #[must_use]
    pub const fn text(body: ByteString) -> Self {
        Self::new(Body::Text(body))
    }

    /// A decoder of a binary payload, which came as `application/octet-stream`, with the limit of
    /// [`MAX_PACKETS`]. An empty body has no packets.
    #[must_use]
    pub const fn binary(body: Bytes) -> Self {
        Self::new(Body::Binary(body))
    }

    const fn new(body: Body) -> Self {
        Self { body, next: Some(0), packets_left: MAX_PACKETS, max_packets: MAX_PACKETS }
    }

    /// Sets the number of packets that the payload may hold.
    #[must_use]
    pub const fn max_packets(mut self, limit: usize) -> Self {
        self.packets_left = limit;
        self.max_packets = limit;
        self
    }

    fn decode_next(&mut self, start: usize) -> Option<Result<Packet, PayloadError>> {
        let mut at = start;
        loop {
            let piece = match &self.body {
                Body::Text(body) if at >= body.len() && at > 0 => return None,
                Body::Binary(body) if at >= body.len() => return None,
                Body::Text(body) => decode_text_piece(body, at),
                Body::Binary(body) => decode_binary_piece(body, at),
            };
            match piece {
                Ok((None, next)) => at = next,
                Ok((Some(packet), next)) => {
                    self.next = Some(next);
                    return Some(self.count().map(|()| packet));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn count(&mut self) -> Result<(), PayloadError> {
        match self.packets_left.checked_sub(1) {
            Some(left) => self.packets_left = left,
            None => {
                self.next = None;
                return Err(PayloadError::TooManyPackets { limit: self.max_packets });
            }
        }
        Ok(())
    }
}

impl Iterator for Decoder {
    type Item = Result<Packet, PayloadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next.take()?;
        self.decode_next(start)
    }
}

impl core::iter::FusedIterator for Decoder {}

fn decode_text_piece(body: &ByteString, at: usize) -> Result<Piece, PayloadError> {
    let rest = body.get(at..).unwrap_or_default();
    let (units, head) = decode_len(rest.as_bytes(), b'0', b':')?;
    let rest = rest.get(head..).unwrap_or_default();
    let len = utf16_prefix(rest, units).ok_or(PayloadError::Truncated)?;
    let packet = match rest.get(..len).unwrap_or_default() {
        "" => None,
        piece => Some(decode_slice(body, piece)?),
    };
    Ok((packet, at + head + len))
}

fn decode_binary_piece(body: &Bytes, at: usize) -> Result<Piece, PayloadError> {
    let rest = body.get(at..).unwrap_or_default();
    let (kind, rest) = rest.split_first().ok_or(PayloadError::Truncated)?;
    let (len, head) = decode_len(rest, 0, 0xff)?;
    let piece = rest.get(head..).unwrap_or_default().get(..len).ok_or(PayloadError::Truncated)?;
    let piece = body.slice_ref(piece);
    let packet = match kind {
        0 => {
            let text = ByteString::try_from(piece).map_err(|_| PayloadError::Utf8)?;
            decode_slice(&text, &text)?
        }
        1 => decode_binary(piece)?,
        _ => return Err(PayloadError::Kind(*kind)),
    };
    Ok((Some(packet), at + 1 + head + len))
}

/// Reads a decimal length, the digit 0 being the byte `zero`, up to the byte that ends it. Returns the
/// length, and how many bytes it took with its end.
fn decode_len(bytes: &[u8], zero: u8, end: u8) -> Result<(usize, usize), PayloadError> {
    let head = bytes.get(..=MAX_DIGITS).unwrap_or(bytes);
    let digits = head.iter().position(|&byte| byte == end).ok_or(PayloadError::Length)?;
    let digits = head.get(..digits).filter(|digits| !digits.is_empty());
    let mut len: u64 = 0;
    let digits = digits.ok_or(PayloadError::Length)?;
    for byte in digits {
        let digit = byte.checked_sub(zero).filter(|digit| *digit < 10);
        // Ten digits are far from what 64 bits hold.
        len = len * 10 + u64::from(digit.ok_or(PayloadError::Length)?);
    }
    let len = usize::try_from(len).map_err(|_| PayloadError::Truncated)?;
    Ok((len, digits.len() + 1))
}

/// How many bytes the first `units` UTF-16 code units of `text` take; `None` if there are fewer, or if
/// the last of them is half a character.
fn utf16_prefix(text: &str, units: usize) -> Option<usize> {
    // No character has more code units than bytes.
    if text.as_bytes().get(..units)?.is_ascii() {
        return Some(units);
    }
    let mut left = units;
    for (at, character) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

/// A payload of revision 3 that breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// What should be a length is not one to ten decimal digits and their end.
    #[error("malformed length")]
    Length,
    /// A packet of which less is there than its length says, or half a character at its end.
    #[error("truncated packet")]
    Truncated,
    /// The byte in front of a binary payload's packet is neither 0 for text nor 1 for binary.
    #[error("unknown kind of packet {0:#04x}")]
    Kind(u8),
    /// A text packet of a binary payload that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
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
