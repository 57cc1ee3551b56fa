//! Where things are in the JSON array of an event or an acknowledgement.

use alloc::{borrow::Cow, string::String};

use crate::{
    DecodeError, Limits, is_reserved_event,
    scan::{self, Kind, Name, Opening, Scanner},
    string,
};

/// Where the parts of an array are, found when its text was read. Positions count from the text's
/// start, and fit, as no text is longer than 4 GiB.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    start: u32,
    /// The name: what is between the quotes of a string, or, if that has escapes, all of the
    /// string; the digits of a number. An acknowledgement has none, and zero in both.
    name_start: u32,
    name_end: u32,
    /// Where an event's first argument ends, if it is a string without escapes that has but a
    /// comma between the name and itself; else 0.
    text_end: u32,
}

impl Layout {
    /// Reads an event's array from `start` to the end of the text. Says too whether surrogate
    /// escapes without their other half are to be replaced.
    #[inline]
    pub(crate) fn of_event(
        text: &str,
        start: usize,
        limits: &Limits,
    ) -> Result<(Self, bool), DecodeError> {
        let mut scanner = Scanner::new(text.as_bytes(), limits.max_depth);
        let Some(Opening { name, text_end }) = scanner.event(start)? else {
            return Err(wrong_kind(text, start, limits));
        };
        if u32::try_from(text.len()).is_err() {
            return Err(DecodeError::TooLarge);
        }
        let layout = Self { text_end: text_end.unwrap_or(0) as u32, ..Self::named(start, name) };
        layout.check_name(text, limits)?;
        Ok((layout, scanner.lone_surrogate()))
    }

    /// Reads an acknowledgement's array from `start` to the end of the text, like
    /// [`of_event`](Self::of_event).
    pub(crate) fn of_ack(
        text: &str,
        start: usize,
        limits: &Limits,
    ) -> Result<(Self, bool), DecodeError> {
        let mut scanner = Scanner::new(text.as_bytes(), limits.max_depth);
        if scanner.document(start)? != Kind::Array {
            return Err(DecodeError::PayloadKind);
        }
        let start = u32::try_from(start).map_err(|_| DecodeError::TooLarge)?;
        Ok((Self { start, ..Self::WRITTEN_ACK }, scanner.lone_surrogate()))
    }

    /// That of an acknowledgement's array which was just written, and so is JSON.
    pub(crate) const WRITTEN_ACK: Self = Self { start: 0, name_start: 0, name_end: 0, text_end: 0 };

    /// That of an event's array which was just written, and so is JSON.
    pub(crate) fn of_written_event(json: &str) -> Result<Self, DecodeError> {
        if u32::try_from(json.len()).is_err() {
            return Err(DecodeError::TooLarge);
        }
        let name = Scanner::new(json.as_bytes(), scan::MAX_DEPTH).name(0);
        Ok(Self::named(0, name.ok_or(DecodeError::PayloadKind)?))
    }

    /// Takes positions in a text whose length fits `u32`.
    const fn named(start: usize, name: Name) -> Self {
        let quote = matches!(name.kind, Kind::String) && !name.escaped;
        Self {
            start: start as u32,
            name_start: name.start as u32 + quote as u32,
            name_end: name.end as u32 - quote as u32,
            text_end: 0,
        }
    }

    /// Whether there is a name.
    pub(crate) const fn is_event(&self) -> bool {
        self.name_end > 0
    }

    /// The array, found in the text it belongs to.
    #[inline]
    pub(crate) fn json<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start as usize..).unwrap_or_default()
    }

    /// What is behind the name, or the whole array if there is none.
    #[inline]
    pub(crate) fn arguments<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.arguments_start(text)..).unwrap_or_default()
    }

    /// The first argument, if it is known to be a string without escapes.
    #[inline]
    pub(crate) fn plain_text<'a>(&self, text: &'a str) -> Option<&'a str> {
        let end = self.text_end.checked_sub(1)? as usize;
        // Behind a comma and a quote.
        text.get(self.arguments_start(text) + 2..end)
    }

    #[inline]
    fn arguments_start(&self, text: &str) -> usize {
        let name_end = self.start.max(self.name_end) as usize;
        let quote = text.as_bytes().get(name_end) == Some(&b'"');
        name_end + usize::from(quote)
    }

    /// The name, found in the text it belongs to.
    #[inline]
    pub(crate) fn name<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        if !self.is_event() {
            return None;
        }
        let name = self.written_name(text);
        Some(if is_escaped(name) { Cow::Owned(unescape(name)) } else { Cow::Borrowed(name) })
    }

    /// Refuses a name that is too long or reserved; no number looks like a reserved one.
    #[inline]
    pub(crate) fn check_name(&self, text: &str, limits: &Limits) -> Result<(), DecodeError> {
        let name = self.written_name(text);
        if is_escaped(name) {
            return check_name(&unescape(name), limits);
        }
        check_name(name, limits)
    }

    #[inline]
    fn written_name<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.name_start as usize..self.name_end as usize).unwrap_or_default()
    }
}

/// Whether a name is a string with escapes. A quote within a string has one: this is the string's own.
#[inline]
fn is_escaped(written_name: &str) -> bool {
    written_name.starts_with('"')
}

fn check_name(name: &str, limits: &Limits) -> Result<(), DecodeError> {
    if name.len() > usize::from(limits.max_event_name) {
        return Err(DecodeError::EventNameTooLong);
    }
    if is_reserved_event(name) {
        return Err(DecodeError::ReservedEvent);
    }
    Ok(())
}

/// The string that a JSON string with escapes stands for.
#[cold]
pub(crate) fn unescape(token: &str) -> String {
    serde_json::from_str(&string::replace_lone_surrogates(token)).unwrap_or_default()
}

/// Tells a payload that is JSON of another kind from one that is no JSON.
#[cold]
fn wrong_kind(text: &str, start: usize, limits: &Limits) -> DecodeError {
    let mut scanner = Scanner::new(text.as_bytes(), limits.max_depth);
    scanner.document(start).map_or_else(DecodeError::Json, |_| DecodeError::PayloadKind)
}
