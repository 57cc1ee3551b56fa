//! JSON strings: where they end, what their escapes are worth.
//!
//! `JSON.stringify` writes a string that was cut inside an emoji as `"\ud83d"`, a lone surrogate.
//! No Rust string can hold that, so it becomes U+FFFD, the replacement character.

use alloc::string::String;

/// What was seen within strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// An escape, of whatever kind.
    pub(crate) escape: bool,
    /// A surrogate escape without its other half.
    pub(crate) lone_surrogate: bool,
}

/// Reads the string whose opening quote is at `start`, and returns where it ends.
#[inline]
pub(crate) fn read(bytes: &[u8], start: usize, notes: &mut Notes) -> Option<usize> {
    let mut pos = start + 1;
    loop {
        pos += plain_run(bytes.get(pos..)?);
        match *bytes.get(pos)? {
            b'"' => return Some(pos + 1),
            b'\\' => pos = escape(bytes, pos, notes)?,
            _ => return None,
        }
    }
}

/// The string that begins `json`, if it has no escapes.
#[inline]
pub(crate) fn plain(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?;
    let (plain, rest) = text.split_at_checked(plain_run(text.as_bytes()))?;
    rest.starts_with('"').then_some(plain)
}

/// How many bytes at the start stand for themselves within a string: none of them a quote, a
/// backslash or a control character.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    // Most strings are short.
    let Some(word) = bytes.first_chunk() else {
        return plain_tail(bytes);
    };
    let run = plain_in_word(*word);
    if run < 8 { run } else { plain_run_of_long(bytes) }
}

#[inline(never)]
fn plain_run_of_long(bytes: &[u8]) -> usize {
    let mut plain = plain_blocks::<64>(bytes);
    plain += plain_blocks::<16>(bytes.get(plain..).unwrap_or_default());
    while let Some(word) = bytes.get(plain..).and_then(|rest| rest.first_chunk()) {
        let run = plain_in_word(*word);
        plain += run;
        if run < 8 {
            return plain;
        }
    }
    // The last word overlaps the one before it.
    bytes.last_chunk().map_or(0, |word| bytes.len() - 8 + plain_in_word(*word))
}

/// For less than a word: fills it up with plain bytes.
#[inline(never)]
fn plain_tail(bytes: &[u8]) -> usize {
    let mut word = [b' '; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    plain_in_word(word).min(bytes.len())
}

#[inline]
fn plain_in_word(word: [u8; 8]) -> usize {
    special_bytes(u64::from_le_bytes(word)).trailing_zeros() as usize / 8
}

/// How many bytes the plain blocks at the start have. A block is looked at to its end, come what may,
/// which the compiler turns into vectors.
fn plain_blocks<const LEN: usize>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<LEN>();
    let plain = |block: &&[u8; LEN]| !block.iter().fold(false, |any, byte| any | is_special(*byte));
    blocks.iter().take_while(plain).count() * LEN
}

const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

/// Sets the top bit of the first special byte, and of no byte before it. (Bytes behind a special
/// one may be marked wrongly, for the subtractions borrow.)
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & TOPS
}

#[cold]
fn escape(bytes: &[u8], start: usize, notes: &mut Notes) -> Option<usize> {
    notes.escape = true;
    match *bytes.get(start + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(start + 2),
        b'u' => match surrogate(hex4(bytes, start + 2)?) {
            Surrogate::None => Some(start + 6),
            Surrogate::High if is_low_surrogate_escape(bytes, start + 6) => Some(start + 12),
            Surrogate::High | Surrogate::Low => {
                notes.lone_surrogate = true;
                Some(start + 6)
            }
        },
        _ => None,
    }
}

/// A copy of a valid JSON text in which `\ufffd` takes the place of each surrogate escape that
/// lacks its other half. Its length is the same, and so is every position in it.
pub(crate) fn replace_lone_surrogates(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut copy = String::with_capacity(json.len());
    let mut copied = 0;
    let mut at = 0;
    // In valid JSON a backslash occurs only at the start of an escape within a string.
    while let Some(run) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\\')) {
        let escape = at + run;
        at = escape + 2;
        if bytes.get(escape + 1) != Some(&b'u') {
            continue;
        }
        match hex4(bytes, escape + 2).map_or(Surrogate::None, surrogate) {
            Surrogate::None => {}
            Surrogate::High if is_low_surrogate_escape(bytes, escape + 6) => at = escape + 12,
            Surrogate::High | Surrogate::Low => {
                copy.push_str(json.get(copied..escape).unwrap_or_default());
                copy.push_str(r"\ufffd");
                at = escape + 6;
                copied = at;
            }
        }
    }
    copy.push_str(json.get(copied..).unwrap_or_default());
    copy
}

enum Surrogate {
    None,
    High,
    Low,
}

const fn surrogate(unit: u16) -> Surrogate {
    match unit {
        0xd800..=0xdbff => Surrogate::High,
        0xdc00..=0xdfff => Surrogate::Low,
        _ => Surrogate::None,
    }
}

/// Whether `\uDC00` to `\uDFFF` stands at `at`.
fn is_low_surrogate_escape(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(br"\u"))
        && matches!(hex4(bytes, at + 2).map(surrogate), Some(Surrogate::Low))
}

/// The four hexadecimal digits at `at`.
fn hex4(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<4>()?.iter().try_fold(0, |unit, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}
