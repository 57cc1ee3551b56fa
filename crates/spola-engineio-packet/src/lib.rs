//! Engine.IO packets and polling payloads, revisions 4 and 3.
//!
//! Engine.IO carries text and binary messages over WebSocket or over HTTP long-polling. This crate
//! turns its packets into wire form and back; it knows no session, no time and no I/O
//! (`spola-engineio` has the sessions). It is `no_std` with `alloc`.
//!
//! Three types tell the levels apart:
//!
//! - [`Message`] is what an application sends: text or binary, without any prefix.
//! - [`Packet`] is one unit of the protocol; a message is one of its seven kinds.
//! - [`WebSocketMessage`] is one packet on the wire of a WebSocket. [`EncodedMessage`] is such a
//!   packet known to be a message, encoded once so that many sessions can send it.
//!
//! Over polling, packets are joined into one body: module [`payload`]. Over Server-Sent Events, each is
//! an event: module [`event_stream`]. Module [`v3`] has what revision 3 writes otherwise, and [`jsonp`]
//! what old browsers put around a payload.
//!
//! ```
//! use bytestring::ByteString;
//! use spola_engineio_packet::{Message, Packet, payload};
//!
//! // One packet, one WebSocket message.
//! let packet = Packet::decode_text(ByteString::from_static("4hello"))?;
//! assert_eq!(packet, Packet::Message(Message::from("hello")));
//!
//! // Several packets, one polling body.
//! let mut body = payload::Encoder::new();
//! body.push(&packet.encode())?;
//! body.push(&Packet::Message(Message::from(vec![1, 2, 3, 4])).encode())?;
//! let body = body.finish();
//! assert_eq!(body, "4hello\u{1e}bAQIDBA==");
//!
//! let packets: Result<Vec<_>, _> = payload::Decoder::new(body).collect();
//! assert_eq!(packets?.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod base64;
mod encoded;
pub mod event_stream;
mod handshake;
pub mod jsonp;
mod message;
mod packet;
pub mod payload;
pub mod v3;

pub use encoded::{EncodedMessage, NotAMessage};
pub use handshake::Handshake;
pub use message::{Message, WebSocketMessage};
pub use packet::{Packet, PacketError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
