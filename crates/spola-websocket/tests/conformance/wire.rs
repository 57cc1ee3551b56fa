//! Frames by their bytes.

use spola_frame::{MaskingKey, mask};

use crate::row::Role;

/// The masking key of the client under test: none to speak of, so that what it writes can be read.
pub(crate) const KEY: [u8; 4] = [0; 4];

/// A frame of the connection under test, its first byte given.
pub(crate) fn own_frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    match role {
        Role::Server => plain(first, payload),
        Role::Client => with_key(first, payload, KEY),
    }
}

/// A server's frame, its first byte given.
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    [&head(first, 0, payload.len())[..], payload].concat()
}

/// A client's frame, its first byte given.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    with_key(first, payload, [0x37, 0xfa, 0x21, 0x3d])
}

fn with_key(first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    mask(&mut payload, MaskingKey::new(key), 0);
    [&head(first, 0x80, payload.len())[..], &key, &payload].concat()
}

/// The start of a header with the length in its shortest form; `bit` says whether a key follows.
pub(crate) fn head(first: u8, bit: u8, len: usize) -> Vec<u8> {
    match len {
        0..=125 => vec![first, bit | len as u8],
        126..=0xffff => [&[first, bit | 126][..], &(len as u16).to_be_bytes()].concat(),
        _ => [&[first, bit | 127][..], &(len as u64).to_be_bytes()].concat(),
    }
}
