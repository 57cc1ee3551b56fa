//! A JSON validator: iterative, without allocation, bounded in depth. It checks a text once when
//! a packet arrives, so that every later reader can rely on it.
//!
//! Positions are arguments and results, not fields, so that they stay in registers.

use crate::{JsonError, string};

/// The deepest nesting that the stack of container kinds, one bit each, can hold.
pub(crate) const MAX_DEPTH: u8 = 128;

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Literal,
}

/// How an event's array begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) name: Name,
    /// Where the first argument ends, if it is a string without escapes and has but the comma
    /// before it.
    pub(crate) text_end: Option<usize>,
}

/// An event's name within its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    /// Whether it is a string with escapes.
    pub(crate) escaped: bool,
}

/// Reads JSON from left to right.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    max_depth: u8,
    too_deep: bool,
    notes: string::Notes,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_depth: u8) -> Self {
        let max_depth = max_depth.min(MAX_DEPTH);
        Self { bytes, max_depth, too_deep: false, notes: string::Notes::default() }
    }

    /// Whether a string so far had a surrogate escape without its other half.
    pub(crate) const fn lone_surrogate(&self) -> bool {
        self.notes.lone_surrogate
    }

    /// Reads from `pos` to the end: one value and nothing else.
    pub(crate) fn document(&mut self, pos: usize) -> Result<Kind, JsonError> {
        let pos = skip_space(self.bytes, pos);
        let kind = match self.bytes.get(pos) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Literal,
        };
        let end = self.value(pos);
        self.ended(end)?;
        Ok(kind)
    }

    /// Reads from `pos` to the end: an array that begins with a string or a number, the name.
    /// `None` if it does not begin so, JSON or not.
    #[inline]
    pub(crate) fn event(&mut self, pos: usize) -> Result<Option<Opening>, JsonError> {
        let Some(name) = self.name(pos) else {
            return Ok(None);
        };
        let text_end = self.plain_text(name.end);
        // Most events carry one text and nothing more.
        if let Some(end) = text_end
            && self.bytes.get(end..) == Some(b"]")
        {
            return Ok(Some(Opening { name, text_end }));
        }
        // The stack as it is within the array: one container, no object.
        let stack = Stack { depth: 1, objects: 0 };
        let end = self.values(text_end.unwrap_or(name.end), stack, Next::End);
        self.ended(end)?;
        Ok(Some(Opening { name, text_end }))
    }

    /// Reads a comma and a string without escapes, if that is what comes.
    fn plain_text(&self, pos: usize) -> Option<usize> {
        let text = self.bytes.get(pos..)?.strip_prefix(b",\"")?;
        let len = string::plain_run(text);
        if *text.get(len)? != b'"' {
            return None;
        }
        Some(pos + len + 3)
    }

    /// Reads what an event begins with: an array's bracket and the name. In line, since else the
    /// name would go through memory in every event.
    #[inline(always)]
    pub(crate) fn name(&mut self, pos: usize) -> Option<Name> {
        let pos = skip_space(self.bytes, pos);
        if *self.bytes.get(pos)? != b'[' {
            return None;
        }
        let start = skip_space(self.bytes, pos + 1);
        let (end, kind) = match *self.bytes.get(start)? {
            b'"' => (string::read(self.bytes, start, &mut self.notes)?, Kind::String),
            b'-' | b'0'..=b'9' => (number(self.bytes, start)?, Kind::Number),
            _ => return None,
        };
        Some(Name { start, end, kind, escaped: self.notes.escape })
    }

    /// Reads one value and returns where it ends.
    fn value(&mut self, pos: usize) -> Option<usize> {
        self.values(pos, Stack { depth: 0, objects: 0 }, Next::Value)
    }

    /// Reads on until the stack is empty, and returns where that is.
    fn values(&mut self, mut pos: usize, mut stack: Stack, mut next: Next) -> Option<usize> {
        let bytes = self.bytes;
        loop {
            pos = skip_space(bytes, pos);
            let byte = *bytes.get(pos)?;
            if next == Next::Value {
                next = Next::End;
                match byte {
                    b'"' => pos = string::read(bytes, pos, &mut self.notes)?,
                    b'-' | b'0'..=b'9' => pos = number(bytes, pos)?,
                    b'{' => {
                        self.open(&mut stack, true)?;
                        pos = skip_space(bytes, pos + 1);
                        if *bytes.get(pos)? != b'}' {
                            pos = self.key(pos)?;
                            next = Next::Value;
                        }
                    }
                    b'[' => {
                        self.open(&mut stack, false)?;
                        pos = skip_space(bytes, pos + 1);
                        if *bytes.get(pos)? != b']' {
                            next = Next::Value;
                        }
                    }
                    b't' => pos = literal(bytes, pos, b"true")?,
                    b'f' => pos = literal(bytes, pos, b"false")?,
                    b'n' => pos = literal(bytes, pos, b"null")?,
                    _ => return None,
                }
                if stack.depth == 0 {
                    return Some(pos);
                }
                continue;
            }
            match (byte, stack.in_object()) {
                (b',', in_object) => {
                    pos += 1;
                    if in_object {
                        pos = self.key(skip_space(bytes, pos))?;
                    }
                    next = Next::Value;
                }
                (b']', false) | (b'}', true) => {
                    pos += 1;
                    stack.pop();
                    if stack.depth == 0 {
                        return Some(pos);
                    }
                }
                _ => return None,
            }
        }
    }

    /// Reads a member's key and the colon.
    fn key(&mut self, pos: usize) -> Option<usize> {
        if *self.bytes.get(pos)? != b'"' {
            return None;
        }
        let pos = skip_space(self.bytes, string::read(self.bytes, pos, &mut self.notes)?);
        (*self.bytes.get(pos)? == b':').then_some(pos + 1)
    }

    fn open(&mut self, stack: &mut Stack, object: bool) -> Option<()> {
        if stack.depth >= self.max_depth {
            self.too_deep = true;
            return None;
        }
        stack.push(object);
        Some(())
    }

    /// Judges a text by where its value ended: it has to be the end of all.
    fn ended(&self, pos: Option<usize>) -> Result<(), JsonError> {
        match pos {
            Some(pos) if skip_space(self.bytes, pos) >= self.bytes.len() => Ok(()),
            None if self.too_deep => Err(JsonError::TooDeep),
            Some(_) | None => Err(JsonError::Malformed),
        }
    }
}

