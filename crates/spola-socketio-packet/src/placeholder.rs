//! Placeholders: objects `{"_placeholder":true,"num":n}` that stand for attachment `n`.

use core::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{DecodeError, scan::Elements};

/// Checks that every placeholder in a JSON text names one of the attachments. Naming one twice,
/// or not at all, is fine; but since each may be read into a copy, all that is named, counted as
/// often as it is, has at most `max_bytes`.
pub(crate) fn check(
    json: &str,
    attachments: &[Bytes],
    max_bytes: usize,
) -> Result<(), DecodeError> {
    let mut tally = Tally { attachments, room: Some(max_bytes) };
    // Element by element, since serde_json reads one level less than the scanner.
    for start in Elements::new(json.as_bytes()) {
        let mut element = serde_json::Deserializer::from_str(json.get(start..).unwrap_or_default());
        if tally.deserialize(&mut element).is_err() {
            return Err(match tally.room {
                Some(_) => DecodeError::Placeholder,
                None => DecodeError::TooLarge,
            });
        }
    }
    Ok(())
}

/// Reads values of which only the placeholders matter, and fails at the first bad one.
struct Tally<'a> {
    attachments: &'a [Bytes],
    /// The bytes that may still be named; `None` once there were too many.
    room: Option<usize>,
}

impl Tally<'_> {
    fn take<E: Error>(&mut self, num: u64) -> Result<(), E> {
        let attachment = usize::try_from(num)
            .ok()
            .and_then(|num| self.attachments.get(num))
            .ok_or_else(|| E::custom("a placeholder for nothing"))?;
        self.room = self.room.and_then(|room| room.checked_sub(attachment.len()));
        match self.room {
            Some(_) => Ok(()),
            None => Err(E::custom("too many bytes")),
        }
    }
}

/// What a placeholder's member can be.
#[derive(PartialEq)]
enum Value {
    True,
    Number(u64),
    Other,
}

impl<'de> DeserializeSeed<'de> for &mut Tally<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Tally<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(if value { Value::True } else { Value::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element_seed(&mut *self)?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut placeholder = false;
        let mut num = Value::Other;
        while let Some(key) = map.next_key()? {
            let value = map.next_value_seed(&mut *self)?;
            match key {
                Key::Placeholder => placeholder = value == Value::True,
                Key::Num => num = value,
                Key::Other => {}
            }
        }
        if placeholder {
            let Value::Number(num) = num else {
                return Err(A::Error::custom("a placeholder without number"));
            };
            self.take(num)?;
        }
        Ok(Value::Other)
    }
}

/// The two keys of a placeholder, and all others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Placeholder,
    Num,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "_placeholder" => Key::Placeholder,
            "num" => Key::Num,
            _ => Key::Other,
        })
    }
}
