use std::fmt;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::{STEP, TAIL, pool};

/// Blocks of 2048 symbols. Against zlib's usual 8, that saves 100 KB a context, and messages of JSON
/// between 1 and 256 KiB come out at most half a percent larger.
const MEM_LEVEL: i32 = 5;

/// The compressor of one direction of a connection.
pub struct Deflater {
    stream: Deflate,
    level: u8,
    window_bits: u8,
}

/// What the bytes given to a [`Deflater`] complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// A part of a message; more follows.
    Fragment,
    /// The message.
    Message,
}

impl Deflater {
    /// A compressor with an empty window. Allocates.
    ///
    /// `level` goes from 0 (store) over 1 (fast) to 9 (small); `window_bits` from 9 to 15. What is
    /// beyond is taken as the nearest.
    #[must_use]
    pub fn new(level: u8, window_bits: u8) -> Self {
        let (level, window_bits) = (level.min(9), window_bits.clamp(9, 15));
        let config = DeflateConfig {
            level: i32::from(level),
            // Negative: without zlib's header.
            window_bits: -i32::from(window_bits),
            mem_level: MEM_LEVEL,
            ..DeflateConfig::default()
        };
        Self { stream: Deflate::new_with_config(config), level, window_bits }
    }

    /// A compressor with an empty window, out of this thread's pool if that has one of the kind.
    #[must_use]
    pub fn take(level: u8, window_bits: u8) -> Self {
        pool::take_deflater(level.min(9), window_bits.clamp(9, 15))
            .unwrap_or_else(|| Self::new(level, window_bits))
    }

    /// Puts the compressor into this thread's pool, which keeps at most four of a kind and eight
    /// in all.
    pub fn give(mut self) {
        self.reset();
        pool::give_deflater(self);
    }

    /// Empties the window: the state of a new one. Costs a few microseconds.
    pub fn reset(&mut self) {
        self.stream.reset();
    }

    /// Appends `input`, compressed, to `out`: all of it, so that the receiver can decompress what
    /// it has. The end of a message leaves out the four bytes that RFC 7692 §7.2.1 says; the
    /// result is never empty.
    pub fn deflate(&mut self, input: &[u8], out: &mut Vec<u8>, flush: Flush) {
        let start = out.len();
        let mut filled = start;
        let mut rest = input;
        loop {
            let step = (rest.len() / 2).max(filled - start).clamp(64, STEP);
            out.resize(filled + step, 0);
            let spare = out.get_mut(filled..).unwrap_or_default();
            let (total_in, total_out) = (self.stream.total_in(), self.stream.total_out());
            let compressed = self.stream.compress(rest, spare, DeflateFlush::SyncFlush);
            // It fails only for a stream that was finished, and this one never is.
            debug_assert!(compressed.is_ok(), "{compressed:?}");
            rest = rest.get((self.stream.total_in() - total_in) as usize..).unwrap_or_default();
            let written = (self.stream.total_out() - total_out) as usize;
            filled += written;
            if written < step {
                break;
            }
        }
        match flush {
            Flush::Fragment => out.truncate(filled),
            Flush::Message if filled == start => {
                // The flush before this one left nothing to flush: begin an empty block.
                out.truncate(start);
                out.push(0);
            }
            Flush::Message => out.truncate(filled - TAIL.len()),
        }
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.is(other.level, other.window_bits)
    }

    pub(super) fn is(&self, level: u8, window_bits: u8) -> bool {
        self.level == level && self.window_bits == window_bits
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("level", &self.level)
            .field("window_bits", &self.window_bits)
            .finish_non_exhaustive()
    }
}
