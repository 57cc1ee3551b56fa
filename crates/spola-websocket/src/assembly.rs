use bytestring::ByteString;
use spola_frame::incomplete_suffix;

use crate::{Event, Kind, Payload, Text, Violation, copy, recycle, text};

/// From so many bytes on, a message may be read straight into its buffer, and that be one that the
/// thread has kept.
const LARGE: usize = 16 * 1024;

/// A message that did not come in one piece: one growing buffer, already unmasked and, for text,
/// already validated.
#[derive(Debug)]
pub(crate) enum Assembly {
    Text(PartialText),
    Binary(PartialBinary),
}

impl Assembly {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(PartialText::default()),
            Kind::Binary => Self::Binary(PartialBinary::default()),
        }
    }

    /// Bytes of payload so far.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.valid.len() + text.carry_len,
            Self::Binary(binary) => binary.len,
        }
    }

    /// Appends unmasked bytes; `expected` says how many are known to come, these included.
    pub(crate) fn append(&mut self, bytes: &[u8], expected: u64) -> Result<(), Violation> {
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        match self {
            Self::Text(text) => text.append(bytes, expected),
            Self::Binary(binary) => {
                binary.append(bytes, expected);
                Ok(())
            }
        }
    }

    /// Room to read bytes straight into, of `expected` that are known to come, if that is worth it.
    pub(crate) fn large_read(&mut self, expected: u64) -> Option<&mut [u8]> {
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        match self {
            Self::Text(_) => None,
            Self::Binary(binary) => binary.large_read(expected),
        }
    }

    /// The next `len` bytes were read there; to be unmasked.
    pub(crate) fn read_large(&mut self, len: usize) -> &mut [u8] {
        match self {
            Self::Text(_) => &mut [],
            Self::Binary(binary) => binary.read_large(len),
        }
    }

    pub(crate) fn finish<'a>(self) -> Result<Event<'a>, Violation> {
        Ok(match self {
            Self::Text(text) => Event::Text(Text::Owned(text.finish()?)),
            Self::Binary(PartialBinary { buffer, len }) => {
                Event::Binary(Payload::Owned(recycle::payload(buffer, len)))
            }
        })
    }
}

/// Bytes that are put together.
#[derive(Debug, Default)]
pub(crate) struct PartialBinary {
    /// What lies behind the first `len` bytes was written once, and is room for more.
    buffer: Vec<u8>,
    len: usize,
}

impl PartialBinary {
    fn append(&mut self, bytes: &[u8], expected: usize) {
        if self.buffer.capacity() - self.len < bytes.len() {
            self.grow(bytes.len(), expected);
        }
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        let (fits, rest) = bytes.split_at(bytes.len().min(room.len()));
        copy::over(room, fits);
        self.len += fits.len();
        if !rest.is_empty() {
            copy::append(&mut self.buffer, rest);
            self.len = self.buffer.len();
        }
    }

    /// Makes room for `needed` bytes behind the first `len`.
    fn grow(&mut self, needed: usize, expected: usize) {
        let arrived = self.len + needed;
        if arrived >= LARGE
            && self.buffer.capacity() < recycle::MIN
            && let Some(mut kept) = recycle::take(self.len.saturating_add(expected), arrived)
        {
            copy::over(&mut kept, self.buffer.get(..self.len).unwrap_or_default());
            self.buffer = kept;
        }
        if self.buffer.capacity() - self.len < needed {
            self.buffer.truncate(self.len);
            self.buffer.reserve_exact(growth(self.len, needed, expected));
        }
    }

    fn large_read(&mut self, expected: usize) -> Option<&mut [u8]> {
        if self.len < LARGE || expected < LARGE {
            return None;
        }
        if self.buffer.len() - self.len < LARGE {
            let more = growth(self.len, 0, expected);
            self.buffer.truncate(self.len);
            self.buffer.reserve_exact(more);
            self.buffer.resize(self.len + more, 0);
        }
        let end = self.buffer.len().min(self.len.saturating_add(expected));
        self.buffer.get_mut(self.len..end)
    }

    fn read_large(&mut self, len: usize) -> &mut [u8] {
        let start = self.len;
        self.len = (start + len).min(self.buffer.len());
        self.buffer.get_mut(start..self.len).unwrap_or_default()
    }
}

/// How much to reserve for a buffer of `len` bytes that needs `needed` more now and expects
/// `expected` more in all: never much more than what has arrived.
fn growth(len: usize, needed: usize, expected: usize) -> usize {
    expected.min(len + needed).max(needed)
}

/// Text validated as it arrives, so that a wrong byte is found at once, and never twice.
#[derive(Debug, Default)]
pub(crate) struct PartialText {
    valid: String,
    /// The unfinished sequence at the end: its first `carry_len` bytes, a valid prefix.
    carry: [u8; 4],
    carry_len: usize,
}

impl PartialText {
    fn append(&mut self, bytes: &[u8], expected: usize) -> Result<(), Violation> {
        let mut rest = bytes;
        while self.carry_len > 0 {
            let Some((&byte, after)) = rest.split_first() else {
                return Ok(());
            };
            self.push_carried(byte)?;
            rest = after;
        }
        let (complete, tail) = rest.split_at(rest.len() - incomplete_suffix(rest));
        let complete = text::check(complete)?;
        if self.valid.capacity() - self.valid.len() < complete.len() {
            self.valid.reserve_exact(growth(self.valid.len(), complete.len(), expected));
        }
        copy::append_text(&mut self.valid, complete);
        tail.iter().try_for_each(|&byte| self.push_carried(byte))
    }

    fn push_carried(&mut self, byte: u8) -> Result<(), Violation> {
        let sequence = self.carry.get_mut(..=self.carry_len).ok_or(Violation::InvalidUtf8)?;
        if let Some(last) = sequence.last_mut() {
            *last = byte;
        }
        match std::str::from_utf8(sequence) {
            Ok(character) => {
                self.valid.push_str(character);
                self.carry_len = 0;
            }
            Err(error) if error.error_len().is_none() => self.carry_len += 1,
            Err(_) => return Err(Violation::InvalidUtf8),
        }
        Ok(())
    }

    fn finish(self) -> Result<ByteString, Violation> {
        if self.carry_len > 0 {
            return Err(Violation::InvalidUtf8);
        }
        Ok(self.valid.into())
    }
}
