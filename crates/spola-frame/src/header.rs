use core::fmt;

use crate::{MaskingKey, Opcode};

/// The header of one frame (RFC 6455 §5.2), without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this is the last fragment of its message. Control frames are always final.
    pub fin: bool,
    /// The reserved bits. Whether they may be set is up to the extensions negotiated.
    pub rsv: Rsv,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key the payload is masked with: present from clients, absent from servers (§5.1).
    pub masking_key: Option<MaskingKey>,
    /// Bytes of payload that follow, at most 2⁶³ − 1.
    pub payload_len: u64,
}

impl FrameHeader {
    /// The longest header: two bytes, a 64-bit length and a masking key.
    pub const MAX_LEN: usize = 14;

    /// Decodes the header at the start of `buf` and says how many bytes it took, 2 to 14.
    ///
    /// `Ok(None)` means that `buf` ends before the header does: call again with more.
    ///
    /// # Errors
    /// What no extension may allow: a reserved opcode, a control frame that is fragmented or longer
    /// than 125 bytes, a length not in its shortest form or with its top bit set. Found as soon as
    /// the bytes that show it are there. Reserved bits are no error here.
    #[inline]
    pub fn decode(buf: &[u8]) -> Result<Option<(Self, usize)>, FrameError> {
        let &[first, second, ref rest @ ..] = buf else {
            return Ok(None);
        };
        let Some(opcode) = Opcode::from_bits(first & 0x0f) else {
            return Err(FrameError::ReservedOpcode(first & 0x0f));
        };
        let fin = first & 0x80 != 0;
        let code = second & 0x7f;
        if opcode.is_control() {
            if !fin {
                return Err(FrameError::FragmentedControl);
            }
            if code > 125 {
                return Err(FrameError::ControlTooLong);
            }
        }
        let (payload_len, rest, length_len) = match code {
            126 => {
                let Some((bytes, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u16::from_be_bytes(*bytes);
                if len < 126 {
                    return Err(FrameError::NonMinimalLength);
                }
                (u64::from(len), rest, 2)
            }
            127 => {
                let Some((bytes, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                let len = u64::from_be_bytes(*bytes);
                if len >> 63 != 0 {
                    return Err(FrameError::LengthTopBit);
                }
                if len <= 0xffff {
                    return Err(FrameError::NonMinimalLength);
                }
                (len, rest, 8)
            }
            short => (u64::from(short), rest, 0),
        };
        let (masking_key, key_len) = if second & 0x80 == 0 {
            (None, 0)
        } else {
            let Some(key) = rest.first_chunk() else {
                return Ok(None);
            };
            (Some(MaskingKey::new(*key)), 4)
        };
        let rsv = Rsv((first >> 4) & 0x7);
        let header = Self {
            fin,
            rsv,
            opcode,
            masking_key,
            payload_len,
        };
        Ok(Some((header, 2 + length_len + key_len)))
    }

    /// Writes the header to the start of `out` and returns its length, 2 to 14.
    ///
    /// The length takes its shortest form. The bits are written as they are: a header that
    /// [`decode`](Self::decode) refuses (a long control frame, say) is the caller's mistake.
    #[inline]
    #[must_use]
    pub fn encode(&self, out: &mut [u8; Self::MAX_LEN]) -> usize {
        let masked = if self.masking_key.is_some() { 0x80 } else { 0 };
        out[0] = (u8::from(self.fin) << 7) | (self.rsv.0 << 4) | self.opcode.bits();
        let mut len = 2;
        if self.payload_len <= 125 {
            out[1] = masked | self.payload_len as u8;
        } else if let Ok(short) = u16::try_from(self.payload_len) {
            out[1] = masked | 126;
            out[2..4].copy_from_slice(&short.to_be_bytes());
            len = 4;
        } else {
            out[1] = masked | 127;
            out[2..10].copy_from_slice(&self.payload_len.to_be_bytes());
            len = 10;
        }
        if let Some(key) = self.masking_key {
            // `len` is at most 10 here, so the key ends at 14 at most.
            out[len..len + 4].copy_from_slice(&key.to_bytes());
            len += 4;
        }
        len
    }
}

/// The three reserved bits of a frame (RFC 6455 §5.2), each a privilege of a negotiated extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);

impl Rsv {
    /// None set: what a connection without extensions sends and accepts.
    pub const NONE: Self = Self(0);
    /// The first bit: "compressed" under permessage-deflate (RFC 7692 §6).
    pub const RSV1: Self = Self(0b100);
    /// The second bit.
    pub const RSV2: Self = Self(0b010);
    /// The third bit.
    pub const RSV3: Self = Self(0b001);

    /// The bits of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every bit of `other` is set in `self`.
    #[inline]
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits as a number from 0 to 7; RSV1 is 4.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// A frame header that RFC 6455 does not allow. All of them close a connection with 1002.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// An opcode that has no meaning yet (§5.2).
    ReservedOpcode(u8),
    /// A control frame without FIN (§5.5).
    FragmentedControl,
    /// A control frame longer than 125 bytes (§5.5).
    ControlTooLong,
    /// A length written with more bytes than it needs (§5.2).
    NonMinimalLength,
    /// A 64-bit length whose top bit is set (§5.2).
    LengthTopBit,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedOpcode(bits) => write!(f, "reserved opcode {bits:#x}"),
            Self::FragmentedControl => f.write_str("fragmented control frame"),
            Self::ControlTooLong => f.write_str("control frame longer than 125 bytes"),
            Self::NonMinimalLength => f.write_str("payload length not in its shortest form"),
            Self::LengthTopBit => f.write_str("payload length of 2^63 or more"),
        }
    }
}

impl core::error::Error for FrameError {}
