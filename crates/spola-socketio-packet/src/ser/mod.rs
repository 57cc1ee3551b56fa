//! Serialising arguments: one pass from Rust types to JSON text, bytes taken out as attachments.

mod compound;
mod key;
mod text;

use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use serde::ser::{Serialize, Serializer};
use serde_json::Error;

use compound::Compound;
pub(crate) use text::{write_display, write_integer, write_str, write_unsigned};

/// Appends a JSON array: `name` if there is one, then the arguments. Returns the attachments.
pub(crate) fn write_array<A: Serialize + ?Sized>(
    out: &mut String,
    name: Option<&str>,
    args: &A,
) -> Result<Vec<Bytes>, Error> {
    out.push('[');
    if let Some(name) = name {
        write_str(out, name);
        out.push(',');
    }
    let before = out.len();
    let mut writer = Writer { out, attachments: Vec::new(), at_top: true };
    args.serialize(&mut writer)?;
    let Writer { attachments, .. } = writer;
    if out.len() == before && name.is_some() {
        out.pop();
    }
    out.push(']');
    Ok(attachments)
}

/// Appends what stands for an attachment.
pub(crate) fn write_placeholder(out: &mut String, num: usize) {
    out.push_str(r#"{"_placeholder":true,"num":"#);
    write_unsigned(out, num as u64);
    out.push('}');
}

/// A serializer of JSON in which byte strings are placeholders.
pub(crate) struct Writer<'o> {
    out: &'o mut String,
    attachments: Vec<Bytes>,
    /// Until the first call: there a tuple is a list of arguments and `()` an empty one.
    at_top: bool,
}

impl<'o> Writer<'o> {
    /// Opens a compound that is one value.
    fn open(&mut self, open: char, close: &'static str) -> Compound<'_, 'o> {
        self.at_top = false;
        self.out.push(open);
        Compound::new(self, close)
    }

    /// Opens the object around an enum's variant that has content.
    fn open_variant(&mut self, variant: &str) {
        self.at_top = false;
        self.out.push('{');
        write_str(self.out, variant);
        self.out.push(':');
    }
}

macro_rules! write_integers {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            write_integer(self.out, value.into());
            Ok(())
        })*
    };
}

impl<'a, 'o> Serializer for &'a mut Writer<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'a, 'o>;
    type SerializeTuple = Compound<'a, 'o>;
    type SerializeTupleStruct = Compound<'a, 'o>;
    type SerializeTupleVariant = Compound<'a, 'o>;
    type SerializeMap = Compound<'a, 'o>;
    type SerializeStruct = Compound<'a, 'o>;
    type SerializeStructVariant = Compound<'a, 'o>;

    write_integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        write_unsigned(self.out, value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        write_display(self.out, format_args!("{value}"))
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        write_display(self.out, format_args!("{value}"))
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        if !value.is_finite() {
            return self.serialize_none();
        }
        write_display(self.out, format_args!("{value:?}"))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        if !value.is_finite() {
            return self.serialize_none();
        }
        write_display(self.out, format_args!("{value:?}"))
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        write_str(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        write_placeholder(self.out, self.attachments.len());
        self.attachments.push(Bytes::copy_from_slice(value));
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.at_top = false;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        if self.at_top { Ok(()) } else { self.serialize_none() }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_none()
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
        self.serialize_some(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.open_variant(variant);
        value.serialize(&mut *self)?;
        self.out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        if self.at_top {
            self.at_top = false;
            return Ok(Compound::new(self, ""));
        }
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Ok(self.open('[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.open_variant(variant);
        Ok(self.open('[', "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Ok(self.open('{', "}"))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Error> {
        if compound::is_raw(name) {
            self.at_top = false;
            return Ok(Compound::new(self, ""));
        }
        Ok(self.open('{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.open_variant(variant);
        Ok(self.open('{', "}}"))
    }
}

/// Refuses every compound, in a serializer whose type is `()` and whose error is [`Error`].
macro_rules! refuse_compounds {
    ($message:expr) => {
        type SerializeSeq = Impossible<(), Error>;
        type SerializeTuple = Impossible<(), Error>;
        type SerializeTupleStruct = Impossible<(), Error>;
        type SerializeTupleVariant = Impossible<(), Error>;
        type SerializeMap = Impossible<(), Error>;
        type SerializeStruct = Impossible<(), Error>;
        type SerializeStructVariant = Impossible<(), Error>;

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<(), Error> {
            Err(Error::custom($message))
        }

        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
            Err(Error::custom($message))
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
            Err(Error::custom($message))
        }

        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Error> {
            Err(Error::custom($message))
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Error> {
            Err(Error::custom($message))
        }

        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
            Err(Error::custom($message))
        }

        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, Error> {
            Err(Error::custom($message))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Error> {
            Err(Error::custom($message))
        }
    };
}
pub(crate) use refuse_compounds;
