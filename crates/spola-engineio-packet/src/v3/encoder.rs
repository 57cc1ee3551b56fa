use alloc::{string::String, vec::Vec};
use core::fmt::Write as _;

use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{MESSAGE, is_base64, text_len, text_to};
use crate::message::WebSocketMessage;

/// The decimal digits of the largest length, and what stands around them.
const MAX_HEAD: usize = 22;

/// Joins packets into a text payload (§11.2): the length of each in UTF-16 code units, a colon, and its
/// text form. Binary data goes as base64. `0:` stands for no packet at all.
#[must_use]
pub fn encode_text(packets: &[WebSocketMessage]) -> ByteString {
    if packets.is_empty() {
        return ByteString::from_static("0:");
    }
    let mut body = String::with_capacity(room_for(packets));
    for packet in packets {
        let len = match packet {
            WebSocketMessage::Text(text) if !is_base64(text) => utf16_len(text),
            WebSocketMessage::Text(_) | WebSocketMessage::Binary(_) => text_len(packet),
        };
        // Writing into a `String` cannot fail.
        let _ = write!(body, "{len}:");
        text_to(packet, &mut body);
    }
    body.into()
}

/// Joins packets into a binary payload (§11.3). The official server does so where the client takes
/// binary and one of the packets is; the body's type is `application/octet-stream`.
#[must_use]
pub fn encode_binary(packets: &[WebSocketMessage]) -> Bytes {
    let mut body = Vec::with_capacity(room_for(packets));
    for packet in packets {
        match packet {
            WebSocketMessage::Text(text) => {
                body.push(0);
                push_digits(&mut body, text.len());
                body.extend_from_slice(text.as_bytes());
            }
            WebSocketMessage::Binary(data) => {
                body.push(1);
                push_digits(&mut body, data.len().saturating_add(1));
                body.push(MESSAGE);
                body.extend_from_slice(data);
            }
        }
    }
    body.into()
}

/// The most bytes that `packet` takes in a payload of either kind.
#[must_use]
pub fn max_packet_len(packet: &WebSocketMessage) -> usize {
    text_len(packet).saturating_add(MAX_HEAD)
}

fn room_for(packets: &[WebSocketMessage]) -> usize {
    packets.iter().map(max_packet_len).fold(0, usize::saturating_add)
}

/// The decimal length, a byte of the digit's value for each, and the end of it.
fn push_digits(body: &mut Vec<u8>, len: usize) {
    let mut digits = [0; 20];
    let mut rest = len;
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = (rest % 10) as u8;
        first = at;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    body.extend_from_slice(digits.get(first..).unwrap_or_default());
    body.push(0xff);
}

fn utf16_len(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}
