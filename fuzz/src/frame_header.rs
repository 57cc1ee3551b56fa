//! The codec of frame headers.

use spola_frame::{FrameHeader, MaskingKey, Opcode};

/// Decoding agrees with a reading of RFC 6455 §5.2 field by field, tells an error as soon as its
/// bytes are there, and is undone by encoding.
pub fn check(bytes: &[u8]) {
    let whole = FrameHeader::decode(bytes);
    let mut told = None;
    for len in 0..=bytes.len().min(FrameHeader::MAX_LEN) {
        let prefix = FrameHeader::decode(&bytes[..len]);
        if let Some(told) = &told {
            assert_eq!(&prefix, told, "more bytes changed what was told");
        } else if prefix != Ok(None) {
            told = Some(prefix);
        }
    }
    assert_eq!(whole, told.unwrap_or(Ok(None)));
    match whole {
        Ok(None) => assert!(bytes.len() < FrameHeader::MAX_LEN),
        Ok(Some((header, len))) => {
            assert_eq!(Some((header, len)), naive(bytes));
            let mut out = [0; FrameHeader::MAX_LEN];
            assert_eq!(header.encode(&mut out), len);
            assert_eq!(out[..len], bytes[..len]);
        }
        Err(error) => {
            assert_eq!(naive(bytes), None, "{error}");
        }
    }
}

/// The header at the start of `bytes` if it is there and allowed.
fn naive(bytes: &[u8]) -> Option<(FrameHeader, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let opcode = Opcode::from_bits(first % 16)?;
    let fin = first / 128 == 1;
    let (code, mut at) = (second % 128, 2);
    let mut digits = |count: usize| {
        let taken = bytes.get(at..at + count);
        at += count;
        taken.map(<[u8]>::to_vec)
    };
    let width = match code {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let extended = digits(width)?.iter().fold(0_u128, |sum, &byte| sum * 256 + u128::from(byte));
    let key = digits(if second / 128 == 1 { 4 } else { 0 })?;
    let payload_len = match code {
        126 if extended < 126 => return None,
        127 if !(65_536..1 << 63).contains(&extended) => return None,
        126 | 127 => u64::try_from(extended).ok()?,
        short => u64::from(short),
    };
    let control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
    if control && (!fin || payload_len > 125) {
        return None;
    }
    let masking_key = <[u8; 4]>::try_from(key).ok().map(MaskingKey::new);
    let mut header = FrameHeader::decode(&[first & 0xf0 | 2, 0]).ok()??.0;
    assert_eq!(header.rsv.bits(), first / 16 % 8);
    header = FrameHeader { fin, opcode, masking_key, payload_len, ..header };
    Some((header, at))
}
