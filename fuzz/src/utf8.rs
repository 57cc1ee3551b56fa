//! The incremental UTF-8 validator.

use spola_frame::{Utf8Validator, incomplete_suffix};

use crate::number;

/// The first byte says how long the pieces are that the rest comes in. Whatever they are, the
/// validator says what the standard library says of the whole, and names the first byte that no
/// continuation can mend.
pub fn check(bytes: &[u8]) {
    let (size, text) = number(bytes);
    let size = size % 67 + 1;
    let mut validator = Utf8Validator::new();
    let mut seen = 0;
    for piece in text.chunks(size) {
        if let Err(error) = validator.push(piece) {
            assert!(error.offset < piece.len());
            let wrong = seen + error.offset;
            assert!(can_go_on(&text[..wrong]), "an earlier byte is wrong");
            assert!(!can_go_on(&text[..=wrong]), "byte {wrong} is right");
            return;
        }
        seen += piece.len();
        assert!(can_go_on(&text[..seen]), "an error was missed");
        let whole = seen - incomplete_suffix(&text[..seen]);
        assert!(std::str::from_utf8(&text[..whole]).is_ok(), "the suffix was cut wrongly");
    }
    assert_eq!(validator.finish().is_ok(), std::str::from_utf8(text).is_ok());
}

/// Whether something could follow `bytes` that makes it text.
fn can_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).err().is_none_or(|error| error.error_len().is_none())
}
