//! Reading MessagePack item by item. Nothing is allocated: a length only says what follows.

/// A scalar, or the head of a container.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Nil,
    /// An extension of JavaScript's encoder.
    Undefined,
    Bool(bool),
    Unsigned(u64),
    /// A negative number.
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Binary(&'a [u8]),
    /// An extension of JavaScript's encoder: milliseconds since 1970.
    Date(i64),
    /// Any other extension: its type and its bytes.
    Extension(i8, &'a [u8]),
    /// So many items follow.
    Array(u32),
    /// So many keys follow, each with its value.
    Map(u32),
}

/// What is left of a message.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next item; `None` if the message ends before it does, or it is none.
    pub(super) fn item(&mut self) -> Option<Item<'a>> {
        let (&marker, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match marker {
            0x00..=0x7f => Item::Unsigned(marker.into()),
            0x80..=0x8f => Item::Map((marker & 0x0f).into()),
            0x90..=0x9f => Item::Array((marker & 0x0f).into()),
            0xa0..=0xbf => self.text((marker & 0x1f).into())?,
            0xc0 => Item::Nil,
            0xc1 => return None,
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4 => self.binary(1)?,
            0xc5 => self.binary(2)?,
            0xc6 => self.binary(4)?,
            0xc7 => self.extension(1)?,
            0xc8 => self.extension(2)?,
            0xc9 => self.extension(4)?,
            0xca => Item::Float(f32::from_bits(self.number(4)? as u32).into()),
            0xcb => Item::Float(f64::from_bits(self.number(8)?)),
            0xcc => Item::Unsigned(self.number(1)?),
            0xcd => Item::Unsigned(self.number(2)?),
            0xce => Item::Unsigned(self.number(4)?),
            0xcf => Item::Unsigned(self.number(8)?),
            0xd0 => self.signed(1)?,
            0xd1 => self.signed(2)?,
            0xd2 => self.signed(4)?,
            0xd3 => self.signed(8)?,
            0xd4 => self.fixed_extension(1)?,
            0xd5 => self.fixed_extension(2)?,
            0xd6 => self.fixed_extension(4)?,
            0xd7 => self.fixed_extension(8)?,
            0xd8 => self.fixed_extension(16)?,
            0xd9 => self.long_text(1)?,
            0xda => self.long_text(2)?,
            0xdb => self.long_text(4)?,
            0xdc => Item::Array(self.number(2)? as u32),
            0xdd => Item::Array(self.number(4)? as u32),
            0xde => Item::Map(self.number(2)? as u32),
            0xdf => Item::Map(self.number(4)? as u32),
            0xe0..=0xff => Item::Signed((marker as i8).into()),
        })
    }

    /// Passes over a value, with all that is in it, however deep.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut due: u64 = 1;
        while due > 0 {
            due -= 1;
            // Each item has a byte at least, so this ends.
            match self.item()? {
                Item::Array(len) => due = due.saturating_add(len.into()),
                Item::Map(len) => due = due.saturating_add(2 * u64::from(len)),
                Item::Nil
                | Item::Undefined
                | Item::Bool(_)
                | Item::Unsigned(_)
                | Item::Signed(_)
                | Item::Float(_)
                | Item::Text(_)
                | Item::Binary(_)
                | Item::Date(_)
                | Item::Extension(..) => {}
            }
        }
        Some(())
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self, width: u64) -> Option<u64> {
        let bytes = self.take(width)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn signed(&mut self, width: u64) -> Option<Item<'a>> {
        let unused = 64 - 8 * width;
        let number = (self.number(width)? << unused) as i64 >> unused;
        let positive = u64::try_from(number).map(Item::Unsigned);
        Some(positive.unwrap_or(Item::Signed(number)))
    }

    fn text(&mut self, len: u64) -> Option<Item<'a>> {
        core::str::from_utf8(self.take(len)?).ok().map(Item::Text)
    }

    fn long_text(&mut self, width: u64) -> Option<Item<'a>> {
        let len = self.number(width)?;
        self.text(len)
    }

    fn binary(&mut self, width: u64) -> Option<Item<'a>> {
        let len = self.number(width)?;
        self.take(len).map(Item::Binary)
    }

    fn extension(&mut self, width: u64) -> Option<Item<'a>> {
        let len = self.number(width)?;
        let kind = self.number(1)? as i8;
        let bytes = self.take(len)?;
        // An `ArrayBuffer`, or a typed array.
        Some(if kind == 0 { Item::Binary(bytes) } else { Item::Extension(kind, bytes) })
    }

    fn fixed_extension(&mut self, len: u64) -> Option<Item<'a>> {
        let kind = self.number(1)? as i8;
        let bytes = self.take(len)?;
        Some(match (kind, bytes.first_chunk()) {
            (0, Some(date)) if len == 8 => Item::Date(i64::from_be_bytes(*date)),
            (0, _) if len == 1 => Item::Undefined,
            _ => Item::Extension(kind, bytes),
        })
    }
}
