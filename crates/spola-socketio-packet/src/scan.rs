//! A JSON validator: iterative, without allocation, bounded in depth. It checks a text once when
//! a packet arrives, so that every later reader can rely on it.

use crate::JsonError;

/// The deepest nesting that the scanner's stack of container kinds, one bit each, can hold.
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

/// Reads one JSON text from left to right.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    pos: usize,
    depth: u8,
    max_depth: u8,
    /// One bit for each open container, the innermost lowest: set for an object.
    objects: u128,
    /// Whether a string had a surrogate escape without its other half.
    pub(crate) lone_surrogate: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner of `bytes` from `pos` on.
    pub(crate) fn new(bytes: &'a [u8], pos: usize, max_depth: u8) -> Self {
        let max_depth = max_depth.min(MAX_DEPTH);
        Self {
            bytes,
            pos,
            depth: 0,
            max_depth,
            objects: 0,
            lone_surrogate: false,
        }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Reads a whole text: one value and nothing after it.
    pub(crate) fn document(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        let kind = kind_of(self.peek()?)?;
        self.values()?;
        self.end()?;
        Ok(kind)
    }

    /// Enters an array, if the text is one.
    pub(crate) fn enter_array(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        if self.peek()? != b'[' {
            return Ok(false);
        }
        self.open(false)?;
        self.skip_space();
        Ok(true)
    }

    /// Reads the scalar that comes next, if it is a string or a number.
    pub(crate) fn string_or_number(&mut self) -> Result<Option<Kind>, JsonError> {
        match self.peek()? {
            b'"' => self.string().map(|()| Some(Kind::String)),
            b'-' | b'0'..=b'9' => self.number().map(|()| Some(Kind::Number)),
            _ => Ok(None),
        }
    }

    /// Reads to the end of the text from behind a value within a container.
    pub(crate) fn rest(&mut self) -> Result<(), JsonError> {
        if self.after_value()? {
            self.values()?;
        }
        self.end()
    }

    /// Passes over one byte.
    pub(crate) fn skip_byte(&mut self) {
        self.pos += 1;
    }

    /// Passes over one element of an array that is valid and was not entered by this scanner.
    /// Returns where it starts, or `None` at the array's end.
    pub(crate) fn next_element(&mut self, first: bool) -> Option<usize> {
        self.skip_space();
        match self.byte()? {
            b',' if !first => self.pos += 1,
            b']' => return None,
            _ if first => {}
            _ => return None,
        }
        self.skip_space();
        let start = self.pos;
        self.values().ok()?;
        Some(start)
    }

    /// Reads a value, and all that encloses it up to the end of the outermost container.
    fn values(&mut self) -> Result<(), JsonError> {
        loop {
            self.skip_space();
            match self.peek()? {
                b'{' => {
                    self.open(true)?;
                    self.skip_space();
                    if self.peek()? != b'}' {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.open(false)?;
                    self.skip_space();
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return Err(JsonError::Malformed),
            }
            if !self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Closes what ends behind a value. True when another value follows.
    fn after_value(&mut self) -> Result<bool, JsonError> {
        while self.depth > 0 {
            self.skip_space();
            let in_object = self.objects & 1 == 1;
            match (self.peek()?, in_object) {
                (b',', false) => {
                    self.pos += 1;
                    return Ok(true);
                }
                (b',', true) => {
                    self.pos += 1;
                    self.skip_space();
                    self.key()?;
                    return Ok(true);
                }
                (b']', false) | (b'}', true) => {
                    self.pos += 1;
                    self.depth -= 1;
                    self.objects >>= 1;
                }
                _ => return Err(JsonError::Malformed),
            }
        }
        Ok(false)
    }

    fn open(&mut self, object: bool) -> Result<(), JsonError> {
        if self.depth >= self.max_depth {
            return Err(JsonError::TooDeep);
        }
        self.pos += 1;
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        Ok(())
    }

    fn key(&mut self) -> Result<(), JsonError> {
        if self.peek()? != b'"' {
            return Err(JsonError::Malformed);
        }
        self.string()?;
        self.skip_space();
        if self.peek()? != b':' {
            return Err(JsonError::Malformed);
        }
        self.pos += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.pos += 1;
        loop {
            self.pos += plain_run(self.rest_of_text());
            match self.peek()? {
                b'"' => {
                    self.pos += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                _ => return Err(JsonError::Malformed),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.pos += 1;
        match self.peek()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.pos += 1;
                Ok(())
            }
            b'u' => {
                let unit = hex4(self.bytes, self.pos + 1).ok_or(JsonError::Malformed)?;
                self.pos += 5;
                match surrogate(unit) {
                    Surrogate::None => {}
                    Surrogate::High if self.low_surrogate_follows() => self.pos += 6,
                    Surrogate::High | Surrogate::Low => self.lone_surrogate = true,
                }
                Ok(())
            }
            _ => Err(JsonError::Malformed),
        }
    }

    fn low_surrogate_follows(&self) -> bool {
        is_low_surrogate_escape(self.bytes, self.pos)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.pos;
        if self.byte() == Some(b'-') {
            self.pos += 1;
        }
        match self.byte() {
            Some(b'0') => self.pos += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(JsonError::Malformed),
        }
        if self.byte() == Some(b'.') {
            self.pos += 1;
            self.some_digits()?;
        }
        let mut exponent = false;
        if let Some(b'e' | b'E') = self.byte() {
            exponent = true;
            self.pos += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.pos += 1;
            }
            self.some_digits()?;
        }
        // Without an exponent, 300 bytes cannot reach the largest double (1.8e308).
        if exponent || self.pos - start > 300 {
            self.check_range(start)?;
        }
        Ok(())
    }

    fn check_range(&self, start: usize) -> Result<(), JsonError> {
        let finite = self
            .bytes
            .get(start..self.pos)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse::<f64>().ok())
            .is_some_and(f64::is_finite);
        if finite {
            Ok(())
        } else {
            Err(JsonError::NumberOutOfRange)
        }
    }

    fn some_digits(&mut self) -> Result<(), JsonError> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(JsonError::Malformed);
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.pos += 1;
        }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), JsonError> {
        if !self.rest_of_text().starts_with(literal) {
            return Err(JsonError::Malformed);
        }
        self.pos += literal.len();
        Ok(())
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.byte().is_none() {
            Ok(())
        } else {
            Err(JsonError::Malformed)
        }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.pos += 1;
        }
    }

    fn rest_of_text(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn peek(&self) -> Result<u8, JsonError> {
        self.byte().ok_or(JsonError::Malformed)
    }
}

/// Where the valid JSON string ends that starts at `start`.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut scanner = Scanner::new(bytes, start, MAX_DEPTH);
    scanner.string().map_or(start, |()| scanner.pos)
}

