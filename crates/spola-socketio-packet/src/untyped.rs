//! Reading a [`Value`], which can be an attachment anywhere.
//!
//! A `Value` asks its deserializer for a newtype struct of the name [`TOKEN`]. [`Restore`] knows
//! the name and answers with what the JSON holds, and with one more member at the end of every
//! object. Its key is a unit, which JSON cannot have, so that nothing sent looks like it; its
//! value gives any attachment. By then the `Value` has the object's members and sees whether they
//! are a placeholder. Nothing is read twice, and other deserializers have no such member.

use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    de::{
        Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
        value::UnitDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::{Value, restore::Restore};

/// What a [`Value`] calls itself to deserializers.
pub(crate) const TOKEN: &str = "$spola::Value";

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TOKEN, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Value, D::Error> {
        value.deserialize_any(self)
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Value, D::Error> {
        value.deserialize_any(self)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Binary(Bytes::copy_from_slice(value)))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Binary(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Name(name) => members.push((name, map.next_value()?)),
                Key::End => {
                    let object = Value::Object(members);
                    let Some(num) = placeholder(&object) else {
                        return Ok(object);
                    };
                    return Ok(map.next_value_seed(Nth(num))?.unwrap_or(object));
                }
            }
        }
        Ok(Value::Object(members))
    }
}

/// The number of the attachment that an object stands for.
fn placeholder(object: &Value) -> Option<usize> {
    if object.get("_placeholder")?.as_bool()? {
        object.get("num")?.as_u64()?.try_into().ok()
    } else {
        None
    }
}

/// The key of an object's member, or what follows the last one.
enum Key {
    Name(String),
    End,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(Key::Name(name.into()))
    }

    fn visit_string<E>(self, name: String) -> Result<Key, E> {
        Ok(Key::Name(name))
    }

    fn visit_unit<E>(self) -> Result<Key, E> {
        Ok(Key::End)
    }
}

/// Takes one of the attachments, if there are so many.
struct Nth(usize);

impl<'de> DeserializeSeed<'de> for Nth {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, attachments: D) -> Result<Self::Value, D::Error> {
        attachments.deserialize_tuple_struct(TOKEN, self.0, NthVisitor)
    }
}

struct NthVisitor;

impl Visitor<'_> for NthVisitor {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attachment")
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Option<Value>, E> {
        Ok(Some(Value::Binary(Bytes::copy_from_slice(value))))
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }
}

/// Around the visitor of a [`Value`], for what is in JSON.
pub(crate) struct Untyped<'de, V>(pub(crate) Restore<'de, V>);

macro_rules! pass_on {
    ($($method:ident($($type:ty)?)),* $(,)?) => {
        $(pass_on!(@ $method $($type)?);)*
    };
    (@ $method:ident $type:ty) => {
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    };
    (@ $method:ident) => {
        fn $method<E: Error>(self) -> Result<V::Value, E> {
            self.0.$method()
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Untyped<'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    pass_on! {
        visit_unit(), visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64),
        visit_str(&str), visit_borrowed_str(&'de str), visit_string(String),
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let attachments = self.0.attachments;
        let members = Restore { inner: map, attachments };
        self.0.inner.visit_map(Members { members, at_end: false })
    }
}

/// The members of an object, then the attachments if there are any.
struct Members<'de, A> {
    members: Restore<'de, A>,
    at_end: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        if self.at_end {
            return Ok(None);
        }
        let mut seed = Some(seed);
        let key = self.members.next_key_seed(Lent(&mut seed))?;
        let Some(seed) = seed.filter(|_| !self.members.attachments.is_empty()) else {
            return Ok(key);
        };
        self.at_end = true;
        seed.deserialize(UnitDeserializer::new()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if self.at_end {
            seed.deserialize(Attachments {
                attachments: self.members.attachments,
                error: PhantomData,
            })
        } else {
            self.members.next_value_seed(seed)
        }
    }
}

/// A seed that is still there if it was not needed.
struct Lent<'a, S>(&'a mut Option<S>);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Lent<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let seed = self.0.take();
        seed.ok_or_else(|| D::Error::custom("a key was read twice"))?.deserialize(deserializer)
    }
}

/// Gives the attachment whose number it is asked for as the length of a tuple struct.
struct Attachments<'de, E> {
    attachments: &'de [Bytes],
    error: PhantomData<E>,
}

impl<'de, E: Error> Deserializer<'de> for Attachments<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        num: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        match self.attachments.get(num) {
            Some(bytes) => visitor.visit_borrowed_bytes(bytes),
            None => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple map struct enum identifier ignored_any
    }
}
