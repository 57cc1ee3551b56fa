//! Where things are in the JSON array of an event or an acknowledgement.

use alloc::{borrow::Cow, string::String};

use crate::{
    DecodeError, Limits, is_reserved_event,
    scan::{Kind, Name, Scanner},
    string,
};

/// What is known of an array once its text was read. Positions count from the text's start.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) start: u32,
    /// The name; nowhere in an acknowledgement.
    pub(crate) name: Option<Span>,
    /// Whether surrogate escapes without their other half are to be replaced.
    pub(crate) lone_surrogate: bool,
}

/// Where an event's name stands, a string's quotes included.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    pub(crate) end: u32,
    form: Form,
}

/// How a name is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Number,
    PlainString,
    EscapedString,
}

impl Layout {
    /// Reads an event's array from `start` to the end of the text.
    pub(crate) fn of_event(text: &str, start: usize, limits: &Limits) -> Result<Self, DecodeError> {
        let mut scanner = Scanner::new(text.as_bytes(), limits.max_depth);
        let Some(name) = scanner.event(start)? else {
            return Err(wrong_kind(text, start, limits));
        };
        if u32::try_from(text.len()).is_err() {
            return Err(DecodeError::TooLarge);
        }
        let name = Span::new(name);
        name.check(text, limits)?;
        let lone_surrogate = scanner.lone_surrogate();
        Ok(Self { start: start as u32, name: Some(name), lone_surrogate })
    }

    /// Reads an acknowledgement's array from `start` to the end of the text.
    pub(crate) fn of_ack(text: &str, start: usize, limits: &Limits) -> Result<Self, DecodeError> {
        let mut scanner = Scanner::new(text.as_bytes(), limits.max_depth);
        if scanner.document(start)? != Kind::Array {
            return Err(DecodeError::PayloadKind);
        }
        let start = u32::try_from(start).map_err(|_| DecodeError::TooLarge)?;
        Ok(Self { start, name: None, lone_surrogate: scanner.lone_surrogate() })
    }
}

#[cfg(feature = "msgpack")]
impl Layout {
    /// That of an acknowledgement's array which was just written, and so is JSON.
    pub(crate) const WRITTEN_ACK: Self = Self { start: 0, name: None, lone_surrogate: false };

    /// That of an event's array which was just written, and so is JSON.
    pub(crate) fn of_written_event(json: &str, limits: &Limits) -> Result<Self, DecodeError> {
        if u32::try_from(json.len()).is_err() {
            return Err(DecodeError::TooLarge);
        }
        let mut scanner = Scanner::new(json.as_bytes(), limits.max_depth);
        let name = scanner.name(0).map(Span::new).ok_or(DecodeError::PayloadKind)?;
        name.check(json, limits)?;
        Ok(Self { start: 0, name: Some(name), lone_surrogate: false })
    }
}

impl Span {
    /// Takes positions in a text whose length fits `u32`.
    pub(crate) const fn new(name: Name) -> Self {
        let form = match name.kind {
            Kind::String if name.escaped => Form::EscapedString,
            Kind::String => Form::PlainString,
            Kind::Number | Kind::Object | Kind::Array | Kind::Literal => Form::Number,
        };
        Self { start: name.start as u32, end: name.end as u32, form }
    }

    /// The name, found in the text it belongs to.
    pub(crate) fn read(self, text: &str) -> Cow<'_, str> {
        let part = |start: u32, end: u32| text.get(start as usize..end as usize);
        match self.form {
            Form::Number => Cow::Borrowed(part(self.start, self.end).unwrap_or_default()),
            Form::PlainString => {
                Cow::Borrowed(part(self.start + 1, self.end - 1).unwrap_or_default())
            }
            Form::EscapedString => {
                Cow::Owned(unescape(part(self.start, self.end).unwrap_or_default()))
            }
        }
    }

    /// Refuses a name that is too long or reserved; no number looks like a reserved one.
    fn check(self, text: &str, limits: &Limits) -> Result<(), DecodeError> {
        let name = self.read(text);
        if name.len() > usize::from(limits.max_event_name) {
            return Err(DecodeError::EventNameTooLong);
        }
        if is_reserved_event(&name) {
            return Err(DecodeError::ReservedEvent);
        }
        Ok(())
    }
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