/// What is due: a value, or what ends or parts values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    End,
}

/// The containers that are open.
struct Stack {
    depth: u8,
    /// One bit each, the innermost lowest: set for an object.
    objects: u128,
}

impl Stack {
    const fn push(&mut self, object: bool) {
        self.depth += 1;
        self.objects = self.objects << 1 | object as u128;
    }

    const fn pop(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// The elements of a valid array, by where they start.
#[derive(Debug)]
pub(crate) struct Elements<'a> {
    scanner: Scanner<'a>,
    pos: usize,
    /// Whether `pos` is at an element that was handed out, to be passed over.
    at_element: bool,
}

impl<'a> Elements<'a> {
    /// The elements of an array, or of the rest of one that begins with a comma.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { scanner: Scanner::new(bytes, MAX_DEPTH), pos: 0, at_element: false }
    }
}

impl Iterator for Elements<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bytes = self.scanner.bytes;
        if self.at_element {
            self.pos = self.scanner.value(self.pos)?;
        }
        let pos = skip_space(bytes, self.pos);
        if !matches!(bytes.get(pos), Some(b'[' | b',')) {
            return None;
        }
        self.pos = skip_space(bytes, pos + 1);
        self.at_element = bytes.get(self.pos) != Some(&b']');
        self.at_element.then_some(self.pos)
    }
}

/// Reads a number within the range of doubles.
fn number(bytes: &[u8], start: usize) -> Option<usize> {
    let mut pos = start + usize::from(bytes.get(start) == Some(&b'-'));
    pos = match *bytes.get(pos)? {
        b'0' => pos + 1,
        b'1'..=b'9' => digits(bytes, pos),
        _ => return None,
    };
    if bytes.get(pos) == Some(&b'.') {
        pos = some_digits(bytes, pos + 1)?;
    }
    let exponent = matches!(bytes.get(pos), Some(b'e' | b'E'));
    if exponent {
        let sign = matches!(bytes.get(pos + 1), Some(b'+' | b'-'));
        pos = some_digits(bytes, pos + 1 + usize::from(sign))?;
    }
    // Without an exponent, 300 bytes cannot reach the largest double (1.8e308).
    if exponent || pos - start > 300 {
        let number = core::str::from_utf8(bytes.get(start..pos)?).ok()?;
        number.parse().ok().filter(|number: &f64| number.is_finite())?;
    }
    Some(pos)
}

fn some_digits(bytes: &[u8], pos: usize) -> Option<usize> {
    let end = digits(bytes, pos);
    (end > pos).then_some(end)
}

fn digits(bytes: &[u8], mut pos: usize) -> usize {
    while matches!(bytes.get(pos), Some(b'0'..=b'9')) {
        pos += 1;
    }
    pos
}

fn literal(bytes: &[u8], pos: usize, literal: &[u8]) -> Option<usize> {
    bytes.get(pos..)?.starts_with(literal).then_some(pos + literal.len())
}

pub(crate) fn skip_space(bytes: &[u8], mut pos: usize) -> usize {
    while matches!(bytes.get(pos), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        pos += 1;
    }
    pos
}
