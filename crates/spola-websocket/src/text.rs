use spola_frame::{Utf8Validator, incomplete_suffix};

use crate::Violation;

/// Checks a text that passes by in pieces, each byte once, and fails at the first piece that no
/// continuation can mend.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextCheck(Utf8Validator);

impl TextCheck {
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let mut rest = piece;
        while self.finish().is_err() {
            let Some((byte, after)) = rest.split_first() else {
                return Ok(());
            };
            self.carry(std::slice::from_ref(byte))?;
            rest = after;
        }
        let (complete, tail) = rest.split_at(rest.len() - incomplete_suffix(rest));
        check(complete)?;
        self.carry(tail)
    }

    /// Whether the text may end here.
    pub(crate) fn finish(&self) -> Result<(), Violation> {
        self.0.finish().map_err(|_| Violation::InvalidUtf8)
    }

    fn carry(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.0.push(bytes).map_err(|_| Violation::InvalidUtf8)
    }
}

/// From so many bytes on, vector instructions are worth their start.
const VECTOR_MIN: usize = 64;

/// Up to so many, they are not if the text is ASCII.
const ASCII_MAX: usize = 256;

/// The same bytes as text.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Violation> {
    let begins_as_ascii = || bytes.first_chunk::<32>().is_some_and(|head| head.is_ascii());
    if bytes.len() < VECTOR_MIN || (bytes.len() < ASCII_MAX && begins_as_ascii()) {
        return str::from_utf8(bytes).map_err(|_| Violation::InvalidUtf8);
    }
    simdutf8::basic::from_utf8(bytes).map_err(|_| Violation::InvalidUtf8)
}
