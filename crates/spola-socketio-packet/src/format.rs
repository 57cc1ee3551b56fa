use alloc::{boxed::Box, string::String, sync::Arc};
use core::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    AckId, Data, DecodeError, Decoder, EncodeError, Encoded, Limits, Namespace, Packet, encode,
    encode_ack, encode_connect_error, encode_connect_reply, encode_event,
};

/// A packet format in place of the default one, of text and attachments. Both ends have to use
/// it; nothing on the wire tells which it is.
///
/// What is sent arrives here as a [`Packet`], whose arguments are JSON and attachments; what is
/// decoded leaves as one. So handlers, typed arguments and [`Value`](crate::Value)s are the same
/// in every format.
pub trait Parser: fmt::Debug + Send + Sync {
    /// Puts a packet into messages. `prefix` goes in front of the text message if there is one
    /// (and has nothing to do with the binary ones): `"4"` above Engine.IO.
    fn encode(&self, prefix: &str, packet: &Packet) -> Encoded;

    /// A decoder for the messages of one connection, which holds the peer to `limits` as far as
    /// they have a meaning in this format.
    fn decoder(&self, limits: Limits) -> Box<dyn Decode>;
}

/// The decoder of a [`Parser`]: gets every message of one connection, in the order they came.
///
/// After an error the connection is closed and the decoder dropped.
pub trait Decode: fmt::Debug + Send {
    /// Decodes a text message, without the prefix. `None` means that the packet goes on.
    ///
    /// # Errors
    ///
    /// If the message is no packet, or none that is allowed.
    fn decode_text(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError>;

    /// Decodes a binary message. `None` means that the packet goes on.
    ///
    /// # Errors
    ///
    /// If the message is no packet, or none that is allowed.
    fn decode_binary(&mut self, data: Bytes) -> Result<Option<Packet>, DecodeError>;

    /// Bytes that are kept of a packet that goes on; `None` if none does, as is always so where each
    /// message is a packet.
    fn pending_len(&self) -> Option<usize> {
        None
    }

    /// The namespace of a packet that goes on, if it is known by now: so a packet for a namespace
    /// that is not joined is refused before the rest of it is kept.
    fn pending_namespace(&self) -> Option<&Namespace> {
        None
    }
}

/// Which format packets have: the default, or that of a [`Parser`]. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Format(Option<Arc<dyn Parser>>);

impl Format {
    /// Text and attachments, which every client speaks unless told otherwise.
    pub const TEXT: Self = Self(None);

    /// The format of a parser.
    #[must_use]
    pub fn of(parser: impl Parser + 'static) -> Self {
        Self(Some(Arc::new(parser)))
    }

    /// Whether this is the default.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        self.0.is_none()
    }

    /// A decoder for the messages of one connection.
    #[must_use]
    pub fn decoder(&self, limits: Limits) -> FormatDecoder {
        match &self.0 {
            None => FormatDecoder::Text(Decoder::new(limits)),
            Some(parser) => FormatDecoder::Other(parser.decoder(limits)),
        }
    }

    /// Encodes a packet.
    #[must_use]
    pub fn encode(&self, prefix: &str, packet: &Packet) -> Encoded {
        match &self.0 {
            None => packet.encode(prefix),
            Some(parser) => parser.encode(prefix, packet),
        }
    }

    /// An EVENT from its arguments: see [`encode_event`].
    ///
    /// # Errors
    ///
    /// Those of [`encode_event`].
    pub fn encode_event<A: Serialize + ?Sized>(
        &self,
        prefix: &str,
        namespace: &Namespace,
        ack: Option<AckId>,
        name: &str,
        args: &A,
    ) -> Result<Encoded, EncodeError> {
        let Some(parser) = &self.0 else {
            return encode_event(prefix, namespace, ack, name, args);
        };
        let data = Data::event(name, args)?;
        Ok(parser.encode(prefix, &Packet::Event { namespace: namespace.clone(), ack, data }))
    }

