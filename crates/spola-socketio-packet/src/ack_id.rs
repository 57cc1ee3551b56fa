use core::fmt;

/// Names an event that waits for its acknowledgement, within one namespace of one connection.
///
/// At most 2^53 − 1, the largest integer that JavaScript counts exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckId(u64);

impl AckId {
    /// The largest id: 9 007 199 254 740 991.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The id `value`, or `None` above [`AckId::MAX`].
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The id as a number.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl From<u32> for AckId {
    fn from(value: u32) -> Self {
        Self(u64::from(value))
    }
}

impl fmt::Display for AckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