fn kind_of(first: u8) -> Result<Kind, JsonError> {
    match first {
        b'{' => Ok(Kind::Object),
        b'[' => Ok(Kind::Array),
        b'"' => Ok(Kind::String),
        b'-' | b'0'..=b'9' => Ok(Kind::Number),
        b't' | b'f' | b'n' => Ok(Kind::Literal),
        _ => Err(JsonError::Malformed),
    }
}

/// How many bytes at the start of `bytes` stand for themselves within a string: none of them a
/// quote, a backslash or a control character. Eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let plain = tail
        .iter()
        .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
        .count();
    words.len() * 8 + plain
}

/// Sets the top bit of the first special byte, and of no byte before it. (Bytes behind a special
/// one may be marked wrongly, for the subtractions borrow.)
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(quote) | zero(backslash) | control) & TOPS
}

pub(crate) enum Surrogate {
    None,
    High,
    Low,
}

pub(crate) fn surrogate(unit: u16) -> Surrogate {
    match unit {
        0xd800..=0xdbff => Surrogate::High,
        0xdc00..=0xdfff => Surrogate::Low,
        _ => Surrogate::None,
    }
}

/// Whether `\uDC00` to `\uDFFF` stands at `at`.
pub(crate) fn is_low_surrogate_escape(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(br"\u"))
        && matches!(hex4(bytes, at + 2).map(surrogate), Some(Surrogate::Low))
}

/// The four hexadecimal digits at `at`.
pub(crate) fn hex4(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk::<4>()?
        .iter()
        .try_fold(0, |unit, byte| {
            let digit = char::from(*byte).to_digit(16)?;
            Some(unit << 4 | digit as u16)
        })
}
