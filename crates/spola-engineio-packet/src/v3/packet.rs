use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    base64,
    message::{Message, WebSocketMessage},
    packet::{Packet, PacketError},
};

/// The type of a message, as the byte in front of binary data.
pub(super) const MESSAGE: u8 = 4;

/// Decodes a packet from a WebSocket message: a text message is a packet in text form, a binary
/// message is the packet's type as a byte and its data (§11.1).
///
/// # Errors
/// The message is no packet. The official server ignores a *binary* one that is empty or of an
/// unknown type.
pub fn decode(message: WebSocketMessage) -> Result<Packet, PacketError> {
    match message {
        WebSocketMessage::Text(text) => decode_text(text),
        WebSocketMessage::Binary(data) => decode_binary(data),
    }
}

/// Decodes a packet from its text form, the base64 form included.
///
/// As [`Packet::decode_text`], but for `b`, behind which the type's digit comes before the base64.
///
/// # Errors
/// The text is no packet.
pub fn decode_text(text: ByteString) -> Result<Packet, PacketError> {
    decode_slice(&text, &text)
}

/// Decodes `piece`, a part of `owner`.
pub(super) fn decode_slice(owner: &ByteString, piece: &str) -> Result<Packet, PacketError> {
    let Some(typed) = piece.strip_prefix('b') else {
        return Packet::decode_slice(owner, piece, usize::MAX);
    };
    let &digit = typed.as_bytes().first().ok_or(PacketError::Empty)?;
    let base64 = typed.strip_prefix(|digit| matches!(digit, '0'..='6'));
    let base64 = base64.ok_or(PacketError::UnknownType(digit))?;
    of_type(digit, base64::decode(base64, usize::MAX)?)
}

pub(super) fn decode_binary(mut data: Bytes) -> Result<Packet, PacketError> {
    let Some(&id) = data.first() else {
        return Err(PacketError::Empty);
    };
    let digit = id.checked_add(b'0').ok_or(PacketError::UnknownType(id))?;
    of_type(digit, data.split_off(1)).map_err(|_| PacketError::UnknownType(id))
}

/// The packet of the type with this digit. Only a message has binary data; that of others is dropped.
fn of_type(digit: u8, data: Bytes) -> Result<Packet, PacketError> {
    match digit {
        b'0' => Ok(Packet::Open(ByteString::new())),
        b'1' => Ok(Packet::Close),
        b'2' => Ok(Packet::Ping { probe: false }),
        b'3' => Ok(Packet::Pong { probe: false }),
        b'4' => Ok(Packet::Message(Message::Binary(data))),
        b'5' => Ok(Packet::Upgrade),
        b'6' => Ok(Packet::Noop),
        _ => Err(PacketError::UnknownType(digit)),
    }
}

/// A packet as one WebSocket message of revision 3. Text is the same; binary is copied behind its
/// type.
#[must_use]
pub fn encode(packet: WebSocketMessage) -> WebSocketMessage {
    match packet {
        WebSocketMessage::Text(text) => WebSocketMessage::Text(text),
        WebSocketMessage::Binary(data) => {
            let mut typed = Vec::with_capacity(data.len().saturating_add(1));
            typed.push(MESSAGE);
            typed.extend_from_slice(&data);
            WebSocketMessage::Binary(typed.into())
        }
    }
}

/// A packet in the text form of revision 3, for peers that take no binary: binary becomes `b4` and
/// its base64, which is copied where the packet has it already.
#[must_use]
pub fn into_text(packet: WebSocketMessage) -> ByteString {
    match packet {
        WebSocketMessage::Text(text) if !is_base64(&text) => text,
        packet @ (WebSocketMessage::Text(_) | WebSocketMessage::Binary(_)) => {
            let mut text = String::with_capacity(text_len(&packet));
            text_to(&packet, &mut text);
            text.into()
        }
    }
}

/// Length of the text form.
pub(super) fn text_len(packet: &WebSocketMessage) -> usize {
    match packet {
        WebSocketMessage::Text(text) => text.len().saturating_add(usize::from(is_base64(text))),
        WebSocketMessage::Binary(data) => base64::encoded_len(data.len()).saturating_add(1),
    }
}

/// Appends the text form.
pub(super) fn text_to(packet: &WebSocketMessage, out: &mut String) {
    match packet {
        WebSocketMessage::Text(text) => match text.strip_prefix('b') {
            Some(base64) => {
                out.push_str("b4");
                out.push_str(base64);
            }
            None => out.push_str(text),
        },
        WebSocketMessage::Binary(data) => {
            out.push_str("b4");
            base64::encode_bare_to(data, out);
        }
    }
}

/// Whether a text is that of a binary message, in revision 4.
pub(super) fn is_base64(text: &str) -> bool {
    text.starts_with('b')
}
