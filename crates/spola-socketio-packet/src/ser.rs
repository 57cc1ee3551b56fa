//! Serialising arguments to JSON text, bytes taken out as attachments.

use alloc::vec::Vec;
use core::{cell::RefCell, fmt};

use bytes::Bytes;
use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::shape::{Shape, Spread};

/// Appends a JSON array: `name` if there is one, then the arguments. Returns the attachments.
pub(crate) fn write_array<A: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    name: Option<&str>,
    args: &A,
) -> Result<Vec<Bytes>, serde_json::Error> {
    let attachments = RefCell::new(Vec::new());
    write(
        out,
        &Array {
            name,
            args,
            attachments: &attachments,
        },
    )?;
    Ok(attachments.into_inner())
}

/// Appends a JSON string.
pub(crate) fn write_str(out: &mut Vec<u8>, text: &str) {
    // A `Vec` takes every write, and every string has a JSON form.
    let _ = write(out, text);
}

/// Appends a number in decimal digits.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    let _ = write(out, &number);
}

#[cfg(feature = "std")]
fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    serde_json::to_writer(out, value)
}

/// Without `std`, serde_json writes into vectors of its own only.
#[cfg(not(feature = "std"))]
fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    out.extend_from_slice(&serde_json::to_vec(value)?);
    Ok(())
}

struct Array<'a, A: ?Sized> {
    name: Option<&'a str>,
    args: &'a A,
    attachments: &'a Attachments,
}

impl<A: Serialize + ?Sized> Serialize for Array<'_, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            name,
            args,
            attachments,
        } = *self;
        let mut array = serializer.serialize_seq(None)?;
        if let Some(name) = name {
            array.serialize_element(name)?;
        }
        match Shape::of(args) {
            Shape::None => {}
            Shape::One => array.serialize_element(&Nested {
                value: args,
                attachments,
            })?,
            Shape::Many => args.serialize(Spread {
                array: &mut array,
                attachments,
            })?,
        }
        array.end()
    }
}

type Attachments = RefCell<Vec<Bytes>>;

#[derive(serde::Serialize)]
struct Placeholder {
    _placeholder: bool,
    num: usize,
}

/// A value that serialises with its bytes taken out.
pub(crate) struct Nested<'a, T: ?Sized> {
    pub(crate) value: &'a T,
    pub(crate) attachments: &'a Attachments,
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Extract {
            inner: serializer,
            attachments: self.attachments,
        })
    }
}

/// A serializer, or one of its compounds, that takes bytes out and passes on everything else.
struct Extract<'a, S> {
    inner: S,
    attachments: &'a Attachments,
}

impl<'a, S> Extract<'a, S> {
    fn nest<'b, T: ?Sized>(&self, value: &'b T) -> Nested<'b, T>
    where
        'a: 'b,
    {
        Nested {
            value,
            attachments: self.attachments,
        }
    }
}

macro_rules! pass_on {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'a, S: Serializer> Serializer for Extract<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Extract<'a, S::SerializeSeq>;
    type SerializeTuple = Extract<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Extract<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Extract<'a, S::SerializeTupleVariant>;
    type SerializeMap = Extract<'a, S::SerializeMap>;
    type SerializeStruct = Extract<'a, S::SerializeStruct>;
    type SerializeStructVariant = Extract<'a, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64,
        serialize_char: char, serialize_str: &str,
        serialize_unit_struct: &'static str,
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<S::Ok, S::Error> {
        let mut attachments = self.attachments.borrow_mut();
        let num = attachments.len();
        attachments.push(Bytes::copy_from_slice(value));
        Placeholder {
            _placeholder: true,
            num,
        }
        .serialize(self.inner)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let value = self.nest(value);
        self.inner.serialize_some(&value)
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.nest(value);
        self.inner.serialize_newtype_struct(name, &value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = self.nest(value);
        self.inner
            .serialize_newtype_variant(name, index, variant, &value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Extract {
            inner: self.inner.serialize_seq(len)?,
            attachments: self.attachments,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        Ok(Extract {
            inner: self.inner.serialize_tuple(len)?,
            attachments: self.attachments,
        })
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let inner = self.inner.serialize_tuple_struct(name, len)?;
        Ok(Extract {
            inner,
            attachments: self.attachments,
        })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let inner = self
            .inner
            .serialize_tuple_variant(name, index, variant, len)?;
        Ok(Extract {
            inner,
            attachments: self.attachments,
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Ok(Extract {
            inner: self.inner.serialize_map(len)?,
            attachments: self.attachments,
        })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        Ok(Extract {
            inner: self.inner.serialize_struct(name, len)?,
            attachments: self.attachments,
        })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let inner = self
            .inner
            .serialize_struct_variant(name, index, variant, len)?;
        Ok(Extract {
            inner,
            attachments: self.attachments,
        })
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! pass_on_elements {
    ($($trait:ident::$method:ident),* $(,)?) => {
        $(impl<C: $trait> $trait for Extract<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let value = self.nest(value);
                self.inner.$method(&value)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

macro_rules! pass_on_fields {
    ($($trait:ident),* $(,)?) => {
        $(impl<C: $trait> $trait for Extract<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let value = self.nest(value);
                self.inner.serialize_field(key, &value)
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        })*
    };
}

pass_on_elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);
pass_on_fields!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for Extract<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.nest(value);
        self.inner.serialize_value(&value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
