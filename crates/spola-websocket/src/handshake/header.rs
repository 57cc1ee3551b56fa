use std::{error, fmt};

use super::MAX_HEAD_LEN;

/// Finds the end of a head that arrives in pieces, looking at each byte once.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadEnd {
    scanned: usize,
}

/// A head of more than [`MAX_HEAD_LEN`] bytes.
pub(super) struct TooLong;

impl HeadEnd {
    /// The length of the head at the start of `input`, its empty line included; `None` while it has
    /// not ended. `input` is all that has arrived so far.
    pub(super) fn find(&mut self, input: &[u8]) -> Result<Option<usize>, TooLong> {
        let limit = input.len().min(MAX_HEAD_LEN);
        // Lines end with CR LF or a bare LF. Step back so that an end cut in two is seen.
        let start = self.scanned.saturating_sub(3);
        let fresh = input.get(start..limit).unwrap_or_default();
        for (at, _) in fresh.iter().enumerate().filter(|&(_, &byte)| byte == b'\n') {
            match fresh.get(at + 1..) {
                Some([b'\n', ..]) => return Ok(Some(start + at + 2)),
                Some([b'\r', b'\n', ..]) => return Ok(Some(start + at + 3)),
                _ => {}
            }
        }
        self.scanned = limit;
        if input.len() >= MAX_HEAD_LEN { Err(TooLong) } else { Ok(None) }
    }
}

/// A header line, target or host that must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// A name, or a subprotocol, that is not a token (RFC 9110 §5.6.2).
    InvalidName,
    /// A value with a control character in it, or, for a target or host, a space or non-ASCII.
    InvalidValue,
    /// A field that the handshake writes itself.
    Reserved,
    /// A subprotocol that the client did not offer.
    NotOffered,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidName => "not a token",
            Self::InvalidValue => "a character that the value must not contain",
            Self::Reserved => "a header that the handshake writes itself",
            Self::NotOffered => "a subprotocol that was not offered",
        })
    }
}

impl error::Error for HeaderError {}

/// Appends a header line of the application's, if it can do no harm.
pub(super) fn push_checked(out: &mut String, name: &str, value: &str) -> Result<(), HeaderError> {
    if !is_token(name) {
        return Err(HeaderError::InvalidName);
    }
    if !is_value(value) {
        return Err(HeaderError::InvalidValue);
    }
    let reserved = ["host", "upgrade", "connection", "content-length", "transfer-encoding"];
    let prefix = name.get(.."sec-websocket-".len()).unwrap_or_default();
    if reserved.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
        || prefix.eq_ignore_ascii_case("sec-websocket-")
    {
        return Err(HeaderError::Reserved);
    }
    push(out, name, value);
    Ok(())
}

/// Appends a header line that is known to be sound.
pub(super) fn push(out: &mut String, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.push_str(part);
    }
}

/// Whether a field value is free of control characters (tab excepted).
pub(super) fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'z' | b'|' | b'~')
        || byte.is_ascii_digit()
        || byte.is_ascii_uppercase()
}

/// Whether one of the comma-separated elements of `value` is `token`, whatever its case.
pub(super) fn lists_token(value: &[u8], token: &str) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|element| element.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// The only value of the header called `name`; `Err` if there are several, `Ok(None)` if none.
pub(super) fn only<'h>(
    headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    name: &str,
) -> Result<Option<&'h [u8]>, ()> {
    let mut values = all(headers, name);
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// Every value of the header called `name`, in order.
pub(super) fn all<'h>(
    headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    name: &str,
) -> impl Iterator<Item = &'h [u8]> {
    headers.filter_map(move |(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}
