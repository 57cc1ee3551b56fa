//! MessagePack's values, each in its shortest form.

use alloc::vec::Vec;

pub(super) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

pub(super) fn unsigned(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let [.., a, b, c, d] = bytes;
    match value {
        0..=0x7f => out.push(d),
        0x80..=0xff => out.extend_from_slice(&[0xcc, d]),
        0x100..=0xffff => out.extend_from_slice(&[0xcd, c, d]),
        0x1_0000..=0xffff_ffff => out.extend_from_slice(&[0xce, a, b, c, d]),
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend_from_slice(&bytes);
        }
    }
}

pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    let bytes = value.to_be_bytes();
    let [.., a, b, c, d] = bytes;
    match value {
        0.. => unsigned(out, value.unsigned_abs()),
        -0x20..0 => out.push(d),
        -0x80..-0x20 => out.extend_from_slice(&[0xd0, d]),
        -0x8000..-0x80 => out.extend_from_slice(&[0xd1, c, d]),
        -0x8000_0000..-0x8000 => out.extend_from_slice(&[0xd2, a, b, c, d]),
        ..-0x8000_0000 => {
            out.push(0xd3);
            out.extend_from_slice(&bytes);
        }
    }
}

pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    out.push(0xcb);
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    match value.len() {
        len @ ..0x20 => out.push(0xa0 | len as u8),
        len @ 0x20..0x100 => out.extend_from_slice(&[0xd9, len as u8]),
        len => long(out, len, [0xda, 0xdb]),
    }
    out.extend_from_slice(value.as_bytes());
}

pub(super) fn binary(out: &mut Vec<u8>, value: &[u8]) {
    match value.len() {
        len @ ..0x100 => out.extend_from_slice(&[0xc4, len as u8]),
        len => long(out, len, [0xc5, 0xc6]),
    }
    out.extend_from_slice(value);
}

pub(super) fn array(out: &mut Vec<u8>, len: usize) {
    match len {
        ..0x10 => out.push(0x90 | len as u8),
        _ => long(out, len, [0xdc, 0xdd]),
    }
}

pub(super) fn map(out: &mut Vec<u8>, len: usize) {
    match len {
        ..0x10 => out.push(0x80 | len as u8),
        _ => long(out, len, [0xde, 0xdf]),
    }
}

/// A length of two bytes or four, behind the marker of each. A packet's text and its attachments
/// have less than 4 GiB.
fn long(out: &mut Vec<u8>, len: usize, [two, four]: [u8; 2]) {
    if let Ok(len) = u16::try_from(len) {
        out.push(two);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(four);
        out.extend_from_slice(&(len as u32).to_be_bytes());
    }
}
