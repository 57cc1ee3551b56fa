//! Revision 3, as `socket.io-client` 2 and older speak it (§11).
//!
//! The packets are those of revision 4; what differs is how they are written. Here too the wire form
//! of revision 4, which [`Packet::encode`](crate::Packet::encode) makes, is what is handed around:
//! [`encode`] and [`into_text`] turn it into that of revision 3, and payloads are made of it.
//!
//! | | revision 4 | revision 3 |
//! |---|---|---|
//! | binary message on a WebSocket | its bytes | the byte `04`, then its bytes |
//! | binary message as text | `b` and base64 | `b4` and base64 |
//! | payload | joined by U+001E | lengths in front: [`encode_text`], or [`encode_binary`] |
//!
//! ```
//! use bytestring::ByteString;
//! use spola_engineio_packet::{Message, Packet, v3};
//!
//! let packets = [Message::from("€"), Message::from(vec![1, 2, 3, 4])];
//! let packets = packets.map(|message| Packet::Message(message).encode());
//! let body = v3::encode_text(&packets);
//! assert_eq!(body, "2:4€10:b4AQIDBA==");
//!
//! let decoded: Result<Vec<_>, _> = v3::Decoder::text(body).collect();
//! assert_eq!(decoded?[0], Packet::Message(Message::from("€")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod encoder;
mod packet;

pub use decoder::{Decoder, PayloadError};
pub use encoder::{encode_binary, encode_text, max_packet_len};
pub use packet::{decode, decode_text, encode, into_text};
