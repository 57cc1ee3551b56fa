use bytes::Bytes;
use bytestring::ByteString;

use crate::{message::Message, message::WebSocketMessage, packet::prefixed};

/// A `message` packet in wire form, encoded once and sent to any number of sessions.
///
/// Text starts with the packet type `4`, binary has no prefix, or goes as text with the prefix `b`. A
/// clone is a reference count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedMessage {
    wire: WebSocketMessage,
    compress: bool,
}

impl EncodedMessage {
    /// Encodes a text message: one copy, behind the packet type.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::from_wire(WebSocketMessage::Text(prefixed('4', text)))
    }

    /// A binary message. Nothing is copied.
    #[must_use]
    pub const fn binary(data: Bytes) -> Self {
        Self::from_wire(WebSocketMessage::Binary(data))
    }

    /// Takes text that has the packet type `4` in front already. Nothing is copied.
    ///
    /// # Errors
    /// The text does not start with `4`.
    pub fn from_text(text: ByteString) -> Result<Self, NotAMessage> {
        if text.starts_with('4') {
            Ok(Self::from_wire(WebSocketMessage::Text(text)))
        } else {
            Err(NotAMessage)
        }
    }

    /// The message as text: binary becomes `b` and its base64, made here once for any number of sessions
    /// that write binary so. Text stays as it is.
    #[must_use]
    pub fn into_text(self) -> Self {
        Self { wire: WebSocketMessage::Text(self.wire.into_text()), ..self }
    }

    /// What [`into_text`](Self::into_text) made a text of, as binary again.
    #[must_use]
    pub fn into_binary(self) -> Self {
        Self { wire: self.wire.into_binary(), ..self }
    }

    /// Says whether the layers below may compress it, where they compress at all (§18.5). Unless told,
    /// they may.
    #[must_use]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Whether the layers below may compress it.
    #[must_use]
    pub const fn may_compress(&self) -> bool {
        self.compress
    }

    /// Bytes of the packet in the form that it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wire.len()
    }

    /// Whether the packet has no bytes, as only a binary one can.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    /// The packet as it goes over a WebSocket.
    #[must_use]
    pub const fn as_wire(&self) -> &WebSocketMessage {
        &self.wire
    }

    /// The packet as it goes over a WebSocket.
    #[must_use]
    pub fn into_wire(self) -> WebSocketMessage {
        self.wire
    }

    /// Takes what is in wire form already: a message, or a packet that is to be queued like one.
    #[must_use]
    pub const fn from_wire(wire: WebSocketMessage) -> Self {
        Self { wire, compress: true }
    }
}

impl From<Message> for EncodedMessage {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::text(&text),
            Message::Binary(data) => Self::binary(data),
        }
    }
}

/// The message without its packet type, in the same allocation.
impl From<EncodedMessage> for Message {
    fn from(message: EncodedMessage) -> Self {
        match message.wire.into_binary() {
            WebSocketMessage::Text(text) => {
                let data = text.get(1..).unwrap_or_default();
                Self::Text(text.slice_ref(data))
            }
            WebSocketMessage::Binary(data) => Self::Binary(data),
        }
    }
}

impl From<EncodedMessage> for WebSocketMessage {
    fn from(message: EncodedMessage) -> Self {
        message.wire
    }
}

/// Text given as an encoded message that does not start with the packet type `4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an encoded message starts with the packet type 4")]
pub struct NotAMessage;
