//! Messages that are lent out of the read buffer, beside what answers them.

use bytes::Bytes;
use bytestring::ByteString;
use spola_websocket::{
    CloseCode, Compression, Connection, Kind, Message, Part, Payload, Prepared, SendError, Text,
};

use crate::Runtime;

/// A message: lent out of the read buffer where it lies whole in it, or owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// Text.
    Text(Text<'a>),
    /// Bytes.
    Binary(Payload<'a>),
}

impl Received<'_> {
    /// The message to keep: a copy of what was lent.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text.into_byte_string()),
            Self::Binary(payload) => Message::Binary(payload.into_bytes()),
        }
    }
}

impl From<Message> for Received<'_> {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(Text::Owned(text)),
            Message::Binary(payload) => Self::Binary(Payload::Owned(payload)),
        }
    }
}

impl<'a> From<&'a str> for Received<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Text::Borrowed(text))
    }
}

impl<'a> From<&'a [u8]> for Received<'a> {
    fn from(payload: &'a [u8]) -> Self {
        Self::Binary(Payload::Borrowed(payload))
    }
}

macro_rules! from_owned {
    ($($owned:ty),*) => {$(
        impl From<$owned> for Received<'_> {
            fn from(payload: $owned) -> Self {
                Message::from(payload).into()
            }
        }
    )*};
}

from_owned!(String, ByteString, Vec<u8>, Bytes);

impl<'a> From<Text<'a>> for Received<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Payload<'a>> for Received<'a> {
    fn from(payload: Payload<'a>) -> Self {
        Self::Binary(payload)
    }
}

/// Sends answers while a received message is lent. They are written together, when the next message
/// is asked for and no more has come, or by [`flush`](super::WebSocket::flush).
pub struct Replies<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) runtime: &'a dyn Runtime,
}

impl Replies<'_> {
    /// Sends a message, be it the one received: what is lent is copied once, what is owned is moved.
    ///
    /// # Errors
    /// If the connection is closing, or inside a message that
    /// [`send_fragment`](Self::send_fragment) has begun.
    #[inline]
    pub fn send<'m>(&mut self, message: impl Into<Received<'m>>) -> Result<(), SendError> {
        match message.into() {
            Received::Text(Text::Borrowed(text)) => self.connection.send_text(text),
            Received::Text(Text::Owned(text)) => self.connection.send(Message::Text(text)),
            Received::Binary(Payload::Borrowed(payload)) => self.connection.send_binary(payload),
            Received::Binary(Payload::Owned(payload)) => {
                self.connection.send(Message::Binary(payload))
            }
        }
    }

    /// Sends a message, compressed or not as is asked for.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_with(
        &mut self,
        message: impl Into<Message>,
        compression: Compression,
    ) -> Result<(), SendError> {
        self.connection.send_with(message.into(), compression)
    }

    /// Sends a text, copying it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.connection.send_text(text)
    }

    /// Sends bytes, copying them.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.connection.send_binary(payload)
    }

    /// Sends a message that was encoded before, for many.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.connection.send_prepared(prepared)
    }

    /// Sends a fragment; see [`WebSocket::send_fragment`](super::WebSocket::send_fragment).
    ///
    /// # Errors
    /// If the connection is closing, or the fragment does not continue the message begun.
    pub fn send_fragment(
        &mut self,
        kind: Kind,
        fragment: &[u8],
        part: Part,
    ) -> Result<(), SendError> {
        self.connection.send_fragment(kind, fragment, part)
    }

    /// Sends a ping with up to 125 bytes.
    ///
    /// # Errors
    /// If the payload is longer, or the connection is closing.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.connection.ping(payload)
    }

    /// Queues a Close frame; nothing can be sent afterwards, and further messages are still
    /// received.
    ///
    /// # Errors
    /// If the code may not be sent, the reason is longer than 123 bytes, or the connection is
    /// closing already.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.connection.close(self.runtime.now(), code, reason)
    }

    /// Bytes that were sent and not yet written.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }
}
