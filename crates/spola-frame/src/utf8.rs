use core::{fmt, str};

/// Checks UTF-8 that arrives in pieces, and fails at the first byte that no continuation can mend.
///
/// A sequence may be cut anywhere between pieces: up to three of its bytes are carried along.
/// After an error the validator is spent.
///
/// ```
/// use spola_frame::Utf8Validator;
///
/// let mut text = Utf8Validator::new();
/// assert!(text.push(b"caf\xc3").is_ok());
/// assert!(text.push(b"\xa9").is_ok());
/// assert!(text.finish().is_ok());
/// assert_eq!(text.push(b"ab\xff").unwrap_err().offset, 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Validator {
    /// The unfinished sequence at the end of what was pushed: the first `len` bytes count, and
    /// they are a valid prefix.
    carried: [u8; 3],
    len: u8,
}

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf8Error {
    /// Where the first wrong byte lies in the piece last pushed; 0 from
    /// [`finish`](Utf8Validator::finish).
    pub offset: usize,
}

impl Utf8Validator {
    /// A validator at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            carried: [0; 3],
            len: 0,
        }
    }

    /// Checks the next piece.
    ///
    /// # Errors
    /// When a byte cannot be part of a valid text, even if its sequence is not complete yet:
    /// overlong forms, surrogates and values above U+10FFFF fail at the byte that shows them.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&byte, after)) = rest.split_first() else {
                return Ok(());
            };
            if self.push_carried(byte).is_err() {
                return Err(Utf8Error {
                    offset: piece.len() - rest.len(),
                });
            }
            rest = after;
        }
        let Err(error) = str::from_utf8(rest) else {
            return Ok(());
        };
        let bad = rest.get(error.valid_up_to()..).unwrap_or_default();
        match error.error_len() {
            // Either the lead byte itself is wrong, or the byte after a valid prefix.
            Some(len) => {
                let wrong = if bad.first().is_some_and(|&lead| width(lead) > 1) {
                    len
                } else {
                    0
                };
                Err(Utf8Error {
                    offset: piece.len() - bad.len() + wrong,
                })
            }
            None => {
                for (slot, &byte) in self.carried.iter_mut().zip(bad) {
                    *slot = byte;
                }
                self.len = bad.len() as u8;
                Ok(())
            }
        }
    }

    /// Checks that the text may end here.
    ///
    /// # Errors
    /// When a sequence is unfinished.
    pub const fn finish(&self) -> Result<(), Utf8Error> {
        if self.len == 0 {
            Ok(())
        } else {
            Err(Utf8Error { offset: 0 })
        }
    }

    fn push_carried(&mut self, byte: u8) -> Result<(), ()> {
        let len = usize::from(self.len);
        let mut sequence = [0; 4];
        sequence[..3].copy_from_slice(&self.carried);
        sequence[len] = byte;
        match str::from_utf8(&sequence[..=len]) {
            Ok(_) => self.len = 0,
            Err(error) if error.error_len().is_none() => {
                // An unfinished sequence has at most three bytes, so `len` is at most two here.
                self.carried[len] = byte;
                self.len += 1;
            }
            Err(_) => return Err(()),
        }
        Ok(())
    }
}

impl fmt::Display for Utf8Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid UTF-8 at byte {}", self.offset)
    }
}

impl core::error::Error for Utf8Error {}

/// How many bytes at the end of `piece` (0 to 3) start a UTF-8 sequence that goes on after it,
/// judged by the lead byte alone.
///
/// The bytes before them are complete sequences if they are UTF-8 at all, so a caller can check
/// those in one pass with its favourite validator and keep the rest for later.
#[inline]
#[must_use]
pub fn incomplete_suffix(piece: &[u8]) -> usize {
    for (seen, &byte) in (1..=3).zip(piece.iter().rev()) {
        if byte & 0xc0 != 0x80 {
            return if width(byte) > seen { seen } else { 0 };
        }
    }
    0
}

/// The length of the sequence a lead byte announces; 1 for bytes that lead none.
#[inline]
const fn width(lead: u8) -> usize {
    match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}
