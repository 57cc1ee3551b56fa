//! What stands before a packet's payload.

use crate::{AckId, DecodeError, Limits};

/// `type [attachments "-"] [namespace [","]] [id]`, and where the payload begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Above zero for the binary types, zero for the others.
    pub(crate) attachments: usize,
    /// `None` stands for the root, which encoders leave out.
    pub(crate) namespace: Option<Name>,
    pub(crate) ack: Option<AckId>,
    pub(crate) payload_at: usize,
}

/// The wire's types, binary ones folded into their plain twins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// Where a namespace stands in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    start: usize,
    end: usize,
}

impl Name {
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

impl Header {
    pub(crate) fn decode(text: &str, limits: &Limits) -> Result<Self, DecodeError> {
        let bytes = text.as_bytes();
        let (kind, binary) = match bytes.first() {
            Some(b'0') => (Kind::Connect, false),
            Some(b'1') => (Kind::Disconnect, false),
            Some(b'2') => (Kind::Event, false),
            Some(b'3') => (Kind::Ack, false),
            Some(b'4') => (Kind::ConnectError, false),
            Some(b'5') => (Kind::Event, true),
            Some(b'6') => (Kind::Ack, true),
            _ => return Err(DecodeError::UnknownType),
        };
        let mut at = 1;
        let mut attachments = 0;
        if binary {
            attachments = attachment_count(bytes, &mut at, limits)?;
        }
        let namespace = namespace(bytes, &mut at);
        let ack = ack_id(bytes, &mut at)?;
        Ok(Self { kind, attachments, namespace, ack, payload_at: at })
    }
}

fn attachment_count(bytes: &[u8], at: &mut usize, limits: &Limits) -> Result<usize, DecodeError> {
    let start = *at;
    let mut count: u32 = 0;
    while let Some(digit @ b'0'..=b'9') = bytes.get(*at) {
        count = count.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        *at += 1;
    }
    if *at == start || bytes.get(*at) != Some(&b'-') || count == 0 {
        return Err(DecodeError::AttachmentCount);
    }
    if count > limits.max_attachments {
        return Err(DecodeError::TooManyAttachments);
    }
    *at += 1;
    Ok(count as usize)
}

/// A namespace runs from its slash to the next comma, or to the end of the text.
fn namespace(bytes: &[u8], at: &mut usize) -> Option<Name> {
    let start = *at;
    if bytes.get(start) != Some(&b'/') {
        return None;
    }
    let rest = bytes.get(start..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b',').map_or(bytes.len(), |len| start + len);
    *at = (end + 1).min(bytes.len());
    Some(Name { start, end })
}

fn ack_id(bytes: &[u8], at: &mut usize) -> Result<Option<AckId>, DecodeError> {
    let start = *at;
    let mut id: u64 = 0;
    while let Some(digit @ b'0'..=b'9') = bytes.get(*at) {
        id = id.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        *at += 1;
    }
    if *at == start {
        return Ok(None);
    }
    AckId::new(id).map(Some).ok_or(DecodeError::AckId)
}
