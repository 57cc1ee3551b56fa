use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{AckId, EncodeError, Namespace, decoder::MAX_EVENT_NAME, is_reserved_event, ser};

/// A packet as it goes out: one text message, then each attachment as a binary message, with
/// nothing in between. Cloning a packet without attachments costs a reference count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The packet's text, prefix included. Empty in a format without text (a
    /// [`Parser`](crate::Parser)'s): then there is no text message.
    pub text: ByteString,
    /// The attachments, in the order of their numbers.
    pub attachments: Vec<Bytes>,
}

impl Encoded {
    /// The bytes of the text and all attachments together.
    #[must_use]
    pub fn size(&self) -> usize {
        self.attachments.iter().fold(self.text.len(), |sum, bytes| sum.saturating_add(bytes.len()))
    }
}

/// An EVENT straight from its arguments: one pass, one buffer. With an `ack` id it asks for an
/// acknowledgement. A tuple spreads to several arguments, `()` to none, anything else is one.
///
/// Values that serialise as bytes (`bytes::Bytes`) become attachments; `Vec<u8>` is an array of
/// numbers to serde and stays one. NaN and infinities become `null`.
///
/// # Errors
///
/// If the name is reserved or longer than 1024 bytes, or a value has no JSON form.
pub fn encode_event<A: Serialize + ?Sized>(
    prefix: &str,
    namespace: &Namespace,
    ack: Option<AckId>,
    name: &str,
    args: &A,
) -> Result<Encoded, EncodeError> {
    check_event_name(name)?;
    let mut text = head(prefix, '2', namespace, ack, 128);
    let attachments = ser::write_array(&mut text, Some(name), args)?;
    Ok(finish(text, prefix.len(), attachments))
}

/// An ACK straight from its arguments, like [`encode_event`].
///
/// # Errors
///
/// If a value has no JSON form.
pub fn encode_ack<A: Serialize + ?Sized>(
    prefix: &str,
    namespace: &Namespace,
    ack: AckId,
    args: &A,
) -> Result<Encoded, EncodeError> {
    let mut text = head(prefix, '3', namespace, Some(ack), 64);
    let attachments = ser::write_array(&mut text, None, args)?;
    Ok(finish(text, prefix.len(), attachments))
}

/// The server's answer to a CONNECT that it accepts, with the socket's public id and, where a stay
/// can be restored, the secret id to ask for it by (§20.1).
#[must_use]
pub fn encode_connect_reply(
    prefix: &str,
    namespace: &Namespace,
    sid: &str,
    pid: Option<&str>,
) -> Encoded {
    let mut text =
        head(prefix, '0', namespace, None, 16 + sid.len() + pid.map_or(0, |pid| pid.len() + 9));
    write_connect_reply(&mut text, sid, pid);
    finish(text, prefix.len(), Vec::new())
}

/// The server's answer to a CONNECT that it refuses: a message, and data if there is any.
#[must_use]
pub fn encode_connect_error(
    prefix: &str,
    namespace: &Namespace,
    message: &str,
    data: Option<&RawValue>,
) -> Encoded {
    let mut text = head(prefix, '4', namespace, None, message.len() + 32);
    write_connect_error(&mut text, message, data);
    finish(text, prefix.len(), Vec::new())
}

pub(crate) fn write_connect_reply(out: &mut String, sid: &str, pid: Option<&str>) {
    out.push_str(r#"{"sid":"#);
    ser::write_str(out, sid);
    if let Some(pid) = pid {
        out.push_str(r#","pid":"#);
        ser::write_str(out, pid);
    }
    out.push('}');
}

pub(crate) fn write_connect_error(out: &mut String, message: &str, data: Option<&RawValue>) {
    out.push_str(r#"{"message":"#);
    ser::write_str(out, message);
    if let Some(data) = data {
        out.push_str(r#","data":"#);
        out.push_str(data.get());
    }
    out.push('}');
}

pub(crate) fn check_event_name(name: &str) -> Result<(), EncodeError> {
    if is_reserved_event(name) {
        return Err(EncodeError::ReservedEvent);
    }
    if name.len() > MAX_EVENT_NAME {
        return Err(EncodeError::EventNameTooLong(name.len()));
    }
    Ok(())
}

/// A packet whose payload is text already.
pub(crate) fn packet(
    prefix: &str,
    kind: char,
    namespace: &Namespace,
    ack: Option<AckId>,
    payload: &str,
    attachments: &[Bytes],
) -> Encoded {
    let mut text = head(prefix, kind, namespace, ack, payload.len());
    text.push_str(payload);
    finish(text, prefix.len(), attachments.to_vec())
}

/// Everything before the payload, for a packet without attachments.
fn head(
    prefix: &str,
    kind: char,
    namespace: &Namespace,
    ack: Option<AckId>,
    payload: usize,
) -> String {
    let mut text = String::with_capacity(prefix.len() + namespace.len() + 24 + payload);
    text.push_str(prefix);
    text.push(kind);
    if !namespace.is_root() {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(ack) = ack {
        ser::write_unsigned(&mut text, ack.value());
    }
    text
}

/// Turns an EVENT or ACK with attachments into its binary twin. Their number stands before the
/// payload and is known only after it, so it is squeezed in where there are any.
fn finish(mut text: String, kind_at: usize, attachments: Vec<Bytes>) -> Encoded {
    if !attachments.is_empty() {
        let event = text.get(kind_at..).is_some_and(|text| text.starts_with('2'));
        let mut binary = String::from(if event { "5" } else { "6" });
        ser::write_unsigned(&mut binary, attachments.len() as u64);
        binary.push('-');
        text.replace_range(kind_at..=kind_at, &binary);
    }
    Encoded { text: text.into(), attachments }
}
