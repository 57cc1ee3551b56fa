//! Lone surrogates: `JSON.stringify` writes a string that was cut inside an emoji as `"\ud83d"`.
//! No Rust string can hold that, so it becomes U+FFFD, the replacement character.

use alloc::string::String;

use crate::scan::{Surrogate, hex4, is_low_surrogate_escape, surrogate};

/// A copy of a valid JSON text in which `\ufffd` takes the place of each surrogate escape that
/// lacks its other half. Its length is the same, and so is every position in it.
pub(crate) fn replace_lone(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut copy = String::with_capacity(json.len());
    let mut copied = 0;
    let mut at = 0;
    // In valid JSON a backslash occurs only at the start of an escape within a string.
    while let Some(offset) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == b'\\'))
    {
        let escape = at + offset;
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
