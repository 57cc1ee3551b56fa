use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    Data, DecodeError, JsonError, Namespace, Packet,
    header::{Header, Kind, Name},
    layout::Layout,
    placeholder,
    scan::{self, Scanner},
    string,
};

/// The longest event name, in bytes, that is sent, and by default the longest taken.
pub(crate) const MAX_EVENT_NAME: usize = 1024;

/// What a peer may send. Every default is safe; official peers stay within all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Attachments in one packet; 10 (as official peers have it: raise it on both sides).
    pub max_attachments: u32,
    /// How deep JSON may nest; 128, and no more than that.
    pub max_depth: u8,
    /// Bytes of an event's name; 1024.
    pub max_event_name: u16,
    /// Bytes of the data in a CONNECT; 64 KiB.
    pub max_auth_bytes: u32,
    /// Bytes of a binary packet, its text and attachments together, and of its attachments
    /// counted as often as placeholders name them; 10 000 000.
    pub max_binary_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attachments: 10,
            max_depth: scan::MAX_DEPTH,
            max_event_name: MAX_EVENT_NAME as u16,
            max_auth_bytes: 64 * 1024,
            max_binary_bytes: 10_000_000,
        }
    }
}

/// Decodes the messages of one connection, in the order they came.
///
/// It keeps at most one packet: the binary one whose attachments are still on their way. After
/// an error the connection is to be closed; the decoder itself is empty then, and usable.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    pending: Option<Box<Pending>>,
}

/// A binary packet whose attachments are not complete.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    expected: usize,
    attachments: Vec<Bytes>,
    /// What [`Limits::max_binary_bytes`] has left.
    room: usize,
}

