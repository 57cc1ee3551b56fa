use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;

use crate::base64;

/// An Engine.IO message: what the application sends and receives, without a packet type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message, possibly empty.
    Text(ByteString),
    /// A binary message, possibly empty.
    Binary(Bytes),
}

impl Message {
    /// The bytes of the message.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) => data,
        }
    }
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self::Text(ByteString::from_static(text))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<ByteString> for Message {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

impl From<Vec<u8>> for Message {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(data.into())
    }
}

/// One message of a WebSocket (or of another transport that keeps text and binary apart): the wire
/// form of one [`Packet`](crate::Packet).
///
/// Text is a packet in text form (`4hello`, `2probe`), binary is the data of a binary message
/// without a prefix (Engine.IO v4, §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// A WebSocket text message.
    Text(ByteString),
    /// A WebSocket binary message.
    Binary(Bytes),
}

impl WebSocketMessage {
    /// A text message from a string that lives as long as the program: no allocation.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self::Text(ByteString::from_static(text))
    }

    /// The bytes of the WebSocket message.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) => data,
        }
    }

    /// Length in bytes of the WebSocket message.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the WebSocket message has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// This message in text form: binary data becomes `b` and its base64, text stays as it is.
    ///
    /// For peers that asked for it with `b64` in the query (§1.2, §4.3).
    #[must_use]
    pub fn into_text(self) -> ByteString {
        match self {
            Self::Text(text) => text,
            Self::Binary(data) => base64::encode(&data),
        }
    }

    /// What [`into_text`](Self::into_text) made a text of, as binary again. Any other message stays as
    /// it is.
    #[must_use]
    pub fn into_binary(self) -> Self {
        let decoded = match &self {
            Self::Text(text) => text.strip_prefix('b').map(|data| base64::decode(data, usize::MAX)),
            Self::Binary(_) => None,
        };
        match decoded {
            Some(Ok(data)) => Self::Binary(data),
            Some(Err(_)) | None => self,
        }
    }
}
