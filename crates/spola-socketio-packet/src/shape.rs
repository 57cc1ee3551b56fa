//! How many arguments a value is: a tuple is a list of them, `()` none, the rest one.

use core::{cell::RefCell, fmt};

use alloc::vec::Vec;
use bytes::Bytes;
use serde::ser::{self, Impossible, Serialize, SerializeSeq, SerializeTuple, Serializer};

use crate::ser::Nested;

/// What a value asks a serializer for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    None,
    One,
    Many,
}

impl Shape {
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        // The probe never succeeds: its error is the answer, given at the first call.
        value.serialize(Probe).err().unwrap_or(Self::One)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl core::error::Error for Shape {}

impl ser::Error for Shape {
    /// A value that fails by itself fails again when it is written as one argument.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::One
    }
}

/// Refuses scalars and every compound that is not named in the list of exceptions.
macro_rules! refuse {
    ($error:expr) => {
        refuse!(@scalars $error;
            serialize_bool: bool,
            serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
            serialize_i128: i128,
            serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
            serialize_u128: u128,
            serialize_f32: f32, serialize_f64: f64,
            serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
            serialize_unit_struct: &'static str,
        );

        fn serialize_none(self) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
        fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
        fn serialize_unit_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
        ) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Self::Error> {
            Err($error)
        }
        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Self::Error> {
            Err($error)
        }
        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Self::Error> {
            Err($error)
        }
        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Self::Error> {
            Err($error)
        }
        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, Self::Error> {
            Err($error)
        }
        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Self::Error> {
            Err($error)
        }
        fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
    };
    (@scalars $error:expr; $($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<Self::Ok, Self::Error> {
            Err($error)
        })*
    };
}

struct Probe;

impl Serializer for Probe {
    type Ok = ();
    type Error = Shape;
    type SerializeSeq = Impossible<(), Shape>;
    type SerializeTuple = Impossible<(), Shape>;
    type SerializeTupleStruct = Impossible<(), Shape>;
    type SerializeTupleVariant = Impossible<(), Shape>;
    type SerializeMap = Impossible<(), Shape>;
    type SerializeStruct = Impossible<(), Shape>;
    type SerializeStructVariant = Impossible<(), Shape>;

    fn serialize_unit(self) -> Result<(), Shape> {
        Err(Shape::None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Shape> {
        Err(Shape::Many)
    }

    refuse!(Shape::One);
}

/// Writes the elements of a tuple into an array that is open already.
pub(crate) struct Spread<'a, A> {
    pub(crate) array: &'a mut A,
    pub(crate) attachments: &'a RefCell<Vec<Bytes>>,
}

impl<A: SerializeSeq> Serializer for Spread<'_, A> {
    type Ok = ();
    type Error = A::Error;
    type SerializeSeq = Impossible<(), A::Error>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Impossible<(), A::Error>;
    type SerializeTupleVariant = Impossible<(), A::Error>;
    type SerializeMap = Impossible<(), A::Error>;
    type SerializeStruct = Impossible<(), A::Error>;
    type SerializeStructVariant = Impossible<(), A::Error>;

    fn serialize_tuple(self, _: usize) -> Result<Self, A::Error> {
        Ok(self)
    }

    fn serialize_unit(self) -> Result<(), A::Error> {
        Err(not_a_tuple())
    }

    refuse!(not_a_tuple());
}

/// Only a value that serialises differently from one time to the next gets here.
fn not_a_tuple<E: ser::Error>() -> E {
    E::custom("a tuple serialised as something else")
}

impl<A: SerializeSeq> SerializeTuple for Spread<'_, A> {
    type Ok = ();
    type Error = A::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), A::Error> {
        self.array.serialize_element(&Nested {
            value,
            attachments: self.attachments,
        })
    }

    fn end(self) -> Result<(), A::Error> {
        Ok(())
    }
}
