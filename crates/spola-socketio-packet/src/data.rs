use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Serialize, ser::Error as _};

use crate::{
    AckId, ArgsError, DecodeError, EncodeError, Encoded, Limits, Namespace, de, encode,
    layout::Layout, placeholder, ser, string,
};

/// What an event or an acknowledgement carries: a JSON array, for an event its name and then its
/// arguments, and the attachments that placeholders in it stand for.
///
/// A value of this type is valid: its text is JSON within the limits it was decoded with, its
/// event name is allowed, its placeholders name attachments. Cloning one without attachments
/// costs a reference count.
#[derive(Clone)]
pub struct Data {
    /// Ends with the array; what is before it belongs to the packet it came in.
    text: ByteString,
    layout: Layout,
    attachments: Box<[Bytes]>,
}

impl Data {
    /// The data of an event, from its name and typed arguments, as
    /// [`encode_event`](crate::encode_event) takes them.
    ///
    /// # Errors
    ///
    /// If the name is reserved or longer than 1024 bytes, or a value has no JSON form.
    pub fn event<A: Serialize + ?Sized>(name: &str, args: &A) -> Result<Self, EncodeError> {
        encode::check_event_name(name)?;
        let mut text = String::with_capacity(128);
        let attachments = ser::write_array(&mut text, Some(name), args)?;
        let layout = Layout::of_written_event(&text).map_err(serde_json::Error::custom)?;
        Ok(Self::written(text, layout, attachments))
    }

    /// The data of an acknowledgement, from its typed arguments.
    ///
    /// # Errors
    ///
    /// If a value has no JSON form.
    pub fn ack<A: Serialize + ?Sized>(args: &A) -> Result<Self, EncodeError> {
        let mut text = String::with_capacity(64);
        let attachments = ser::write_array(&mut text, None, args)?;
        Ok(Self::written(text, Layout::WRITTEN_ACK, attachments))
    }

    /// The data of an event, from a JSON array that begins with the name. With attachments, its
    /// placeholders are checked; without, they are ordinary objects.
    ///
    /// # Errors
    ///
    /// Those of an event that comes from a peer.
    pub fn event_from_json(
        json: impl Into<ByteString>,
        attachments: Vec<Bytes>,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let json = json.into();
        let (layout, lone_surrogate) = Layout::of_event(&json, 0, limits)?;
        Self::new(json, layout, lone_surrogate).with_attachments(attachments, limits)
    }

    /// The data of an acknowledgement, from a JSON array of arguments.
    ///
    /// # Errors
    ///
    /// Those of an acknowledgement that comes from a peer.
    pub fn ack_from_json(
        json: impl Into<ByteString>,
        attachments: Vec<Bytes>,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let json = json.into();
        let (layout, lone_surrogate) = Layout::of_ack(&json, 0, limits)?;
        Self::new(json, layout, lone_surrogate).with_attachments(attachments, limits)
    }

    /// Whether this is the data of an event, so that it begins with a name.
    #[must_use]
    pub const fn is_event(&self) -> bool {
        self.layout.is_event()
    }

