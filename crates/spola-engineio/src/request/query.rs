use memchr::memchr;

use crate::{
    config::Transport,
    revision::Revision,
    server::PostMark,
    sid::{InvalidSid, Sid},
};

/// Parameters that a query may have.
pub const MAX_PARAMETERS: usize = 32;

/// The parameters that are known.
const NAMES: [&[u8]; 9] =
    [b"EIO", b"transport", b"sid", b"b64", b"j", b"sse", b"lastEventId", b"seq", b"ack"];

/// The Engine.IO parameters of a request's query, still percent-encoded.
///
/// Of a parameter that occurs twice, the last value counts (Engine.IO v4, §1.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    eio: Option<&'a [u8]>,
    transport: Option<&'a [u8]>,
    sid: Option<&'a [u8]>,
    b64: Option<&'a [u8]>,
    j: Option<&'a [u8]>,
    sse: Option<&'a [u8]>,
    last_event_id: Option<&'a [u8]>,
    seq: Option<&'a [u8]>,
    ack: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    /// Reads `query`, the part of the request target behind the `?`, as
    /// `application/x-www-form-urlencoded`. Nothing is allocated.
    ///
    /// # Errors
    /// The query has more than [`MAX_PARAMETERS`] parameters.
    pub fn parse(query: &'a str) -> Result<Self, TooManyParameters> {
        let mut parsed = Self::default();
        let (mut rest, mut count) = (query.as_bytes(), 0);
        while !rest.is_empty() {
            let (parameter, behind) = split(rest, memchr(b'&', rest));
            rest = behind;
            if parameter.is_empty() {
                continue;
            }
            count += 1;
            if count > MAX_PARAMETERS {
                return Err(TooManyParameters);
            }
            // Names are short.
            let end = parameter.iter().position(|byte| *byte == b'=');
            let (name, value) = split(parameter, end);
            if let Some(parameter) = parsed.parameter(name) {
                *parameter = Some(value);
            } else if let Some(known) = NAMES.into_iter().find(|known| decodes_to(name, known))
                && let Some(parameter) = parsed.parameter(known)
            {
                *parameter = Some(value);
            }
        }
        Ok(parsed)
    }

    fn parameter(&mut self, name: &[u8]) -> Option<&mut Option<&'a [u8]>> {
        Some(match name {
            b"EIO" => &mut self.eio,
            b"transport" => &mut self.transport,
            b"sid" => &mut self.sid,
            b"b64" => &mut self.b64,
            b"j" => &mut self.j,
            b"sse" => &mut self.sse,
            b"lastEventId" => &mut self.last_event_id,
            b"seq" => &mut self.seq,
            b"ack" => &mut self.ack,
            _ => return None,
        })
    }

    /// The revision: 4 if `EIO` is `4`. Anything else, absence included, is revision 3.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self.eio {
            Some(value) if decodes_to(value, b"4") => Revision::V4,
            _ => Revision::V3,
        }
    }

    /// The transport, if it is one that comes as a query.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let value = self.transport?;
        [Transport::Polling, Transport::WebSocket, Transport::Sse]
            .into_iter()
            .find(|transport| decodes_to(value, transport.as_str().as_bytes()))
    }

    /// The session id. `None` if the parameter is absent or empty: the request opens a session.
    #[must_use]
    pub fn sid(&self) -> Option<Result<Sid, InvalidSid>> {
        let value = self.sid.filter(|value| !value.is_empty())?;
        Some(decode_sid(value).ok_or(InvalidSid))
    }

    /// Whether the client cannot take binary: `b64` has any value that is not empty, even `0`.
    #[must_use]
    pub fn wants_base64(&self) -> bool {
        self.b64.is_some_and(|value| !value.is_empty())
    }

    /// The number of the client's callback, if it asks for JSONP: the digits of `j`, whatever stands
    /// between them.
    #[must_use]
    pub fn jsonp(&self) -> Option<u32> {
        let digits = decode(self.j?).filter(u8::is_ascii_digit);
        let append = |index: u32, digit: u8| {
            index.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        };
        Some(digits.fold(0, append))
    }

    /// Whether the client knows Server-Sent Events as a transport: `sse` has any value that is not
    /// empty.
    #[must_use]
    pub fn knows_sse(&self) -> bool {
        self.sse.is_some_and(|value| !value.is_empty())
    }

    /// The number of the last event that has arrived on a stream, `lastEventId`.
    ///
    /// # Errors
    /// It is no number.
    pub fn last_event_id(&self) -> Result<Option<u64>, NotANumber> {
        number(self.last_event_id)
    }

    /// What a POST of an event stream's client says of itself: `seq` and `ack`.
    ///
    /// # Errors
    /// One of them is no number.
    pub fn post_mark(&self) -> Result<PostMark, NotANumber> {
        Ok(PostMark { seq: number(self.seq)?, ack: number(self.ack)? })
    }
}

/// The number of an event: the value of a `Last-Event-ID` header.
///
/// # Errors
/// It is no number of decimal digits.
pub fn event_id(value: &[u8]) -> Result<u64, NotANumber> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(value).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(NotANumber)
}

fn number(value: Option<&[u8]>) -> Result<Option<u64>, NotANumber> {
    let value = value.filter(|value| !value.is_empty());
    value.map(event_id).transpose()
}

/// What is before and behind a byte; all and nothing, if there is none.
fn split(bytes: &[u8], at: Option<usize>) -> (&[u8], &[u8]) {
    let (before, behind) = bytes.split_at_checked(at.unwrap_or(bytes.len())).unwrap_or_default();
    (before, behind.get(1..).unwrap_or_default())
}

fn decode_sid(value: &[u8]) -> Option<Sid> {
    if let Ok(text) = value.try_into() {
        // What is encoded becomes shorter, or a space.
        return Sid::from_ascii(text);
    }
    let mut bytes = decode(value);
    let mut text = [0; Sid::LEN];
    for slot in &mut text {
        *slot = bytes.next()?;
    }
    if bytes.next().is_some() {
        return None;
    }
    Sid::from_ascii(text)
}

/// `plain` has no space, so only what is longer can be another way to write it.
fn decodes_to(encoded: &[u8], plain: &[u8]) -> bool {
    encoded == plain || (encoded.len() > plain.len() && decode(encoded).eq(plain.iter().copied()))
}

/// Decodes `+` to a space and `%` with two hexadecimal digits to a byte; any other `%` is itself.
fn decode(encoded: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = encoded;
    std::iter::from_fn(move || {
        let (byte, used) = match *rest {
            [] => return None,
            [b'%', high, low, ..] => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            [b'+', ..] => (b' ', 1),
            [byte, ..] => (byte, 1),
        };
        rest = rest.get(used..).unwrap_or_default();
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A query of more than [`MAX_PARAMETERS`] parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query of more than {MAX_PARAMETERS} parameters")]
pub struct TooManyParameters;

/// What should count events or POSTs and is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number of decimal digits")]
pub struct NotANumber;
