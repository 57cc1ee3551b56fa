//! From MessagePack to JSON and attachments.

use alloc::{string::String, vec::Vec};

use bytes::Bytes;

use super::{
    date,
    read::{Item, Reader},
};
use crate::{DecodeError, JsonError, ser};

/// What becomes of binary values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    /// They are attachments, with placeholders in the JSON.
    Attached,
    /// They are arrays of numbers, since there is nothing to attach them to.
    Spelled,
}

/// Writes values of a message as JSON.
pub(super) struct ToJson<'a> {
    message: &'a Bytes,
    reader: Reader<'a>,
    binary: Binary,
    max_depth: u8,
    max_bytes: usize,
    json: String,
    attachments: Vec<Bytes>,
    /// The bytes of all attachments.
    attached: usize,
    /// Whether an object of the peer's looks like a placeholder.
    lookalike: bool,
}

impl<'a> ToJson<'a> {
    /// From a reader of `message`. What is written has at most `max_bytes`, and a depth of
    /// `max_depth`.
    pub(super) const fn new(
        message: &'a Bytes,
        reader: Reader<'a>,
        binary: Binary,
        max_depth: u8,
        max_bytes: usize,
    ) -> Self {
        Self {
            message,
            reader,
            binary,
            max_depth,
            max_bytes,
            json: String::new(),
            attachments: Vec::new(),
            attached: 0,
            lookalike: false,
        }
    }

    /// Writes the next value, and gives what was written.
    pub(super) fn convert(mut self) -> Result<(String, Vec<Bytes>), DecodeError> {
        let item = self.item()?;
        self.value(item, 0)?;
        // Among attachments nothing would tell it from one of them.
        if self.lookalike && !self.attachments.is_empty() {
            return Err(DecodeError::Placeholder);
        }
        Ok((self.json, self.attachments))
    }

    fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        self.reader.item().ok_or(DecodeError::Malformed)
    }

    fn value(&mut self, item: Item<'a>, depth: u8) -> Result<(), DecodeError> {
        match item {
            Item::Nil | Item::Undefined => self.json.push_str("null"),
            Item::Bool(value) => self.json.push_str(if value { "true" } else { "false" }),
            Item::Unsigned(value) => ser::write_unsigned(&mut self.json, value),
            Item::Signed(value) => ser::write_integer(&mut self.json, value),
            Item::Float(value) => self.float(value),
            Item::Text(value) => ser::write_str(&mut self.json, value),
            Item::Binary(value) => self.binary(value)?,
            Item::Date(milliseconds) => date::write_json(&mut self.json, milliseconds),
            Item::Extension(kind, bytes) => {
                self.json.push('[');
                ser::write_integer(&mut self.json, kind.into());
                self.json.push(',');
                self.binary(bytes)?;
                self.json.push(']');
            }
            Item::Array(len) => self.array(len, self.deeper(depth)?)?,
            Item::Map(len) => self.map(len, self.deeper(depth)?)?,
        }
        self.check_size()
    }

    const fn deeper(&self, depth: u8) -> Result<u8, DecodeError> {
        if depth >= self.max_depth {
            return Err(DecodeError::Json(JsonError::TooDeep));
        }
        Ok(depth + 1)
    }

    fn check_size(&self) -> Result<(), DecodeError> {
        if self.json.len() + self.attached > self.max_bytes {
            return Err(DecodeError::TooLarge);
        }
        Ok(())
    }

    /// JavaScript has one type of numbers: one without a fraction is an integer.
    fn float(&mut self, value: f64) {
        let integer = value as i64;
        let _ = if !value.is_finite() {
            ser::write_display(&mut self.json, format_args!("null"))
        } else if integer as f64 == value && integer != i64::MAX {
            ser::write_display(&mut self.json, format_args!("{integer}"))
        } else {
            ser::write_display(&mut self.json, format_args!("{value:?}"))
        };
    }

    fn binary(&mut self, value: &'a [u8]) -> Result<(), DecodeError> {
        match self.binary {
            Binary::Attached => {
                ser::write_placeholder(&mut self.json, self.attachments.len());
                self.attached += value.len();
                self.attachments.push(self.message.slice_ref(value));
            }
            Binary::Spelled => {
                self.json.push('[');
                for (index, byte) in value.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    ser::write_unsigned(&mut self.json, u64::from(*byte));
                    self.check_size()?;
                }
                self.json.push(']');
            }
        }
        Ok(())
    }

    fn array(&mut self, len: u32, depth: u8) -> Result<(), DecodeError> {
        self.json.push('[');
        for index in 0..len {
            if index > 0 {
                self.json.push(',');
            }
            let item = self.item()?;
            self.value(item, depth)?;
        }
        self.json.push(']');
        Ok(())
    }

    fn map(&mut self, len: u32, depth: u8) -> Result<(), DecodeError> {
        self.json.push('{');
        let mut empty = true;
        for _ in 0..len {
            let before = self.json.len();
            if !empty {
                self.json.push(',');
            }
            let key = self.item()?;
            self.key(key)?;
            self.json.push(':');
            let item = self.item()?;
            if item == Item::Undefined {
                self.json.truncate(before);
                continue;
            }
            empty = false;
            self.lookalike |= key == Item::Text("_placeholder") && item == Item::Bool(true);
            self.value(item, depth)?;
        }
        self.json.push('}');
        Ok(())
    }

    /// An object's key: text, or a number, which JavaScript takes for text as well.
    fn key(&mut self, key: Item<'a>) -> Result<(), DecodeError> {
        let number = match key {
            Item::Text(key) => {
                ser::write_str(&mut self.json, key);
                return Ok(());
            }
            Item::Unsigned(number) => i128::from(number),
            Item::Signed(number) => i128::from(number),
            Item::Nil
            | Item::Undefined
            | Item::Bool(_)
            | Item::Float(_)
            | Item::Binary(_)
            | Item::Date(_)
            | Item::Extension(..)
            | Item::Array(_)
            | Item::Map(_) => return Err(DecodeError::Malformed),
        };
        ser::write_display(&mut self.json, format_args!("\"{number}\""))
            .map_err(|_| DecodeError::Malformed)
    }
}
