/// A revision of Engine.IO, as `EIO` in the query of a session's first request has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Revision {
    /// Revision 3: `EIO` is anything but `4`, or absent. What `socket.io-client` 2 and older speak.
    V3,
    /// Revision 4: `EIO` is `4`.
    #[default]
    V4,
}

impl Revision {
    /// The number of the revision.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}
