//! Reading arguments: from JSON text straight into types.

use core::fmt;

use bytes::Bytes;
use serde::{
    de::{
        self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor,
        value::UnitDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::Error;

use crate::{
    Data,
    restore::{Restore, each_common_method},
    scan::Elements,
    string,
};

/// Reads the arguments by the rule of [`Data::extract`].
pub(crate) fn extract<'de, T: Deserialize<'de>>(data: &'de Data) -> Result<T, Error> {
    // The probe never succeeds: its error is the answer, given at the first call.
    match T::deserialize(Probe).err().unwrap_or(Shape::One) {
        Shape::None | Shape::Many => T::deserialize(All { data }),
        Shape::One => nth(data, 0),
    }
}

/// Reads argument `index`.
pub(crate) fn nth<'de, T: Deserialize<'de>>(data: &'de Data, index: usize) -> Result<T, Error> {
    if index == 0
        && let Some(plain) = data.plain_text()
    {
        // A comma is before it.
        let text = data.arguments().get(1..).unwrap_or_default();
        return T::deserialize(Value { text, plain: Some(plain), attachments: data.attachments() });
    }
    let mut texts = Texts::new(data);
    for skipped in 0..index {
        if texts.next().is_none() {
            return missing(core::marker::PhantomData, skipped);
        }
    }
    match texts.next() {
        Some(text) => read(core::marker::PhantomData, text, data.attachments()),
        None => missing(core::marker::PhantomData, index),
    }
}

/// Reads one value, which begins `text`.
fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    text: &'de str,
    attachments: &'de [Bytes],
) -> Result<S::Value, Error> {
    seed.deserialize(Value { text, plain: None, attachments })
}

/// One value, which begins `text`: JSON that was checked when it came.
struct Value<'de> {
    text: &'de str,
    /// The value, if it is known to be a string without escapes.
    plain: Option<&'de str>,
    attachments: &'de [Bytes],
}

macro_rules! read_json {
    ($($method:ident($($arg:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Error> {
            let mut json = serde_json::Deserializer::from_str(self.text);
            Restore { inner: &mut json, attachments: self.attachments }.$method($($arg,)* visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    /// Most events carry one text, and most texts stand for themselves.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.plain.or_else(|| string::plain(self.text)) {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    each_common_method!(read_json);

    read_json! {
        deserialize_bytes(), deserialize_byte_buf(),
        deserialize_newtype_struct(name: &'static str),
    }
}

/// Reads a value from nothing: `None` and `()` come out.
fn missing<'de, S: DeserializeSeed<'de>>(seed: S, index: usize) -> Result<S::Value, Error> {
    seed.deserialize(UnitDeserializer::<Error>::new())
        .map_err(|_| de::Error::custom(format_args!("argument {index} is missing")))
}

/// The list of all arguments, as a sequence or a tuple.
pub(crate) struct All<'de> {
    pub(crate) data: &'de Data,
}

impl<'de> All<'de> {
    fn visit<V: Visitor<'de>>(self, visitor: V, at_least: usize) -> Result<V::Value, Error> {
        let attachments = self.data.attachments();
        visitor.visit_seq(Arguments {
            texts: Texts::new(self.data),
            attachments,
            index: 0,
            at_least,
        })
    }
}

impl<'de> Deserializer<'de> for All<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor, 0)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit(visitor, len)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit(visitor, len)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq map struct enum identifier ignored_any
    }
}

struct Arguments<'de> {
    texts: Texts<'de>,
    attachments: &'de [Bytes],
    index: usize,
    /// How many a tuple asks for: what is missing of them reads as null.
    at_least: usize,
}

impl<'de> SeqAccess<'de> for Arguments<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let index = self.index;
        self.index += 1;
        match self.texts.next() {
            Some(text) => read(seed, text, self.attachments).map(Some),
            None if index < self.at_least => missing(seed, index).map(Some),
            None => Ok(None),
        }
    }
}

/// The text from each argument on; what follows the argument is still there.
struct Texts<'de> {
    json: &'de str,
    starts: Elements<'de>,
}

impl<'de> Texts<'de> {
    fn new(data: &'de Data) -> Self {
        let json = data.arguments();
        Self { json, starts: Elements::new(json.as_bytes()) }
    }
}

impl<'de> Iterator for Texts<'de> {
    type Item = &'de str;

    fn next(&mut self) -> Option<&'de str> {
        self.json.get(self.starts.next()?..)
    }
}

/// How many arguments a type takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    None,
    One,
    Many,
}

/// Answers what a type asks a deserializer for first.
struct Probe;

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl core::error::Error for Shape {}

impl de::Error for Shape {
    /// A type that fails by itself fails again when it is read as one argument.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::One
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Shape;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Shape> {
        Err(Shape::One)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Shape> {
        Err(Shape::None)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Shape> {
        Err(Shape::Many)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}
