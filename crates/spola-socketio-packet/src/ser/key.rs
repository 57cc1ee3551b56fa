use alloc::string::String;
use core::fmt;

use serde::ser::{Error as _, Impossible, Serialize, Serializer};
use serde_json::Error;

use super::{refuse_compounds, text, write_str};

/// Writes the key of a map's entry: text, or what has an obvious one.
pub(super) struct Key<'o> {
    pub(super) out: &'o mut String,
}

impl Key<'_> {
    fn quoted(self, key: fmt::Arguments<'_>) -> Result<(), Error> {
        self.out.push('"');
        text::write_display(self.out, key)?;
        self.out.push('"');
        Ok(())
    }
}

const NOT_A_KEY: &str = "a key of a JSON object is text";

macro_rules! quoted {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.quoted(format_args!("{value:?}"))
        })*
    };
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = Error;

    quoted! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128,
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Error::custom(NOT_A_KEY));
        }
        self.quoted(format_args!("{value:?}"))
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        write_str(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Error> {
        Err(Error::custom(NOT_A_KEY))
    }

    fn serialize_none(self) -> Result<(), Error> {
        Err(Error::custom(NOT_A_KEY))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Err(Error::custom(NOT_A_KEY))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Err(Error::custom(NOT_A_KEY))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    refuse_compounds!(NOT_A_KEY);
}

/// Writes text that is JSON already.
pub(super) struct Raw<'o> {
    pub(super) out: &'o mut String,
}

const NOT_TEXT: &str = "raw JSON is text";

macro_rules! refused {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), Error> {
            Err(Error::custom(NOT_TEXT))
        })*
    };
}

impl Serializer for Raw<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.out.push_str(value);
        Ok(())
    }

    refused! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64,
        serialize_char: char, serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<(), Error> {
        Err(Error::custom(NOT_TEXT))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        Err(Error::custom(NOT_TEXT))
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Err(Error::custom(NOT_TEXT))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        Err(Error::custom(NOT_TEXT))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom(NOT_TEXT))
    }

    refuse_compounds!(NOT_TEXT);
}