impl Decoder {
    /// A decoder that holds a peer to `limits`.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, pending: None }
    }

    /// Whether attachments are due, so that the next message has to be binary.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Bytes that are kept of the packet whose attachments are due; `None` if none are.
    #[must_use]
    pub fn pending_len(&self) -> Option<usize> {
        let pending = self.pending.as_ref()?;
        Some(self.limits.max_binary_bytes.saturating_sub(pending.room))
    }

    /// The namespace of the packet whose attachments are due.
    #[must_use]
    pub fn pending_namespace(&self) -> Option<&Namespace> {
        self.pending.as_ref().map(|pending| pending.packet.namespace())
    }

    /// Decodes a text message. `None` means that its attachments come next.
    ///
    /// The packet's data shares the text's allocation. A CONNECT is copied out of it, since its
    /// parts are kept for long.
    ///
    /// # Errors
    ///
    /// If the text is no packet, passes a limit, or comes where an attachment was due.
    pub fn decode_text(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError> {
        if self.pending.take().is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        // Most packets: an event of the root namespace that asks for no answer.
        if text.starts_with("2[") {
            let (layout, lone_surrogate) = Layout::of_event(&text, 1, &self.limits)?;
            let data = Data::new(text, layout, lone_surrogate);
            return Ok(Some(Packet::Event { namespace: Namespace::root(), ack: None, data }));
        }
        self.decode_any(text)
    }

    fn decode_any(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError> {
        let header = Header::decode(&text, &self.limits)?;
        let expected = header.attachments;
        let packet = match header.kind {
            Kind::Event => {
                let Header { namespace, ack, payload_at, .. } = header;
                if payload_at >= text.len() {
                    return Err(DecodeError::MissingPayload);
                }
                let namespace = shared(&text, namespace)?;
                let (layout, lone_surrogate) = Layout::of_event(&text, payload_at, &self.limits)?;
                let data = Data::new(text, layout, lone_surrogate);
                Packet::Event { namespace, ack, data }
            }
            Kind::Ack => self.ack(text, &header)?,
            Kind::Connect => self.connect(&text, &header)?,
            Kind::ConnectError => self.connect_error(&text, &header)?,
            Kind::Disconnect if header.payload_at < text.len() => {
                return Err(DecodeError::PayloadKind);
            }
            Kind::Disconnect => Packet::Disconnect { namespace: shared(&text, header.namespace)? },
        };
        if expected == 0 {
            return Ok(Some(packet));
        }
        self.pend(packet, expected)?;
        Ok(None)
    }

    /// Decodes a binary message: the next attachment. `None` means that more are due.
    ///
    /// # Errors
    ///
    /// If no attachment was due, the packet becomes too large, or, once it is complete, a
    /// placeholder in it names no attachment.
    pub fn decode_binary(&mut self, attachment: Bytes) -> Result<Option<Packet>, DecodeError> {
        let mut pending = self.pending.take().ok_or(DecodeError::UnexpectedBinary)?;
        pending.room = pending.room.checked_sub(attachment.len()).ok_or(DecodeError::TooLarge)?;
        pending.attachments.push(attachment);
        if pending.attachments.len() < pending.expected {
            self.pending = Some(pending);
            return Ok(None);
        }
        let Pending { mut packet, attachments, .. } = *pending;
        if let Packet::Event { data, .. } | Packet::Ack { data, .. } = &mut packet {
            placeholder::check(data.json(), &attachments, self.limits.max_binary_bytes)?;
            data.attach(attachments);
        }
        Ok(Some(packet))
    }

    fn pend(&mut self, packet: Packet, expected: usize) -> Result<(), DecodeError> {
        let size = match &packet {
            Packet::Event { data, .. } | Packet::Ack { data, .. } => data.json().len(),
            Packet::Connect { .. } | Packet::ConnectError { .. } | Packet::Disconnect { .. } => 0,
        };
        let room = self.limits.max_binary_bytes.checked_sub(size).ok_or(DecodeError::TooLarge)?;
        let attachments = Vec::new();
        self.pending = Some(Box::new(Pending { packet, expected, attachments, room }));
        Ok(())
    }

    fn ack(&self, text: ByteString, header: &Header) -> Result<Packet, DecodeError> {
        let Header { namespace, ack, payload_at, .. } = *header;
        let ack = ack.ok_or(DecodeError::MissingAckId)?;
        let namespace = shared(&text, namespace)?;
        if payload_at >= text.len() {
            return Ok(Packet::Ack { namespace, ack, data: Data::default() });
        }
        let (layout, lone_surrogate) = Layout::of_ack(&text, payload_at, &self.limits)?;
        let data = Data::new(text, layout, lone_surrogate);
        Ok(Packet::Ack { namespace, ack, data })
    }

    fn connect(&self, text: &str, header: &Header) -> Result<Packet, DecodeError> {
        let namespace =
            header.namespace.map_or(Ok(Namespace::root()), |name| name.of(text).parse())?;
        let payload = text.get(header.payload_at..).unwrap_or_default();
        if payload.is_empty() {
            return Ok(Packet::Connect { namespace, auth: None });
        }
        if payload.len() > self.limits.max_auth_bytes as usize {
            return Err(DecodeError::AuthTooLarge);
        }
        let (kind, auth) = self.document(payload)?;
        if kind != scan::Kind::Object {
            return Err(DecodeError::PayloadKind);
        }
        Ok(Packet::Connect { namespace, auth: Some(auth) })
    }

    /// Without a payload, which no official server leaves out, it reads as `{}`.
    fn connect_error(&self, text: &str, header: &Header) -> Result<Packet, DecodeError> {
        let namespace =
            header.namespace.map_or(Ok(Namespace::root()), |name| name.of(text).parse())?;
        let payload = text.get(header.payload_at..).unwrap_or_default();
        if payload.is_empty() {
            return Ok(Packet::ConnectError { namespace, payload: ByteString::from_static("{}") });
        }
        let (kind, payload) = self.document(payload)?;
        if !matches!(kind, scan::Kind::Object | scan::Kind::String) {
            return Err(DecodeError::PayloadKind);
        }
        Ok(Packet::ConnectError { namespace, payload })
    }

    fn document(&self, json: &str) -> Result<(scan::Kind, ByteString), JsonError> {
        let mut scanner = Scanner::new(json.as_bytes(), self.limits.max_depth);
        let kind = scanner.document(0)?;
        let json = if scanner.lone_surrogate() {
            ByteString::from(string::replace_lone_surrogates(json))
        } else {
            ByteString::from(json)
        };
        Ok((kind, json))
    }
}

/// The packet's namespace as a slice of its text.
fn shared(text: &ByteString, name: Option<Name>) -> Result<Namespace, DecodeError> {
    let Some(name) = name else {
        return Ok(Namespace::root());
    };
    match name.of(text) {
        "/" => Ok(Namespace::root()),
        name => Ok(Namespace::new(text.slice_ref(name))?),
    }
}
