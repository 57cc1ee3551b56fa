use bytes::{BufMut, Bytes};
use bytestring::ByteString;
use spola_frame::{MaskingKey, incomplete_suffix, mask};

use crate::{Event, Payload, Text, Violation, copy};

/// What a message must have received, and must still miss in the current frame, before it is read
/// straight into its own buffer.
const LARGE_READ_MIN: usize = 16 * 1024;

/// The most that is reserved ahead of what arrived, unless more has arrived already.
const AHEAD: usize = 64 * 1024;

/// A message that did not come in one piece: one growing buffer, already unmasked and, for text,
/// already validated.
#[derive(Debug)]
pub(crate) struct Assembly {
    payload: Partial,
    /// Frames so far.
    pub(crate) fragments: u32,
}

#[derive(Debug)]
enum Partial {
    Text(PartialText),
    Binary {
        buffer: Vec<u8>,
        /// How much of `buffer` is accounted for; the rest was read straight into it.
        done: usize,
    },
}

impl Assembly {
    pub(crate) fn text() -> Self {
        Self { payload: Partial::Text(PartialText::default()), fragments: 0 }
    }

    pub(crate) fn binary() -> Self {
        Self { payload: Partial::Binary { buffer: Vec::new(), done: 0 }, fragments: 0 }
    }

    /// Bytes of payload so far.
    pub(crate) fn len(&self) -> usize {
        match &self.payload {
            Partial::Text(text) => text.valid.len() + text.carried().len(),
            Partial::Binary { done, .. } => *done,
        }
    }

    /// Appends unmasked bytes; `remaining` says how many the current frame is still to bring,
    /// these included.
    pub(crate) fn append(&mut self, bytes: &[u8], remaining: u64) -> Result<(), Violation> {
        let expected = usize::try_from(remaining).unwrap_or(usize::MAX);
        match &mut self.payload {
            Partial::Text(text) => text.append(bytes, expected),
            Partial::Binary { buffer, done } => {
                let spare = buffer.capacity() - buffer.len();
                if spare < bytes.len() {
                    buffer.reserve_exact(growth(buffer.len(), bytes.len(), expected));
                }
                copy::append(buffer, bytes);
                *done = buffer.len();
                Ok(())
            }
        }
    }

    /// Room to read at most `remaining` masked bytes into, if reading that way is worth it.
    pub(crate) fn large_read(&mut self, remaining: u64) -> Option<impl BufMut + '_> {
        let remaining = usize::try_from(remaining).unwrap_or(usize::MAX);
        let Partial::Binary { buffer, done } = &mut self.payload else {
            return None;
        };
        if remaining < LARGE_READ_MIN || *done < LARGE_READ_MIN || buffer.len() != *done {
            return None;
        }
        let mut spare = buffer.capacity() - buffer.len();
        if spare < remaining.min(LARGE_READ_MIN) {
            buffer.reserve_exact(growth(buffer.len(), 0, remaining));
            spare = buffer.capacity() - buffer.len();
        }
        Some(buffer.limit(remaining.min(spare)))
    }

    /// Accounts for what was read straight into the buffer; says how many bytes.
    pub(crate) fn absorb(&mut self, key: Option<MaskingKey>, phase: usize) -> usize {
        let Partial::Binary { buffer, done } = &mut self.payload else {
            return 0;
        };
        let fresh = buffer.get_mut(*done..).unwrap_or_default();
        let len = fresh.len();
        if let Some(key) = key {
            mask(fresh, key, phase);
        }
        *done += len;
        len
    }

    pub(crate) fn finish<'a>(self) -> Result<Event<'a>, Violation> {
        Ok(match self.payload {
            Partial::Text(text) => Event::Text(Text::Owned(text.finish()?)),
            Partial::Binary { buffer, .. } => Event::Binary(Payload::Owned(Bytes::from(buffer))),
        })
    }
}

/// How much to reserve for a buffer of `len` bytes that needs `needed` more now and expects
/// `expected` more in all: never much more than what has arrived.
fn growth(len: usize, needed: usize, expected: usize) -> usize {
    let arrived = len + needed;
    let ahead = if len < LARGE_READ_MIN { arrived } else { arrived.max(AHEAD) };
    expected.min(ahead).max(needed)
}

/// Text validated as it arrives, so that a wrong byte is found at once, and never twice.
#[derive(Debug, Default)]
struct PartialText {
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
        let complete = simdutf8::basic::from_utf8(complete).map_err(|_| Violation::InvalidUtf8)?;
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

    fn carried(&self) -> &[u8] {
        self.carry.get(..self.carry_len).unwrap_or_default()
    }

    fn finish(self) -> Result<ByteString, Violation> {
        if self.carry_len > 0 {
            return Err(Violation::InvalidUtf8);
        }
        Ok(self.valid.into())
    }
}
