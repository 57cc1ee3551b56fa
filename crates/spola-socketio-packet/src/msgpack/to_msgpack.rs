//! From JSON and attachments to MessagePack.
//!
//! Both are the same values in the same order, so this goes from token to token. Only the sizes,
//! which MessagePack puts first, are counted ahead.

use alloc::vec::Vec;

use bytes::Bytes;

use super::write;
use crate::{
    layout::unescape,
    scan::skip_space,
    string::{self, Notes},
};

/// Writes a JSON text, attachments in the place of their placeholders.
///
/// The text is valid as far as this crate has written or checked it. What an application calls
/// raw JSON need not be: it costs no more than a message that the peer does not understand.
pub(super) fn write(out: &mut Vec<u8>, json: &str, attachments: &[Bytes]) {
    let mut sizes = sizes(json).into_iter();
    let mut tokens = Tokens { json, pos: 0 };
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(bracket) => {
                let size = sizes.next().unwrap_or_default();
                if bracket == b'[' {
                    write::array(out, size);
                } else if let Some((bytes, end)) = placeholder(tokens, attachments) {
                    write::binary(out, bytes);
                    tokens.pos = end;
                } else {
                    write::map(out, size);
                }
            }
            Token::Text(quoted) => write_text(out, quoted),
            Token::Number(number) => write_number(out, number),
            Token::Literal(b't') => write::boolean(out, true),
            Token::Literal(b'f') => write::boolean(out, false),
            Token::Literal(_) => write::nil(out),
            Token::Close | Token::Comma | Token::Colon => {}
        }
    }
}

/// How many elements or members each array and object has, in the order in which they open.
fn sizes(json: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut after_open = false;
    for token in (Tokens { json, pos: 0 }) {
        // What comes first in a container counts, then what every comma brings.
        let first = after_open && !matches!(token, Token::Close);
        if (first || matches!(token, Token::Comma))
            && let Some(size) = open.last().and_then(|index| sizes.get_mut(*index))
        {
            *size += 1;
        }
        after_open = matches!(token, Token::Open(_));
        match token {
            Token::Open(_) => {
                open.push(sizes.len());
                sizes.push(0);
            }
            Token::Close => drop(open.pop()),
            Token::Comma | Token::Colon | Token::Text(_) | Token::Number(_) | Token::Literal(_) => {
            }
        }
    }
    sizes
}

/// The attachment that the object stands for whose bracket has just been read, and where the
/// object ends. A placeholder has no containers in it.
fn placeholder<'b>(mut tokens: Tokens<'_>, attachments: &'b [Bytes]) -> Option<(&'b Bytes, usize)> {
    if attachments.is_empty() {
        return None;
    }
    let (mut marked, mut attachment) = (false, None);
    loop {
        let (Token::Text(key), Token::Colon) = (tokens.next()?, tokens.next()?) else {
            return None;
        };
        match (key, tokens.next()?) {
            (_, Token::Open(_)) => return None,
            (r#""_placeholder""#, value) => marked = value == Token::Literal(b't'),
            (r#""num""#, Token::Number(number)) => {
                attachment = number.parse().ok().and_then(|num: usize| attachments.get(num));
            }
            _ => {}
        }
        if tokens.next()? == Token::Close {
            return Some((attachment.filter(|_| marked)?, tokens.pos));
        }
    }
}

fn write_text(out: &mut Vec<u8>, quoted: &str) {
    let text = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if text.contains('\\') {
        write::text(out, &unescape(quoted));
    } else {
        write::text(out, text);
    }
}

fn write_number(out: &mut Vec<u8>, number: &str) {
    if let Ok(unsigned) = number.parse() {
        write::unsigned(out, unsigned);
    } else if let Ok(signed) = number.parse() {
        write::signed(out, signed);
    } else {
        match number.parse::<f64>() {
            Ok(float) if float.is_finite() => write::float(out, float),
            _ => write::nil(out),
        }
    }
}

/// What JSON is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// `[` or `{`.
    Open(u8),
    /// `]` or `}`.
    Close,
    Comma,
    Colon,
    /// A string with its quotes.
    Text(&'a str),
    Number(&'a str),
    /// A literal, by its first letter.
    Literal(u8),
}

#[derive(Clone, Copy)]
struct Tokens<'a> {
    json: &'a str,
    pos: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.json.as_bytes();
        let start = skip_space(bytes, self.pos);
        let first = *bytes.get(start)?;
        self.pos = start + 1;
        Some(match first {
            b'[' | b'{' => Token::Open(first),
            b']' | b'}' => Token::Close,
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => {
                self.pos = string::read(bytes, start, &mut Notes::default())?;
                Token::Text(self.json.get(start..self.pos)?)
            }
            _ => {
                let rest = self.json.get(start..)?;
                let delimiter = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
                self.pos = start + rest.find(delimiter).unwrap_or(rest.len());
                match first {
                    b'-' | b'0'..=b'9' => Token::Number(self.json.get(start..self.pos)?),
                    _ => Token::Literal(first),
                }
            }
        })
    }
}
