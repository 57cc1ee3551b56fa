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
        let header = Self { fin, rsv, opcode, masking_key, payload_len };
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::ToString, vec::Vec};

    const KEY: MaskingKey = MaskingKey::new([0x37, 0xfa, 0x21, 0x3d]);

    fn header(fin: bool, opcode: Opcode, key: Option<MaskingKey>, payload_len: u64) -> FrameHeader {
        FrameHeader { fin, rsv: Rsv::NONE, opcode, masking_key: key, payload_len }
    }

    fn encoded(header: &FrameHeader) -> Vec<u8> {
        let mut out = [0; FrameHeader::MAX_LEN];
        let len = header.encode(&mut out);
        out[..len].to_vec()
    }

    #[test]
    fn headers_of_the_rfc_and_each_length_form_convert_both_ways() {
        for (name, wire, value) in [
            ("text", &[0x81, 0x05][..], header(true, Opcode::Text, None, 5)),
            (
                "masked text",
                &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                header(true, Opcode::Text, Some(KEY), 5),
            ),
            ("first fragment", &[0x01, 0x03], header(false, Opcode::Text, None, 3)),
            ("last fragment", &[0x80, 0x02], header(true, Opcode::Continuation, None, 2)),
            ("ping", &[0x89, 0x05], header(true, Opcode::Ping, None, 5)),
            (
                "masked pong",
                &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d],
                header(true, Opcode::Pong, Some(KEY), 5),
            ),
            ("256 bytes", &[0x82, 0x7e, 0x01, 0x00], header(true, Opcode::Binary, None, 256)),
            (
                "64 KiB",
                &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0],
                header(true, Opcode::Binary, None, 65536),
            ),
            ("empty close", &[0x88, 0x00], header(true, Opcode::Close, None, 0)),
            ("125", &[0x82, 125], header(true, Opcode::Binary, None, 125)),
            ("126", &[0x82, 126, 0, 126], header(true, Opcode::Binary, None, 126)),
            ("65535", &[0x82, 126, 0xff, 0xff], header(true, Opcode::Binary, None, 65535)),
            (
                "longest, masked",
                &[0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0x37, 0xfa, 0x21, 0x3d],
                header(true, Opcode::Binary, Some(KEY), u64::MAX >> 1),
            ),
            (
                "reserved bit",
                &[0xc1, 0x05],
                FrameHeader { rsv: Rsv::RSV1, ..header(true, Opcode::Text, None, 5) },
            ),
        ] {
            assert_eq!(encoded(&value), wire, "{name}");
            assert_eq!(FrameHeader::decode(wire), Ok(Some((value, wire.len()))), "{name}");
            for cut in 0..wire.len() {
                assert_eq!(FrameHeader::decode(&wire[..cut]), Ok(None), "{name} cut at {cut}");
            }
        }
    }

    #[test]
    fn forbidden_headers_are_refused_as_soon_as_they_show() {
        for (wire, error, text) in [
            (&[0x83, 0x00][..], FrameError::ReservedOpcode(3), "reserved opcode 0x3"),
            (&[0x8f, 0x80], FrameError::ReservedOpcode(15), "reserved opcode 0xf"),
            (&[0x09, 0x00], FrameError::FragmentedControl, "fragmented control frame"),
            (&[0x88, 126], FrameError::ControlTooLong, "control frame longer than 125 bytes"),
            (&[0x8a, 0xff], FrameError::ControlTooLong, "control frame longer than 125 bytes"),
            (
                &[0x82, 126, 0, 125],
                FrameError::NonMinimalLength,
                "payload length not in its shortest form",
            ),
            (
                &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
                FrameError::NonMinimalLength,
                "payload length not in its shortest form",
            ),
            (
                &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
                FrameError::LengthTopBit,
                "payload length of 2^63 or more",
            ),
        ] {
            assert_eq!(FrameHeader::decode(wire), Err(error));
            assert_eq!(FrameHeader::decode(&wire[..wire.len() - 1]), Ok(None));
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn reserved_bits_are_sets() {
        let both = Rsv::RSV1.union(Rsv::RSV3);
        assert!(both.contains(Rsv::RSV1) && both.contains(Rsv::NONE) && both.contains(both));
        assert!(!both.contains(Rsv::RSV2) && !Rsv::RSV1.contains(both));
        assert_eq!(both.bits(), 5);
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(
            fin: bool,
            rsv in 0u8..8,
            opcode in 0u8..16,
            key: Option<[u8; 4]>,
            len in prop_oneof![0u64..130, 65_530u64..65_540, 0..=u64::MAX >> 1],
        ) {
            let Some(opcode) = Opcode::from_bits(opcode) else { return Ok(()) };
            prop_assume!(!opcode.is_control() || (fin && len <= 125));
            let value = FrameHeader {
                fin,
                rsv: Rsv(rsv),
                opcode,
                masking_key: key.map(MaskingKey::new),
                payload_len: len,
            };
            let mut wire = encoded(&value);
            let len = wire.len();
            wire.push(0xaa);
            prop_assert_eq!(FrameHeader::decode(&wire), Ok(Some((value, len))));
        }

        #[test]
        fn encode_undoes_decode(bytes: [u8; 14], len in 0usize..=14) {
            if let Ok(Some((header, used))) = FrameHeader::decode(&bytes[..len]) {
                prop_assert_eq!(&encoded(&header)[..], &bytes[..used]);
            }
        }
    }
}
