use core::{borrow::Borrow, fmt, ops::Deref, str::FromStr};

use bytestring::ByteString;

use crate::NamespaceError;

/// The name of a namespace: `/` for the root, or `/` and more.
///
/// 1 to 255 bytes, no control characters and no comma (which ends the name on the wire). Names
/// are compared as they are; what looks like a query (`/admin?token=1`) is part of the name.
/// Cloning costs a reference count, for the root not even that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(ByteString);

impl Namespace {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// The root namespace, `/`.
    #[must_use]
    pub const fn root() -> Self {
        Self(ByteString::from_static("/"))
    }

    /// Checks a name and keeps it, sharing its allocation.
    ///
    /// # Errors
    ///
    /// Says which rule the name breaks. A missing slash is not added.
    pub fn new(name: impl Into<ByteString>) -> Result<Self, NamespaceError> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name))
    }

    pub(crate) fn check(name: &str) -> Result<(), NamespaceError> {
        if !name.starts_with('/') {
            return Err(NamespaceError::NoSlash);
        }
        if name.len() > Self::MAX_LEN {
            return Err(NamespaceError::TooLong(name.len()));
        }
        if name.contains(',') {
            return Err(NamespaceError::Comma);
        }
        if name.contains(char::is_control) {
            return Err(NamespaceError::ControlCharacter);
        }
        Ok(())
    }

    /// Whether this is the root namespace, which the wire leaves out.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The name, slash included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as shared text.
    #[must_use]
    pub fn into_inner(self) -> ByteString {
        self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::root()
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Namespace {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Namespace {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Namespace {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Namespace {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(name: &str) -> Result<Self, NamespaceError> {
        Self::check(name)?;
        Ok(if name == "/" { Self::root() } else { Self(ByteString::from(name)) })
    }
}

impl TryFrom<&str> for Namespace {
    type Error = NamespaceError;

    fn try_from(name: &str) -> Result<Self, NamespaceError> {
        name.parse()
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
