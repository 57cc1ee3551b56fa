//! What is echoed in memory, and how much of it comes at once.

use std::fmt;
use std::str::FromStr;

use crate::cell;
use crate::frames::{self, Kind};

/// Bytes that a read may bring.
const READ: usize = 64 << 10;

/// Messages of one kind and size, one or many a read; written `text-125-one`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) reads: Reads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// A frame a read.
    One,
    /// As many frames as fit into 64 KiB.
    Full,
}

impl Case {
    pub(crate) const SIZES: [usize; 3] = [125, 1 << 10, 16 << 10];

    /// All that are published.
    pub(crate) fn all() -> Vec<Self> {
        let kinds = [Kind::Text, Kind::Binary];
        let cases = [Reads::One, Reads::Full].map(|reads| {
            let of = move |kind| Self::SIZES.map(move |size| Self { kind, size, reads });
            kinds.map(of).concat()
        });
        cases.concat()
    }

    /// In words.
    pub(crate) fn describe(&self) -> String {
        let reads = match self.reads {
            Reads::One => "one a read",
            Reads::Full => "64 KiB reads",
        };
        format!("{} {}, {reads}", self.kind_name(), cell::bytes(self.size))
    }

    /// Messages of which the frames make one image.
    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        let count = match self.reads {
            Reads::One => 1,
            // A client's header has 14 bytes at most.
            Reads::Full => READ / (self.size + 14),
        };
        let messages = frames::messages(self.size);
        messages.into_iter().cycle().take(count).collect()
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::Deflated => "text",
            Kind::Binary => "binary",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads = match self.reads {
            Reads::One => "one",
            Reads::Full => "full",
        };
        write!(f, "{}-{}-{reads}", self.kind_name(), self.size)
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let expected =
            || "expected KIND-SIZE-READS, as in text-125-one or binary-1024-full".to_owned();
        let &[kind, size, reads] = parts.as_slice() else {
            return Err(expected());
        };
        let kind = match kind {
            "text" => Kind::Text,
            "binary" => Kind::Binary,
            _ => return Err(expected()),
        };
        let reads = match reads {
            "one" => Reads::One,
            "full" => Reads::Full,
            _ => return Err(expected()),
        };
        let size = size.parse().map_err(|_| expected())?;
        if (1..=READ / 2).contains(&size) {
            Ok(Self { kind, size, reads })
        } else {
            Err(format!("the size must be 1 to {}", READ / 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_read_as_they_are_written() {
        for case in Case::all() {
            assert_eq!(case.to_string().parse::<Case>(), Ok(case));
        }
        for text in ["", "text-125", "text-0-one", "json-1-one", "text-1-two", "text-99999-one"] {
            assert!(text.parse::<Case>().is_err(), "{text}");
        }
    }
}