    /// An ACK from its arguments: see [`encode_ack`].
    ///
    /// # Errors
    ///
    /// Those of [`encode_ack`].
    pub fn encode_ack<A: Serialize + ?Sized>(
        &self,
        prefix: &str,
        namespace: &Namespace,
        ack: AckId,
        args: &A,
    ) -> Result<Encoded, EncodeError> {
        let Some(parser) = &self.0 else {
            return encode_ack(prefix, namespace, ack, args);
        };
        let data = Data::ack(args)?;
        Ok(parser.encode(prefix, &Packet::Ack { namespace: namespace.clone(), ack, data }))
    }

    /// An EVENT or an ACK from its data: see [`Data::encode`].
    #[must_use]
    pub fn encode_data(
        &self,
        prefix: &str,
        namespace: &Namespace,
        ack: Option<AckId>,
        data: &Data,
    ) -> Encoded {
        let Some(parser) = &self.0 else {
            return data.encode(prefix, namespace, ack);
        };
        let (namespace, data) = (namespace.clone(), data.clone());
        let packet = if data.is_event() {
            Packet::Event { namespace, ack, data }
        } else {
            Packet::Ack { namespace, ack: ack.unwrap_or(AckId::from(0)), data }
        };
        parser.encode(prefix, &packet)
    }

    /// The answer to a CONNECT: see [`encode_connect_reply`].
    #[must_use]
    pub fn encode_connect_reply(
        &self,
        prefix: &str,
        namespace: &Namespace,
        sid: &str,
        pid: Option<&str>,
    ) -> Encoded {
        let Some(parser) = &self.0 else {
            return encode_connect_reply(prefix, namespace, sid, pid);
        };
        let mut auth = String::new();
        encode::write_connect_reply(&mut auth, sid, pid);
        let (namespace, auth) = (namespace.clone(), Some(auth.into()));
        parser.encode(prefix, &Packet::Connect { namespace, auth })
    }

    /// The refusal of a CONNECT: see [`encode_connect_error`].
    #[must_use]
    pub fn encode_connect_error(
        &self,
        prefix: &str,
        namespace: &Namespace,
        message: &str,
        data: Option<&RawValue>,
    ) -> Encoded {
        let Some(parser) = &self.0 else {
            return encode_connect_error(prefix, namespace, message, data);
        };
        let mut payload = String::new();
        encode::write_connect_error(&mut payload, message, data);
        let (namespace, payload) = (namespace.clone(), payload.into());
        parser.encode(prefix, &Packet::ConnectError { namespace, payload })
    }
}

/// The decoder of one connection, in its format.
#[derive(Debug)]
pub enum FormatDecoder {
    /// Text and attachments.
    Text(Decoder),
    /// A parser's own.
    Other(Box<dyn Decode>),
}

impl FormatDecoder {
    /// Decodes a text message. `None` means that the packet goes on.
    ///
    /// # Errors
    ///
    /// If the message is no packet, passes a limit, or comes where it must not.
    pub fn decode_text(&mut self, text: ByteString) -> Result<Option<Packet>, DecodeError> {
        match self {
            Self::Text(decoder) => decoder.decode_text(text),
            Self::Other(decoder) => decoder.decode_text(text),
        }
    }

    /// Decodes a binary message. `None` means that the packet goes on.
    ///
    /// # Errors
    ///
    /// If the message is no packet or part of one, passes a limit, or comes where it must not.
    pub fn decode_binary(&mut self, data: Bytes) -> Result<Option<Packet>, DecodeError> {
        match self {
            Self::Text(decoder) => decoder.decode_binary(data),
            Self::Other(decoder) => decoder.decode_binary(data),
        }
    }

    /// Bytes that are kept of a packet that goes on; `None` if none does.
    #[must_use]
    pub fn pending_len(&self) -> Option<usize> {
        match self {
            Self::Text(decoder) => decoder.pending_len(),
            Self::Other(decoder) => decoder.pending_len(),
        }
    }

    /// The namespace of a packet that goes on, if it is known.
    #[must_use]
    pub fn pending_namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Text(decoder) => decoder.pending_namespace(),
            Self::Other(decoder) => decoder.pending_namespace(),
        }
    }
}

/// One of the default format, with nothing pending.
impl Default for FormatDecoder {
    fn default() -> Self {
        Self::Text(Decoder::default())
    }
}
