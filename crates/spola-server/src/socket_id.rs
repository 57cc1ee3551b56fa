//! Public ids.

use std::fmt;

use bytestring::ByteString;
use spola_engineio::Sid;

/// A public socket id: 20 characters of the base64url alphabet. It is also the name of a room that
/// its socket alone is in. It has the shape of an Engine.IO session id, and is one only for clients of
/// Engine.IO 3, who know no other: their full id has the namespace and `#` in front of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Sid);

impl SocketId {
    /// The id made of 15 random bytes.
    pub(crate) fn from_random(bytes: [u8; 15]) -> Self {
        Self(Sid::from_bytes(bytes))
    }

    /// The id of an old client, in all of its namespaces.
    pub(crate) fn of_session(sid: Sid) -> Self {
        Self(sid)
    }

    /// The id that the public id `text` is made of, if it has the shape of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, id) = text.rsplit_once('#').unwrap_or(("", text));
        id.parse().ok().map(Self)
    }

    /// The 20 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for SocketId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl From<SocketId> for ByteString {
    fn from(id: SocketId) -> Self {
        id.as_str().into()
    }
}
