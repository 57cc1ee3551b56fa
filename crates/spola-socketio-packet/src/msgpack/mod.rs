//! Packets in MessagePack: what `socket.io-msgpack-parser` speaks.
//!
//! A packet is one binary message, a map of `type`, `data`, `nsp` and `id`. Its data passes
//! through JSON and attachments on its way to types, and on its way out: handlers see the same
//! [`Data`](crate::Data) as in the text format, and only one reader and one writer know types.

mod date;
mod decode;
mod read;
mod to_json;
mod to_msgpack;
mod write;

use alloc::{boxed::Box, vec, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;

use crate::{AckId, Decode, DecodeError, Encoded, Limits, Namespace, Packet, Parser};

/// The packet format of `socket.io-msgpack-parser`: one binary message for each packet, with
/// binary values in place.
///
/// What JSON has no word for arrives as in the text format: `undefined` as null, or in an object
/// not at all; dates as ISO strings; infinities and NaN as null. Attachments are not counted; the
/// JSON that a packet amounts to has at most [`Limits::max_binary_bytes`] with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessagePack;

impl Parser for MessagePack {
    fn encode(&self, _: &str, packet: &Packet) -> Encoded {
        let message = encode(packet).into();
        Encoded { text: ByteString::new(), attachments: vec![message] }
    }

    fn decoder(&self, limits: Limits) -> Box<dyn Decode> {
        Box::new(Decoder { limits })
    }
}

/// Every message is a packet, so nothing is kept between two.
#[derive(Debug)]
struct Decoder {
    limits: Limits,
}

impl Decode for Decoder {
    fn decode_text(&mut self, _: ByteString) -> Result<Option<Packet>, DecodeError> {
        Err(DecodeError::UnexpectedText)
    }

    fn decode_binary(&mut self, message: Bytes) -> Result<Option<Packet>, DecodeError> {
        decode::packet(&message, &self.limits).map(Some)
    }
}

/// A key is absent where there is no value: JavaScript's decoder refuses nil.
fn encode(packet: &Packet) -> Vec<u8> {
    match packet {
        Packet::Connect { namespace, auth } => message(0, namespace, None, auth.as_deref(), &[]),
        Packet::Disconnect { namespace } => message(1, namespace, None, None, &[]),
        Packet::Event { namespace, ack, data } => {
            message(2, namespace, *ack, Some(data.json()), data.attachments())
        }
        Packet::Ack { namespace, ack, data } => {
            message(3, namespace, Some(*ack), Some(data.json()), data.attachments())
        }
        Packet::ConnectError { namespace, payload } => {
            message(4, namespace, None, Some(payload), &[])
        }
    }
}

/// The keys in the order of the official server, which puts an acknowledgement's id first.
fn message(
    kind: u64,
    namespace: &Namespace,
    id: Option<AckId>,
    data: Option<&str>,
    attachments: &[Bytes],
) -> Vec<u8> {
    let binary: usize = attachments.iter().map(|bytes| bytes.len() + 5).sum();
    let mut out = Vec::with_capacity(namespace.len() + data.map_or(0, str::len) + binary + 40);
    write::map(&mut out, 2 + usize::from(id.is_some()) + usize::from(data.is_some()));
    let answer = kind == 3;
    let write_id = |out: &mut Vec<u8>| {
        if let Some(id) = id {
            write::text(out, "id");
            write::unsigned(out, id.value());
        }
    };
    if answer {
        write_id(&mut out);
    }
    write::text(&mut out, "type");
    write::unsigned(&mut out, kind);
    if let Some(json) = data {
        write::text(&mut out, "data");
        to_msgpack::write(&mut out, json, attachments);
    }
    if !answer {
        write_id(&mut out);
    }
    write::text(&mut out, "nsp");
    write::text(&mut out, namespace);
    out
}
