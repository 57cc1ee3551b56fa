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
        Self { carried: [0; 3], len: 0 }
    }

    /// Checks the next piece.
    ///
    /// # Errors
    /// When a byte cannot be part of a valid text, even if its sequence is not complete yet:
    /// overlong forms, surrogates and values above U+10FFFF fail at the byte that shows them.
    #[inline]
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        if self.len > 0 {
            return self.push_behind_carried(piece);
        }
        match str::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) => self.carry(piece, 0, error),
        }
    }

    fn push_behind_carried(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&byte, after)) = rest.split_first() else {
                return Ok(());
            };
            if self.push_carried(byte).is_err() {
                return Err(Utf8Error { offset: piece.len() - rest.len() });
            }
            rest = after;
        }
        match str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) => self.carry(rest, piece.len() - rest.len(), error),
        }
    }

    /// Carries an unfinished sequence at the end of `rest`, which lies at `start` in its piece, if
    /// that is all that is wrong.
    fn carry(&mut self, rest: &[u8], start: usize, error: str::Utf8Error) -> Result<(), Utf8Error> {
        let bad = rest.get(error.valid_up_to()..).unwrap_or_default();
        match error.error_len() {
            // Either the lead byte itself is wrong, or the byte after a valid prefix.
            Some(len) => {
                let wrong = if bad.first().is_some_and(|&lead| width(lead) > 1) { len } else { 0 };
                Err(Utf8Error { offset: start + error.valid_up_to() + wrong })
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
        if self.len == 0 { Ok(()) } else { Err(Utf8Error { offset: 0 }) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{
        string::{String, ToString},
        vec::Vec,
    };

    /// Table 3-7 of the Unicode standard, byte by byte: the ranges that may follow.
    #[derive(Clone, Default)]
    struct Naive(Vec<(u8, u8)>);

    impl Naive {
        fn push(&mut self, byte: u8) -> bool {
            if let Some((low, high)) = self.0.pop() {
                return (low..=high).contains(&byte);
            }
            let tail = (0x80, 0xbf);
            self.0 = match byte {
                0x00..=0x7f => Vec::new(),
                0xc2..=0xdf => [tail].into(),
                0xe0 => [tail, (0xa0, 0xbf)].into(),
                0xed => [tail, (0x80, 0x9f)].into(),
                0xe1..=0xef => [tail, tail].into(),
                0xf0 => [tail, tail, (0x90, 0xbf)].into(),
                0xf1..=0xf3 => [tail, tail, tail].into(),
                0xf4 => [tail, tail, (0x80, 0x8f)].into(),
                _ => return false,
            };
            true
        }

        /// Where the first wrong byte is, or whether the text may end.
        fn check(bytes: &[u8]) -> Result<bool, usize> {
            let mut state = Self::default();
            match bytes.iter().position(|&byte| !state.push(byte)) {
                Some(offset) => Err(offset),
                None => Ok(state.0.is_empty()),
            }
        }
    }

    fn in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<bool, usize> {
        let mut validator = Utf8Validator::new();
        let mut before = 0;
        for piece in pieces {
            validator.push(piece).map_err(|error| before + error.offset)?;
            before += piece.len();
        }
        Ok(validator.finish().is_ok())
    }

    #[test]
    fn the_validator_is_small() {
        assert!(size_of::<Utf8Validator>() <= 8);
    }

    #[test]
    fn every_pair_and_interesting_quadruple_agrees_with_the_naive_twin() {
        let edges = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
            0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfe, 0xff,
        ];
        for a in 0..=255 {
            for b in 0..=255 {
                check(&[a, b]);
            }
        }
        for a in edges.into_iter().filter(|&lead| lead >= 0xe0) {
            for b in edges {
                for c in edges {
                    for d in edges {
                        check(&[a, b, c, d]);
                    }
                }
            }
        }
    }

    fn check(bytes: &[u8]) {
        let expected = Naive::check(bytes);
        assert_eq!(in_pieces([bytes].into_iter()), expected, "{bytes:x?}");
        assert_eq!(in_pieces(bytes.chunks(1)), expected, "{bytes:x?}");
        assert_eq!(expected == Ok(true), str::from_utf8(bytes).is_ok());
    }

    #[test]
    fn the_wrong_byte_is_named() {
        for (bytes, offset) in [
            (&b"\xed\xa0"[..], 1),
            (b"\xf4\x90", 1),
            (b"\xc0", 0),
            (b"\xf8", 0),
            (b"ab\x80", 2),
            (b"ab\xe2\x82x", 4),
            (b"\xc3\xa9\xc3\xff", 3),
        ] {
            let error = Utf8Validator::new().push(bytes).unwrap_err();
            assert_eq!(error, Utf8Error { offset }, "{bytes:x?}");
        }
        assert_eq!(Utf8Error { offset: 7 }.to_string(), "invalid UTF-8 at byte 7");
    }

    proptest! {
        #[test]
        fn pieces_validate_like_the_whole(
            text: String,
            noise in proptest::option::of((0usize..50, 0u8..)),
            size in 1usize..9,
        ) {
            let mut bytes = text.into_bytes();
            if let Some((at, byte)) = noise {
                bytes.insert(at.min(bytes.len()), byte);
            }
            prop_assert_eq!(in_pieces(bytes.chunks(size)), Naive::check(&bytes));
        }

        #[test]
        fn an_incomplete_suffix_leaves_whole_characters(text: String, cut in 0usize..50) {
            let bytes = &text.as_bytes()[..cut.min(text.len())];
            let whole = &bytes[..bytes.len() - incomplete_suffix(bytes)];
            prop_assert!(str::from_utf8(whole).is_ok());
            prop_assert_eq!(whole.len(), str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len));
        }
    }
}
