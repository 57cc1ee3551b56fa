//! The `b` form of a binary message: standard base64 with padding (§4.3).

use alloc::string::String;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use bytestring::ByteString;

use crate::packet::PacketError;

/// Length of `b` and the base64 of `len` bytes.
pub(crate) const fn encoded_len(len: usize) -> usize {
    len.div_ceil(3).saturating_mul(4).saturating_add(1)
}

/// Appends `b` and the base64 of `data`.
pub(crate) fn encode_to(data: &[u8], out: &mut String) {
    out.push('b');
    encode_bare_to(data, out);
}

/// Appends the base64 of `data`.
pub(crate) fn encode_bare_to(data: &[u8], out: &mut String) {
    STANDARD.encode_string(data, out);
}

pub(crate) fn encode(data: &[u8]) -> ByteString {
    let mut out = String::with_capacity(encoded_len(data.len()));
    encode_to(data, &mut out);
    out.into()
}

/// Decodes what follows the `b`, if it makes at most `limit` bytes.
pub(crate) fn decode(text: &str, limit: usize) -> Result<Bytes, PacketError> {
    let padding = text.bytes().rev().take(2).filter(|&byte| byte == b'=').count();
    let decoded_len = (text.len() / 4 * 3).saturating_sub(padding);
    if decoded_len > limit {
        return Err(PacketError::BinaryTooLong { limit });
    }
    STANDARD.decode(text).map(Bytes::from).map_err(|_| PacketError::Base64)
}
