use bytes::Bytes;
use bytestring::ByteString;

use crate::{message::Message, message::WebSocketMessage, packet::prefixed};

/// A `message` packet in wire form, encoded once and sent to any number of sessions.
///
/// Text starts with the packet type `4`, binary has no prefix. A clone is a reference count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedMessage(WebSocketMessage);

impl EncodedMessage {
    /// Encodes a text message: one copy, behind the packet type.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(WebSocketMessage::Text(prefixed('4', text)))
    }

    /// A binary message. Nothing is copied.
    #[must_use]
    pub const fn binary(data: Bytes) -> Self {
        Self(WebSocketMessage::Binary(data))
    }

    /// Takes text that has the packet type `4` in front already. Nothing is copied.
    ///
    /// # Errors
    /// The text does not start with `4`.
    pub fn from_text(text: ByteString) -> Result<Self, NotAMessage> {
        if text.starts_with('4') {
            Ok(Self(WebSocketMessage::Text(text)))
        } else {
            Err(NotAMessage)
        }
    }

    /// The packet as it goes over a WebSocket.
    #[must_use]
    pub const fn as_wire(&self) -> &WebSocketMessage {
        &self.0
    }

    /// The packet as it goes over a WebSocket.
    #[must_use]
    pub fn into_wire(self) -> WebSocketMessage {
        self.0
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

impl From<EncodedMessage> for WebSocketMessage {
    fn from(message: EncodedMessage) -> Self {
        message.0
    }
}

/// Text given as an encoded message that does not start with the packet type `4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an encoded message starts with the packet type 4")]
pub struct NotAMessage;