    /// The event's name; `None` in an acknowledgement. Borrowed unless it has escapes. A name
    /// that is a number reads as the digits that were sent.
    #[must_use]
    pub fn event_name(&self) -> Option<Cow<'_, str>> {
        self.layout.name(&self.text)
    }

    /// The whole array as JSON text, an event's name included, placeholders as they are.
    #[must_use]
    pub fn json(&self) -> &str {
        self.layout.json(&self.text)
    }

    /// [`json`](Self::json) as shared text, which keeps the packet's whole text allocated.
    #[must_use]
    pub fn to_json(&self) -> ByteString {
        self.text.slice_ref(self.json())
    }

    /// The attachments, in the order of their numbers.
    #[must_use]
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The attachments, and nothing else.
    #[must_use]
    pub fn into_attachments(self) -> Vec<Bytes> {
        self.attachments.into_vec()
    }

    /// Reads the arguments: all of them into a tuple, the first one into any other type. This is
    /// how the encoder's rule reads backwards, and what an event handler wants.
    ///
    /// Arguments too many are ignored, as JavaScript does it. Those missing at the end read as
    /// null, so that `Option` and `()` take them. A field of type `bytes::Bytes` (or any that
    /// asks serde for bytes) takes the attachment that its placeholder names; `&[u8]` borrows it.
    /// A [`Value`](crate::Value) has attachments wherever they are. A `serde_json::Value`, or an
    /// enum that serde has to buffer (untagged, internally tagged, flattened), sees placeholders
    /// as the objects they are. An array `[T; N]` is a tuple to
    /// serde.
    ///
    /// # Errors
    ///
    /// If an argument is missing or not of its type.
    pub fn extract<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        Ok(de::extract(self)?)
    }

    /// Reads one argument, counted from 0 without the event's name. A missing one reads as null.
    ///
    /// # Errors
    ///
    /// If the argument is missing or not of its type.
    pub fn arg<'de, T: Deserialize<'de>>(&'de self, index: usize) -> Result<T, ArgsError> {
        Ok(de::nth(self, index)?)
    }

    /// Reads all arguments as one list, without the event's name: into a `Vec`, a tuple, or
    /// whatever else takes a sequence.
    ///
    /// # Errors
    ///
    /// If an argument is not of its type.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ArgsError> {
        Ok(T::deserialize(de::All { data: self })?)
    }

    /// Encodes this as an EVENT or an ACK, whichever it is the data of. An acknowledgement
    /// without id is one of event 0.
    #[must_use]
    pub fn encode(&self, prefix: &str, namespace: &Namespace, ack: Option<AckId>) -> Encoded {
        let (kind, ack) = match self.is_event() {
            true => ('2', ack),
            false => ('3', Some(ack.unwrap_or(AckId::from(0)))),
        };
        encode::packet(prefix, kind, namespace, ack, self.json(), &self.attachments)
    }

    /// This event with one more argument behind the others, a string: the offset by which a client
    /// says what it has received (§20.1). The text is copied; an acknowledgement stays as it is.
    #[must_use]
    pub fn with_offset(&self, offset: &str) -> Self {
        let open = self.text.rsplit_once(']').filter(|_| self.is_event());
        let Some((open, _)) = open else {
            return self.clone();
        };
        let mut text = String::with_capacity(open.len() + offset.len() + 4);
        text.push_str(open);
        text.push(',');
        ser::write_str(&mut text, offset);
        text.push(']');
        // What is in front stays where it is.
        Self { text: text.into(), attachments: self.attachments.clone(), ..*self }
    }

    /// The array from behind the name on.
    pub(crate) fn arguments(&self) -> &str {
        self.layout.arguments(&self.text)
    }

    /// The first argument, if it is known to be a string without escapes.
    pub(crate) fn plain_text(&self) -> Option<&str> {
        self.layout.plain_text(&self.text)
    }

    /// The data of an array that was just written.
    pub(crate) fn written(json: String, layout: Layout, attachments: Vec<Bytes>) -> Self {
        Self { text: json.into(), layout, attachments: attachments.into() }
    }

    /// The data of a text that was read.
    #[inline]
    pub(crate) fn new(text: ByteString, layout: Layout, lone_surrogate: bool) -> Self {
        let text = if lone_surrogate { without_lone_surrogates(text) } else { text };
        Self { text, layout, attachments: Box::default() }
    }

    pub(crate) fn attach(&mut self, attachments: Vec<Bytes>) {
        self.attachments = attachments.into();
    }

    fn with_attachments(
        mut self,
        attachments: Vec<Bytes>,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        if !attachments.is_empty() {
            placeholder::check(self.json(), &attachments, limits.max_binary_bytes)?;
            self.attach(attachments);
        }
        Ok(self)
    }
}

/// No arguments: the data of an acknowledgement that says nothing more.
impl Default for Data {
    fn default() -> Self {
        let text = ByteString::from_static("[]");
        Self { text, layout: Layout::WRITTEN_ACK, attachments: Box::default() }
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.is_event() == other.is_event()
            && self.json() == other.json()
            && self.attachments == other.attachments
    }
}

impl Eq for Data {}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data")
            .field("json", &self.json())
            .field("attachments", &self.attachments)
            .finish()
    }
}

#[cold]
fn without_lone_surrogates(text: ByteString) -> ByteString {
    ByteString::from(string::replace_lone_surrogates(&text))
}
