//! Socket.IO packets (protocol revision 5), attachments and typed access to event data.
//!
//! A codec only: it knows bytes and JSON, not time, sockets or connections. The crate
//! `spola-socketio` keeps the state of a connection on top of it.
//!
//! ```
//! use bytestring::ByteString;
//! use spola_socketio_packet::{Decoder, Limits, Namespace, Packet, encode_ack, encode_event};
//!
//! // Out: typed arguments become the packet's text in one pass; a tuple is several arguments.
//! let hello = encode_event("", &Namespace::root(), None, "hello", &(1, "€"))?;
//! assert_eq!(hello.text, r#"2["hello",1,"€"]"#);
//!
//! // In: every text and binary message of one connection goes through its decoder.
//! let mut decoder = Decoder::new(Limits::default());
//! let text = ByteString::from(r#"2/admin,456["project:delete",123]"#);
//! let Some(Packet::Event { namespace, ack: Some(ack), data }) = decoder.decode_text(text)? else {
//!     panic!("a complete event that asks for an acknowledgement");
//! };
//! assert_eq!(data.event_name().as_deref(), Some("project:delete"));
//! let id: u64 = data.extract()?;
//! assert_eq!(id, 123);
//!
//! let reply = encode_ack("", &namespace, ack, &"done")?;
//! assert_eq!(reply.text, r#"3/admin,456["done"]"#);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Arguments
//!
//! An event carries a list of arguments, an acknowledgement too. One rule maps it to Rust types,
//! both ways: a Rust **tuple** is the whole list, `()` is the empty list, and any other type is
//! one argument. (For serde an array `[T; N]` is a tuple.) So `&(1, "a")` encodes two arguments
//! and `&vec![1, 2]` a single one, and [`Data::extract`] reads them back by the same rule. As many
//! as a peer likes, of whatever types, are [`Arguments`].
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod ack_id;
mod arguments;
mod data;
mod de;
mod decoder;
mod encode;
mod error;
mod format;
mod header;
mod layout;
#[cfg(feature = "msgpack")]
mod msgpack;
mod namespace;
mod packet;
mod placeholder;
mod restore;
mod scan;
mod ser;
mod string;
mod untyped;
mod value;

pub use ack_id::AckId;
pub use arguments::Arguments;
pub use data::Data;
pub use decoder::{Decoder, Limits};
pub use encode::{Encoded, encode_ack, encode_connect_error, encode_connect_reply, encode_event};
pub use error::{ArgsError, DecodeError, EncodeError, JsonError, NamespaceError};
pub use format::{Decode, Format, FormatDecoder, Parser};
#[cfg(feature = "msgpack")]
pub use msgpack::MessagePack;
pub use namespace::Namespace;
pub use packet::{Packet, is_reserved_event};
pub use serde_json::value::RawValue;
pub use value::Value;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
