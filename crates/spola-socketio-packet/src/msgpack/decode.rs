//! A message's map, and the packet that it is.

use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use bytestring::ByteString;

use super::{
    read::{Item, Reader},
    to_json::{Binary, ToJson},
};
use crate::{AckId, Data, DecodeError, Limits, Namespace, Packet, layout::Layout};

/// Decodes a packet, and checks it in the order of the official decoder: type, namespace, data,
/// id.
pub(super) fn packet(message: &Bytes, limits: &Limits) -> Result<Packet, DecodeError> {
    let fields = Fields::read(message).ok_or(DecodeError::Malformed)?;
    let kind = fields.kind.and_then(integer).ok_or(DecodeError::UnknownType)?;
    if !(0..=4).contains(&kind) {
        return Err(DecodeError::UnknownType);
    }
    let Some(Item::Text(name)) = fields.namespace else {
        return Err(DecodeError::MissingNamespace);
    };
    let namespace: Namespace = name.parse()?;
    let payload = Payload { message, value: fields.data, limits };
    match kind {
        0 => {
            let auth = payload.auth()?;
            fields.ack()?;
            Ok(Packet::Connect { namespace, auth })
        }
        1 => {
            payload.absent()?;
            fields.ack()?;
            Ok(Packet::Disconnect { namespace })
        }
        2 => {
            let data = payload.event()?;
            Ok(Packet::Event { namespace, ack: fields.ack()?, data })
        }
        3 => {
            let data = payload.answer()?;
            let ack = fields.ack()?.ok_or(DecodeError::MissingAckId)?;
            Ok(Packet::Ack { namespace, ack, data })
        }
        _ => {
            let payload = payload.error()?;
            fields.ack()?;
            Ok(Packet::ConnectError { namespace, payload })
        }
    }
}

/// What a packet's map has, in whatever order. Of a key that comes twice, the last one counts;
/// others than these are ignored. `undefined` is nothing.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Item<'a>>,
    namespace: Option<Item<'a>>,
    id: Option<Item<'a>>,
    data: Option<Reader<'a>>,
}

impl<'a> Fields<'a> {
    /// Reads a message to its end.
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(message);
        let Item::Map(len) = reader.item()? else {
            return None;
        };
        let mut fields = Self::default();
        for _ in 0..len {
            let mut key = reader;
            reader.skip()?;
            let start = reader;
            reader.skip()?;
            let Some(Item::Text(key)) = key.item() else {
                continue;
            };
            let mut value = start;
            let item = value.item().filter(|item| *item != Item::Undefined);
            match key {
                "type" => fields.kind = item,
                "nsp" => fields.namespace = item,
                "id" => fields.id = item,
                "data" => fields.data = item.map(|_| start),
                _ => {}
            }
        }
        reader.is_at_end().then_some(fields)
    }

    fn ack(&self) -> Result<Option<AckId>, DecodeError> {
        let Some(item) = self.id else {
            return Ok(None);
        };
        let id = integer(item).and_then(|id| u64::try_from(id).ok()).and_then(AckId::new);
        id.map(Some).ok_or(DecodeError::AckId)
    }
}

/// What JavaScript calls an integer: a double without fraction, too.
fn integer(item: Item<'_>) -> Option<i64> {
    match item {
        Item::Unsigned(value) => i64::try_from(value).ok(),
        Item::Signed(value) => Some(value),
        Item::Float(value) => Some(value as i64).filter(|integer| *integer as f64 == value),
        Item::Nil
        | Item::Undefined
        | Item::Bool(_)
        | Item::Text(_)
        | Item::Binary(_)
        | Item::Date(_)
        | Item::Extension(..)
        | Item::Array(_)
        | Item::Map(_) => None,
    }
}

/// A packet's data, which is to be what its type asks for.
struct Payload<'a> {
    message: &'a Bytes,
    value: Option<Reader<'a>>,
    limits: &'a Limits,
}

impl<'a> Payload<'a> {
    /// The value's first item tells its kind.
    fn of_kind(&self, fits: impl Fn(Item<'_>) -> bool) -> Result<Reader<'a>, DecodeError> {
        let value = self.value.ok_or(DecodeError::MissingPayload)?;
        let mut ahead = value;
        ahead.item().filter(|item| fits(*item)).map(|_| value).ok_or(DecodeError::PayloadKind)
    }

    fn absent(&self) -> Result<(), DecodeError> {
        if self.value.is_some() { Err(DecodeError::PayloadKind) } else { Ok(()) }
    }

    fn auth(&self) -> Result<Option<ByteString>, DecodeError> {
        if self.value.is_none() {
            return Ok(None);
        }
        let value = self.of_kind(|item| matches!(item, Item::Map(_)))?;
        let max_bytes = self.limits.max_auth_bytes as usize;
        match self.json(value, Binary::Spelled, max_bytes) {
            Ok((json, _)) => Ok(Some(json.into())),
            Err(DecodeError::TooLarge) => Err(DecodeError::AuthTooLarge),
            Err(error) => Err(error),
        }
    }

    fn error(&self) -> Result<ByteString, DecodeError> {
        let value = self.of_kind(|item| matches!(item, Item::Map(_) | Item::Text(_)))?;
        let (json, _) = self.json(value, Binary::Spelled, self.limits.max_binary_bytes)?;
        Ok(json.into())
    }

    /// The name comes first: text, or a number.
    fn event(&self) -> Result<Data, DecodeError> {
        let value = self.of_kind(|item| matches!(item, Item::Array(1..)))?;
        let mut ahead = value;
        let (_, name) = (ahead.item(), ahead.item());
        let Some(Item::Text(_) | Item::Unsigned(_) | Item::Signed(_) | Item::Float(_)) = name
        else {
            return Err(DecodeError::PayloadKind);
        };
        let (json, attachments) =
            self.json(value, Binary::Attached, self.limits.max_binary_bytes)?;
        let layout = Layout::of_written_event(&json)?;
        layout.check_name(&json, self.limits)?;
        Ok(Data::written(json, layout, attachments))
    }

    fn answer(&self) -> Result<Data, DecodeError> {
        let value = self.of_kind(|item| matches!(item, Item::Array(_)))?;
        let (json, attachments) =
            self.json(value, Binary::Attached, self.limits.max_binary_bytes)?;
        Ok(Data::written(json, Layout::WRITTEN_ACK, attachments))
    }

    fn json(
        &self,
        value: Reader<'a>,
        binary: Binary,
        max_bytes: usize,
    ) -> Result<(String, Vec<Bytes>), DecodeError> {
        ToJson::new(self.message, value, binary, self.limits.max_depth, max_bytes).convert()
    }
}
