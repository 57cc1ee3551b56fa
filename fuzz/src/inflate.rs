//! The decompressor of permessage-deflate.

use flate2::{Decompress, FlushDecompress, Status};
use spola_websocket::deflate::{InflateError, Inflater, Progress};

use crate::number;

/// What ends a message, and is not sent.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The first byte says how long the pieces are that the rest comes in, the second how much room
/// there is at a time. However that is, the message comes out the same, and as another decompressor
/// has it.
pub fn check(bytes: &[u8]) {
    let (size, rest) = number(bytes);
    let (room, message) = number(rest);
    let whole = inflated(message, usize::MAX, 1 << 16);
    let (size, room) = ((size + 1).max(message.len() / 200), 1 + room * 41);
    let pieces = inflated(message, size, room);
    assert_eq!(pieces.1, whole.1, "in pieces of {size}, {room} at a time");
    if whole.1.is_ok() {
        assert!(pieces.0 == whole.0, "in pieces of {size}, {room} at a time");
    }
    let (reference, ended) = reference(message);
    match (whole.1, ended) {
        (Ok(()), Ended::Open) => assert!(whole.0 == reference, "inflated to something else"),
        // What follows a final block is not looked at there.
        (Ok(()), Ended::FinalBlock) => assert!(whole.0.starts_with(&reference)),
        (Ok(()), Ended::Error) => panic!("the reference finds an error"),
        // The reference forgives references to before the beginning; and how much comes out before
        // an error depends on the pieces.
        (Err(_), _) => {}
    }
}

/// What a message inflates to, and how it ends.
fn inflated(message: &[u8], size: usize, room: usize) -> (Vec<u8>, Result<(), InflateError>) {
    let mut inflater = Inflater::new();
    let mut out = Vec::new();
    for mut piece in message.chunks(size) {
        loop {
            let before = out.len();
            let progress = inflater.inflate(&mut piece, &mut out, room);
            assert!(out.len() - before <= room, "more than there was room for");
            match progress {
                Ok(Progress::OutputFull) => assert_eq!(out.len() - before, room),
                Ok(Progress::NeedsInput) => break,
                Err(error) => return (out, Err(error)),
            }
        }
        assert!(piece.is_empty(), "input left over");
    }
    loop {
        let before = out.len();
        let progress = inflater.finish(&mut out, room);
        assert!(out.len() - before <= room, "more than there was room for");
        match progress {
            Ok(Progress::OutputFull) => {}
            Ok(Progress::NeedsInput) => return (out, Ok(())),
            Err(error) => return (out, Err(error)),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Ended {
    Open,
    FinalBlock,
    Error,
}

/// What miniz makes of it.
fn reference(message: &[u8]) -> (Vec<u8>, Ended) {
    let wire = [message, &TAIL].concat();
    let mut decoder = Decompress::new(false);
    let mut out = Vec::new();
    loop {
        let at = usize::try_from(decoder.total_in()).unwrap_or(usize::MAX);
        let before = out.len();
        out.reserve(1 << 16);
        match decoder.decompress_vec(&wire[at..], &mut out, FlushDecompress::None) {
            Err(_) => return (out, Ended::Error),
            Ok(Status::StreamEnd) => return (out, Ended::FinalBlock),
            Ok(Status::Ok | Status::BufError) => {
                let used_up = decoder.total_in() == wire.len() as u64;
                if used_up && (out.len() == before || out.len() < out.capacity()) {
                    return (out, Ended::Open);
                }
            }
        }
    }
}
