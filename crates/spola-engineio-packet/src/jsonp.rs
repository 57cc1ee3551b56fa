//! JSONP, by which browsers without cross-origin requests poll (§11.6): a payload as a script, and a
//! payload out of a form.
//!
//! ```
//! use spola_engineio_packet::jsonp;
//!
//! assert_eq!(jsonp::script(0, "2:40"), r#"___eio[0]("2:40");"#);
//! assert_eq!(jsonp::payload_of_form(b"d=2%3A40").as_deref(), Some("2:40"));
//! ```

use alloc::string::String;
use core::fmt::Write as _;

use bytestring::ByteString;

/// The script that hands `payload` to the callback which the client numbered `index`.
///
/// U+2028 and U+2029 are escaped: to old browsers they end a line, which no string may span.
#[must_use]
pub fn script(index: u32, payload: &str) -> ByteString {
    let mut script = String::with_capacity(payload.len().saturating_add(40));
    // Writing into a `String` cannot fail.
    let _ = write!(script, "___eio[{index}](\"");
    for character in payload.chars() {
        match character {
            '"' => script.push_str("\\\""),
            '\\' => script.push_str("\\\\"),
            '\n' => script.push_str("\\n"),
            '\r' => script.push_str("\\r"),
            '\t' => script.push_str("\\t"),
            '\u{8}' => script.push_str("\\b"),
            '\u{c}' => script.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(script, "\\u{:04x}", u32::from(character));
            }
            _ => script.push(character),
        }
    }
    script.push_str("\");");
    script.into()
}

/// The payload in the body of a POST: the field `d` of a form, with the client's escaping of newlines
/// undone. `None` without such a field, which the official server takes for a body without packets.
///
/// The client writes a newline as `\n`, two characters, and what was `\n` before as `\\n`.
#[must_use]
pub fn payload_of_form(body: &[u8]) -> Option<ByteString> {
    let (_, field) = form_urlencoded::parse(body).find(|(name, _)| name == "d")?;
    let mut payload = String::with_capacity(field.len());
    let mut rest = &*field;
    while let Some((before, behind)) = rest.split_once("\\n") {
        rest = behind;
        match before.strip_suffix('\\') {
            Some(before) => {
                payload.push_str(before);
                payload.push_str("\\n");
            }
            None => {
                payload.push_str(before);
                payload.push('\n');
            }
        }
    }
    payload.push_str(rest);
    Some(payload.into())
}
