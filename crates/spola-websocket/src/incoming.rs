use spola_frame::Opcode;

use crate::{
    Chunk, Kind, Payload, Violation,
    assembly::Assembly,
    config::Limits,
    inflation::{Inflation, Progress},
    reader::{Depth, Read},
    text::TextCheck,
};

/// The most that one chunk of a compressed message holds.
const CHUNK: usize = 64 * 1024;

/// Inflated bytes that are looked at together.
const STEP: usize = 16 * 1024;

/// A message that did not come in one piece, or that is compressed.
#[derive(Debug)]
pub(crate) struct Incoming {
    kind: Kind,
    compressed: bool,
    fragments: u32,
    /// Payload bytes as they came, over all fragments.
    wire_len: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// To be handed out whole.
    Whole(Assembly),
    /// Handed out as it comes.
    Chunks(Chunks),
    /// What is left of a message that was begun in chunks: nobody wants it.
    Skipped,
}

#[derive(Debug, Default)]
struct Chunks {
    text: TextCheck,
    begun: bool,
    /// Compressed bytes that the last chunk had no room for.
    pending: Vec<u8>,
    /// Whether a full chunk was handed out, and its rest is to be inflated before more is read.
    full: bool,
    /// Whether the message's last byte has come.
    complete: bool,
}

/// A piece of a message's payload, unmasked.
pub(crate) struct Piece<'a> {
    pub(crate) bytes: &'a [u8],
    /// Bytes that the frame was still to bring, these included.
    pub(crate) expected: u64,
    /// Whether the message ends with them.
    pub(crate) last: bool,
}

impl Incoming {
    pub(crate) fn new(kind: Kind, compressed: bool, depth: Depth) -> Self {
        let body = match depth {
            Depth::Messages => Body::Whole(Assembly::new(kind)),
            Depth::Chunks => Body::Chunks(Chunks::default()),
        };
        Self { kind, compressed, fragments: 0, wire_len: 0, body }
    }

    /// A message of one frame that does not come in one piece. Its size was checked before.
    pub(crate) fn unfragmented(opcode: Opcode, depth: Depth) -> Self {
        let kind = if opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
        Self { fragments: 1, ..Self::new(kind, false, depth) }
    }

    /// Whether it has to be completed in time.
    pub(crate) fn is_timed(&self) -> bool {
        matches!(self.body, Body::Whole(_) | Body::Skipped)
    }

    /// Bytes that are kept of it, inflated if it is compressed.
    pub(crate) fn kept_len(&self) -> usize {
        match &self.body {
            Body::Whole(assembly) => assembly.len(),
            Body::Chunks(chunks) => chunks.pending.len(),
            Body::Skipped => 0,
        }
    }

    /// Whether there is more to hand out before anything is read.
    pub(crate) fn is_due(&self) -> bool {
        matches!(&self.body, Body::Chunks(chunks) if chunks.full)
    }

    /// Counts a frame's announced payload, against the limits if the message has any.
    pub(crate) fn begin_frame(&mut self, limits: &Limits, len: u64) -> Result<(), Violation> {
        self.fragments = self.fragments.saturating_add(1);
        self.wire_len = self.wire_len.saturating_add(len);
        match &self.body {
            Body::Whole(_) => self.check(limits),
            Body::Chunks(_) | Body::Skipped => Ok(()),
        }
    }

    /// Whether what was announced so far is within the limits of a whole message.
    fn check(&self, limits: &Limits) -> Result<(), Violation> {
        if self.fragments > limits.max_fragments {
            return Err(Violation::TooManyFragments);
        }
        let max = limits.max_message_size as u64;
        // Fast compressors add up to an eighth to what does not compress, and some bytes a fragment.
        let max = match self.compressed {
            true => max.saturating_add(max / 7 + 64 + 8 * u64::from(self.fragments)),
            false => max,
        };
        if self.wire_len > max { Err(Violation::MessageTooBig) } else { Ok(()) }
    }

    /// Whole messages are wanted from now on: nobody wants the rest of one that was begun in chunks,
    /// and one of which nothing was handed out yet becomes whole. Whether it is over.
    pub(crate) fn leave_chunks(
        &mut self,
        limits: &Limits,
        inflation: &mut Inflation,
    ) -> Result<bool, Violation> {
        let Body::Chunks(chunks) = &self.body else {
            return Ok(false);
        };
        if !chunks.begun {
            self.body = Body::Whole(Assembly::new(self.kind));
            return self.check(limits).map(|()| false);
        }
        if self.compressed && chunks.full {
            skip(inflation, &chunks.pending, chunks.complete)?;
        }
        let over = chunks.complete;
        self.body = Body::Skipped;
        Ok(over)
    }

