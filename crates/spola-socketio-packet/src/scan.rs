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
    notes: string::Notes,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8], max_depth: u8) -> Self {
        let max_depth = max_depth.min(MAX_DEPTH);
        Self {
            bytes,
            max_depth,
            notes: string::Notes::default(),
        }
    }

    /// Whether a string so far had a surrogate escape without its other half.
    pub(crate) const fn lone_surrogate(&self) -> bool {
        self.notes.lone_surrogate
    }

    /// Reads from `pos` to the end: one value and nothing else.
    pub(crate) fn document(&mut self, pos: usize) -> Result<Kind, JsonError> {
        let pos = skip_space(self.bytes, pos);
        let kind = match peek(self.bytes, pos)? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => Kind::Literal,
        };
        let pos = self.value(pos)?;
        self.end(pos)?;
        Ok(kind)
    }

    /// Reads from `pos` to the end: an array that begins with a string or a number, the name.
    /// `None` if it does not begin so.
    pub(crate) fn event(&mut self, pos: usize) -> Result<Option<Name>, JsonError> {
        let Some(name) = self.name(pos)? else {
            return Ok(None);
        };
        // The stack as it is within the array: one container, no object.
        let pos = self.values(
            name.end,
            Stack {
                depth: 1,
                objects: 0,
            },
            Next::End,
        )?;
        self.end(pos)?;
        Ok(Some(name))
    }

    /// Reads what an event begins with: an array's bracket and the name.
    pub(crate) fn name(&mut self, pos: usize) -> Result<Option<Name>, JsonError> {
        let pos = skip_space(self.bytes, pos);
        if self.bytes.get(pos) != Some(&b'[') {
            return Ok(None);
        }
        let start = skip_space(self.bytes, pos + 1);
        let (end, kind) = match self.bytes.get(start) {
            Some(b'"') => (
                string::read(self.bytes, start, &mut self.notes)?,
                Kind::String,
            ),
            Some(b'-' | b'0'..=b'9') => (number(self.bytes, start)?, Kind::Number),
            _ => return Ok(None),
        };
        Ok(Some(Name {
            start,
            end,
            kind,
            escaped: self.notes.escape,
        }))
    }

    /// Reads one value and returns where it ends.
    pub(crate) fn value(&mut self, pos: usize) -> Result<usize, JsonError> {
        self.values(
            pos,
            Stack {
                depth: 0,
                objects: 0,
            },
            Next::Value,
        )
    }

    /// Reads on until the stack is empty, and returns where that is.
    fn values(
        &mut self,
        mut pos: usize,
        mut stack: Stack,
        mut next: Next,
    ) -> Result<usize, JsonError> {
        let bytes = self.bytes;
        loop {
            pos = skip_space(bytes, pos);
            if next == Next::Value {
                next = Next::End;
                match peek(bytes, pos)? {
                    b'"' => pos = string::read(bytes, pos, &mut self.notes)?,
                    b'-' | b'0'..=b'9' => pos = number(bytes, pos)?,
                    b'{' => {
                        stack.push(true, self.max_depth)?;
                        pos = skip_space(bytes, pos + 1);
                        if peek(bytes, pos)? != b'}' {
                            pos = self.key(pos)?;
                            next = Next::Value;
                        }
                    }
                    b'[' => {
                        stack.push(false, self.max_depth)?;
                        pos = skip_space(bytes, pos + 1);
                        if peek(bytes, pos)? != b']' {
                            next = Next::Value;
                        }
                    }
                    b't' => pos = literal(bytes, pos, b"true")?,
                    b'f' => pos = literal(bytes, pos, b"false")?,
                    b'n' => pos = literal(bytes, pos, b"null")?,
                    _ => return Err(JsonError::Malformed),
                }
                if stack.depth == 0 {
                    return Ok(pos);
                }
                continue;
            }
            match (peek(bytes, pos)?, stack.in_object()) {
                (b',', false) => {
                    pos += 1;
                    next = Next::Value;
                }
                (b',', true) => {
                    pos = self.key(skip_space(bytes, pos + 1))?;
                    next = Next::Value;
                }
                (b']', false) | (b'}', true) => {
                    pos += 1;
                    stack.pop();
                    if stack.depth == 0 {
                        return Ok(pos);
                    }
                }
                _ => return Err(JsonError::Malformed),
            }
        }
    }

    /// Reads a member's key and the colon.
    fn key(&mut self, pos: usize) -> Result<usize, JsonError> {
        if peek(self.bytes, pos)? != b'"' {
            return Err(JsonError::Malformed);
        }
        let pos = skip_space(self.bytes, string::read(self.bytes, pos, &mut self.notes)?);
        if peek(self.bytes, pos)? != b':' {
            return Err(JsonError::Malformed);
        }
        Ok(pos + 1)
    }

    fn end(&self, pos: usize) -> Result<(), JsonError> {
        if skip_space(self.bytes, pos) < self.bytes.len() {
            return Err(JsonError::Malformed);
        }
        Ok(())
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
    fn push(&mut self, object: bool, max_depth: u8) -> Result<(), JsonError> {
        if self.depth >= max_depth {
            return Err(JsonError::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        Ok(())
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
    /// The elements behind the one that ends at `pos`, or all of the array that starts there.
    pub(crate) fn new(bytes: &'a [u8], pos: usize) -> Self {
        Self {
            scanner: Scanner::new(bytes, MAX_DEPTH),
            pos,
            at_element: false,
        }
    }
}

impl Iterator for Elements<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let bytes = self.scanner.bytes;
        if self.at_element {
            self.pos = self.scanner.value(self.pos).ok()?;
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

fn number(bytes: &[u8], start: usize) -> Result<usize, JsonError> {
    let mut pos = start + usize::from(bytes.get(start) == Some(&b'-'));
    pos = match bytes.get(pos) {
        Some(b'0') => pos + 1,
        Some(b'1'..=b'9') => digits(bytes, pos),
        _ => return Err(JsonError::Malformed),
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
        check_range(bytes.get(start..pos).unwrap_or_default())?;
    }
    Ok(pos)
}

fn check_range(number: &[u8]) -> Result<(), JsonError> {
    let number = core::str::from_utf8(number)
        .ok()
        .and_then(|number| number.parse::<f64>().ok());
    if number.is_some_and(f64::is_finite) {
        Ok(())
    } else {
        Err(JsonError::NumberOutOfRange)
    }
}

fn some_digits(bytes: &[u8], pos: usize) -> Result<usize, JsonError> {
    let end = digits(bytes, pos);
    if end == pos {
        Err(JsonError::Malformed)
    } else {
        Ok(end)
    }
}

fn digits(bytes: &[u8], mut pos: usize) -> usize {
    while matches!(bytes.get(pos), Some(b'0'..=b'9')) {
        pos += 1;
    }
    pos
}

fn literal(bytes: &[u8], pos: usize, literal: &[u8]) -> Result<usize, JsonError> {
    if !bytes
        .get(pos..)
        .is_some_and(|rest| rest.starts_with(literal))
    {
        return Err(JsonError::Malformed);
    }
    Ok(pos + literal.len())
}

fn skip_space(bytes: &[u8], mut pos: usize) -> usize {
    while matches!(bytes.get(pos), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        pos += 1;
    }
    pos
}

fn peek(bytes: &[u8], pos: usize) -> Result<u8, JsonError> {
    bytes.get(pos).copied().ok_or(JsonError::Malformed)
}
