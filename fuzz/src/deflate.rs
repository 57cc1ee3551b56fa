//! The compressor of permessage-deflate.

use spola_websocket::deflate::{Deflater, Flush, Inflater, Progress};

use crate::number;

/// Three bytes say the level, the bits of the window and the size of the pieces; the rest is cut
/// into messages at each line end. All of them come back from a decompressor that keeps its window,
/// whether the compressor does or not.
pub fn check(bytes: &[u8]) {
    let (level, rest) = number(bytes);
    let (bits, rest) = number(rest);
    let (size, rest) = number(rest);
    let takeover = level >= 128;
    let mut deflater = Deflater::new((level % 11) as u8, 9 + (bits % 7) as u8);
    let mut inflater = Inflater::new();
    for message in rest.split(|&byte| byte == b'\n') {
        let mut wire = Vec::new();
        let mut pieces = message.chunks(size + 1).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let flush = if pieces.peek().is_some() { Flush::Fragment } else { Flush::Message };
            let before = wire.len();
            deflater.deflate(piece, &mut wire, flush);
            assert!(wire.len() > before, "nothing for {piece:x?}");
            if flush == Flush::Message {
                break;
            }
        }
        assert!(!wire.ends_with(&[0, 0, 0xff, 0xff]), "what is left out was sent");
        let mut out = Vec::new();
        let inflated = inflater
            .inflate(&mut &wire[..], &mut out, usize::MAX)
            .and_then(|_| inflater.finish(&mut out, usize::MAX));
        assert_eq!(inflated, Ok(Progress::NeedsInput));
        assert!(out == message, "{out:x?} of {message:x?}");
        if !takeover {
            deflater.reset();
        }
    }
}