    /// Takes the next piece in. What it comes to, if anything; the message is over with `last`
    /// unless [`is_due`](Self::is_due).
    pub(crate) fn add<'a>(
        &mut self,
        limits: &Limits,
        inflation: &mut Inflation,
        piece: Piece<'a>,
    ) -> Result<Option<Read<'a>>, Violation> {
        let Self { kind, compressed, body, .. } = self;
        match body {
            Body::Whole(assembly) => {
                if *compressed {
                    inflate_whole(limits, inflation, assembly, &piece)?;
                } else {
                    let left = limits.max_message_size.saturating_sub(assembly.len());
                    assembly.append(piece.bytes, piece.expected.min(left as u64))?;
                }
                if !piece.last {
                    return Ok(None);
                }
                let whole = std::mem::replace(assembly, Assembly::new(*kind));
                whole.finish().map(|event| Some(Read::Message(event)))
            }
            Body::Chunks(chunks) if *compressed => {
                chunks.complete = piece.last;
                chunks.inflate(*kind, inflation, piece.bytes)
            }
            Body::Chunks(chunks) => chunks.hand_out(*kind, piece),
            Body::Skipped if *compressed => skip(inflation, piece.bytes, piece.last).map(|()| None),
            Body::Skipped => Ok(None),
        }
    }

    /// Room to read `expected` bytes of a frame straight into, if that is worth it.
    pub(crate) fn large_read(&mut self, expected: u64) -> Option<&mut [u8]> {
        match &mut self.body {
            Body::Whole(assembly) if !self.compressed => assembly.large_read(expected),
            Body::Whole(_) | Body::Chunks(_) | Body::Skipped => None,
        }
    }

    /// The next `len` bytes were read there; to be unmasked.
    pub(crate) fn read_large(&mut self, len: usize) -> &mut [u8] {
        match &mut self.body {
            Body::Whole(assembly) => assembly.read_large(len),
            Body::Chunks(_) | Body::Skipped => &mut [],
        }
    }

    /// Goes on with what a full chunk left over.
    pub(crate) fn go_on<'a>(
        &mut self,
        inflation: &mut Inflation,
    ) -> Result<Option<Read<'a>>, Violation> {
        let Body::Chunks(chunks) = &mut self.body else {
            return Ok(None);
        };
        let pending = std::mem::take(&mut chunks.pending);
        chunks.inflate(self.kind, inflation, &pending)
    }

    /// Whether the last byte has come and everything was handed out.
    pub(crate) fn is_over(&self) -> bool {
        matches!(&self.body, Body::Chunks(chunks) if chunks.complete && !chunks.full)
    }
}

impl Chunks {
    fn hand_out<'a>(
        &mut self,
        kind: Kind,
        piece: Piece<'a>,
    ) -> Result<Option<Read<'a>>, Violation> {
        self.complete = piece.last;
        self.chunk(kind, Payload::Borrowed(piece.bytes))
    }

    /// Inflates until a chunk is full or `input` is used up.
    fn inflate<'a>(
        &mut self,
        kind: Kind,
        inflation: &mut Inflation,
        mut input: &[u8],
    ) -> Result<Option<Read<'a>>, Violation> {
        let mut out = Vec::new();
        let mut progress = inflation.inflate(&mut input, &mut out, CHUNK)?;
        if self.complete && progress == Progress::NeedsInput {
            progress = match CHUNK - out.len() {
                0 => Progress::OutputFull,
                room => inflation.finish(&mut out, room)?,
            };
        }
        self.full = progress == Progress::OutputFull;
        self.pending = input.to_vec();
        self.chunk(kind, Payload::Owned(out.into()))
    }

    /// The chunk, unless there is nothing to tell.
    fn chunk<'a>(&mut self, kind: Kind, data: Payload<'a>) -> Result<Option<Read<'a>>, Violation> {
        let last = self.complete && !self.full;
        if kind == Kind::Text {
            self.text.push(&data)?;
            if last {
                self.text.finish()?;
            }
        }
        if data.is_empty() && !last {
            return Ok(None);
        }
        let first = !std::mem::replace(&mut self.begun, true);
        Ok(Some(Read::Chunk(Chunk { kind, data, first, last })))
    }
}

/// Inflates a piece into the message, and no further than its limit.
fn inflate_whole(
    limits: &Limits,
    inflation: &mut Inflation,
    assembly: &mut Assembly,
    piece: &Piece<'_>,
) -> Result<(), Violation> {
    let mut input = piece.bytes;
    let mut out = Vec::new();
    let mut ending = false;
    loop {
        let room = (limits.max_message_size - assembly.len()).saturating_add(1).min(STEP);
        let progress = if ending {
            inflation.finish(&mut out, room)?
        } else {
            inflation.inflate(&mut input, &mut out, room)?
        };
        let excess = out.len() > limits.max_message_size - assembly.len();
        // A text may be wrong before it is too large, however it was cut.
        out.truncate(limits.max_message_size - assembly.len());
        let left = limits.max_message_size - assembly.len();
        assembly.append(&out, left as u64)?;
        if excess {
            return Err(Violation::MessageTooBig);
        }
        out.clear();
        match progress {
            Progress::OutputFull => {}
            Progress::NeedsInput if piece.last && !ending => ending = true,
            Progress::NeedsInput => return Ok(()),
        }
    }
}

/// Inflates for the sake of the window alone, if that outlives the message.
fn skip(inflation: &mut Inflation, mut input: &[u8], last: bool) -> Result<(), Violation> {
    if !inflation.outlives_messages() {
        inflation.abandon();
        return Ok(());
    }
    let mut out = Vec::new();
    while inflation.inflate(&mut input, &mut out, STEP)? == Progress::OutputFull {
        out.clear();
    }
    while last && inflation.finish(&mut out, STEP)? == Progress::OutputFull {
        out.clear();
    }
    Ok(())
}
