use alloc::string::String;
use core::fmt::{self, Write};

use serde::ser::Error as _;
use serde_json::Error;

use crate::string::plain_run;

/// Bytes for the quotes of a string and for what commonly follows the last one.
const ROOM: usize = 16;

/// Appends a JSON string.
pub(crate) fn write_str(out: &mut String, text: &str) {
    // And what closes around it: else the last bracket of a long packet would double its buffer.
    out.reserve(text.len() + ROOM);
    out.push('"');
    let mut rest = text;
    loop {
        let run = plain_run(rest.as_bytes());
        let Some((plain, tail)) = rest.split_at_checked(run) else {
            break;
        };
        out.push_str(plain);
        let mut tail = tail.chars();
        let Some(special) = tail.next() else { break };
        write_escape(out, special);
        rest = tail.as_str();
    }
    out.push('"');
}

#[cold]
fn write_escape(out: &mut String, special: char) {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    match special {
        '"' => out.push_str(r#"\""#),
        '\\' => out.push_str(r"\\"),
        '\u{8}' => out.push_str(r"\b"),
        '\t' => out.push_str(r"\t"),
        '\n' => out.push_str(r"\n"),
        '\u{c}' => out.push_str(r"\f"),
        '\r' => out.push_str(r"\r"),
        control => {
            out.push_str(r"\u00");
            out.extend([4, 0].map(|shift| HEX[(u32::from(control) >> shift) as usize % 16]));
        }
    }
}

pub(crate) fn write_integer(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    write_unsigned(out, value.unsigned_abs());
}

/// Appends a number in decimal digits.
pub(crate) fn write_unsigned(out: &mut String, mut value: u64) {
    // 2^64 has twenty digits.
    let mut digits = [b'0'; 20];
    let mut count = 0;
    for digit in digits.iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
        count += 1;
        if value == 0 {
            break;
        }
    }
    let digits = digits.get(digits.len() - count..).unwrap_or_default();
    out.push_str(core::str::from_utf8(digits).unwrap_or_default());
}

/// Appends what formatting gives: numbers, which need no escapes.
pub(crate) fn write_display(out: &mut String, number: fmt::Arguments<'_>) -> Result<(), Error> {
    out.write_fmt(number).map_err(Error::custom)
}
