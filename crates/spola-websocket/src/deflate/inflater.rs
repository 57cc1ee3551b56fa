use std::{error, fmt};

use zlib_rs::{Inflate, InflateFlush, Status};

use super::{STEP, TAIL, pool};

/// The decompressor of one direction of a connection.
///
/// Its window always has 32 KiB, the most that can be negotiated: it decodes what was compressed
/// with any smaller one.
pub struct Inflater {
    stream: Inflate,
    /// Bytes were taken since the last message ended, or since the last final block.
    open: bool,
    /// The last call ended for want of room: there may be output that needs no more input.
    pending: bool,
}

/// Why the decompressor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All input was taken and all there is was put out. From [`Inflater::finish`]: the message is
    /// complete, and the next may begin.
    NeedsInput,
    /// The room is used up. There may be more: call again, with the rest of the input.
    OutputFull,
}

/// A message that is not compressed as RFC 7692 says; it closes the connection with 1007.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InflateError {
    /// Not a DEFLATE stream.
    Invalid,
    /// The message ended inside a DEFLATE block.
    Truncated,
}

impl Inflater {
    /// A decompressor with an empty window. Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self { stream: Inflate::new(false, 15), open: false, pending: false }
    }

    /// A decompressor with an empty window, out of this thread's pool if that has one.
    #[must_use]
    pub fn take() -> Self {
        pool::take_inflater().unwrap_or_default()
    }

    /// Puts the decompressor into this thread's pool, which keeps at most four.
    pub fn give(mut self) {
        self.reset();
        pool::give_inflater(self);
    }

    /// Empties the window and forgets any unfinished message: the state of a new one.
    pub fn reset(&mut self) {
        self.stream.reset(false);
        self.open = false;
        self.pending = false;
    }

    /// Takes compressed bytes off the front of `input` and appends at most `room` bytes to `out`,
    /// which grows with what is produced. A message may come in any pieces.
    ///
    /// A block with the final bit ends its stream, and a new one begins at the next byte (RFC 7692
    /// §7.2.3.4), with an empty window: no compressor that ends a stream refers back beyond it.
    ///
    /// # Errors
    /// [`InflateError::Invalid`]; only [`reset`](Self::reset) makes the decompressor usable again.
    pub fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Progress, InflateError> {
        let start = out.len();
        let end = start.saturating_add(room);
        let mut filled = start;
        let progress = loop {
            if filled == out.len() {
                if filled == end {
                    break Ok(Progress::OutputFull);
                }
                let step = input.len().saturating_mul(4).max(filled - start).clamp(64, STEP);
                out.resize(filled.saturating_add(step).min(end), 0);
            }
            let Some(spare) = out.get_mut(filled..) else {
                break Ok(Progress::OutputFull);
            };
            let spare_len = spare.len();
            let (status, written) = match self.step(input, spare, InflateFlush::NoFlush) {
                Ok(step) => step,
                Err(error) => break Err(error),
            };
            filled += written;
            if status == Status::StreamEnd {
                self.reset();
            } else {
                self.pending = written == spare_len;
            }
            if input.is_empty() && !self.pending {
                break Ok(Progress::NeedsInput);
            }
        };
        out.truncate(filled);
        progress
    }

    /// Ends the message: puts out what is still to come, at most `room` bytes, and checks that the
    /// message was whole. Until it gives [`Progress::NeedsInput`], call it again.
    ///
    /// # Errors
    /// [`InflateError::Truncated`], or [`InflateError::Invalid`] as from [`inflate`](Self::inflate).
    pub fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Result<Progress, InflateError> {
        if self.pending && self.inflate(&mut &[][..], out, room)? == Progress::OutputFull {
            return Ok(Progress::OutputFull);
        }
        // Nothing at all, or nothing after a final block: some compressors leave out the empty
        // block that should stand there, and the tail would not fit.
        if !self.open {
            return Ok(Progress::NeedsInput);
        }
        // The tail completes an empty block, if the message was whole. Told to stop at a block's
        // end, the decoder then leaves the byte behind the tail.
        let [a, b, c, d] = TAIL;
        let probe = [a, b, c, d, 0];
        let mut rest = &probe[..];
        let (status, written) = self.step(&mut rest, &mut [0], InflateFlush::Block)?;
        if status != Status::Ok || written != 0 || rest.len() != 1 {
            return Err(InflateError::Truncated);
        }
        self.open = false;
        Ok(Progress::NeedsInput)
    }

    fn step(
        &mut self,
        input: &mut &[u8],
        out: &mut [u8],
        flush: InflateFlush,
    ) -> Result<(Status, usize), InflateError> {
        let (total_in, total_out) = (self.stream.total_in(), self.stream.total_out());
        let status =
            self.stream.decompress(input, out, flush).map_err(|_| InflateError::Invalid)?;
        let taken = (self.stream.total_in() - total_in) as usize;
        let written = (self.stream.total_out() - total_out) as usize;
        *input = input.get(taken..).unwrap_or_default();
        self.open |= taken > 0;
        Ok((status, written))
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("open", &self.open)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "not a DEFLATE stream",
            Self::Truncated => "a compressed message ended inside a block",
        })
    }
}

impl error::Error for InflateError {}
