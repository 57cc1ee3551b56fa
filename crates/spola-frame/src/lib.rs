//! RFC 6455 framing: frame headers, masking, incremental UTF-8, opcodes and close codes.
//!
//! The lowest layer of Spola: pure functions over byte slices. `no_std`, no allocation, no
//! dependency, no I/O, no time. What a connection does with a frame (reassembly, answers, limits)
//! is the business of `spola-websocket`.
//!
//! A whole frame, there and back:
//!
//! ```
//! use spola_frame::{FrameHeader, MaskingKey, Opcode, Rsv, mask};
//!
//! let mut wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
//! let (header, start) = FrameHeader::decode(&wire)?.expect("a whole header");
//! assert_eq!((header.opcode, header.payload_len), (Opcode::Text, 5));
//!
//! let payload = &mut wire[start..];
//! mask(payload, header.masking_key.expect("a client's frame"), 0);
//! assert_eq!(payload, b"Hello");
//!
//! let answer = FrameHeader { masking_key: None, ..header };
//! let mut out = [0; FrameHeader::MAX_LEN];
//! let written = answer.encode(&mut out);
//! assert_eq!(out[..written], [0x81, 0x05]);
//! # Ok::<(), spola_frame::FrameError>(())
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

mod close_code;
mod header;
mod mask;
mod opcode;
mod utf8;

pub use close_code::CloseCode;
pub use header::{FrameError, FrameHeader, Rsv};
pub use mask::{MaskingKey, mask, mask_copy};
pub use opcode::Opcode;
pub use utf8::{Utf8Error, Utf8Validator, incomplete_suffix};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
