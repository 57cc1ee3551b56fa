use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const IN_ALPHABET: [bool; 256] = {
    let (mut table, mut i) = ([false; 256], 0);
    while i < ALPHABET.len() {
        table[ALPHABET[i] as usize] = true;
        i += 1;
    }
    table
};

/// A session id: 20 characters of the base64url alphabet (Engine.IO v4, §2.1).
///
/// It is the only credential of a session: whoever has it can read and write there. So `Debug` shows
/// the first four characters alone. `Display` and [`Sid::as_str`] give all of it, for the wire; do not
/// log them, and do not use the id as a public name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid([u8; Self::LEN]);

impl Sid {
    /// Characters of an id.
    pub const LEN: usize = 20;

    /// The id of these 15 bytes. They come from the operating system's random source: an id that can
    /// be guessed is a session that can be stolen.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 15]) -> Self {
        let mut id = [0; Self::LEN];
        let (groups, _) = bytes.as_chunks::<3>();
        let (quads, _) = id.as_chunks_mut::<4>();
        for (&[a, b, c], quad) in groups.iter().zip(quads) {
            let bits = u32::from_be_bytes([0, a, b, c]);
            *quad = [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift) as usize & 63]);
        }
        Self(id)
    }

    /// The 20 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every constructor admits the alphabet alone, which is ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn from_ascii(text: [u8; Self::LEN]) -> Option<Self> {
        text.iter().all(|byte| IN_ALPHABET[usize::from(*byte)]).then_some(Self(text))
    }
}

impl FromStr for Sid {
    type Err = InvalidSid;

    fn from_str(text: &str) -> Result<Self, InvalidSid> {
        let text = text.as_bytes().try_into().map_err(|_| InvalidSid)?;
        Self::from_ascii(text).ok_or(InvalidSid)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({:.4}…)", self.as_str())
    }
}

/// Text that is not 20 characters of the base64url alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is {} characters of the base64url alphabet", Sid::LEN)]
pub struct InvalidSid;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64url() {
        let table: [([u8; 15], &str); 3] = [
            ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0], "AAECAwQFBgcICQoLAAAA"),
            ([0xff; 15], "____________________"),
            ([0xfb, 0xef, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "----AAAAAAAAAAAAAAAB"),
        ];
        for (bytes, text) in table {
            assert_eq!(Sid::from_bytes(bytes).as_str(), text);
            assert_eq!(text.parse(), Ok(Sid::from_bytes(bytes)));
        }
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "AAECAwQFBgcICQoLAAA",
            "AAECAwQFBgcICQoLAAAAA",
            "AAECAwQFBgcICQoLAA==",
            "AAECAwQFBgcICQoLAAA+",
            "AAECAwQFBgcICQoLAAé",
            "__proto__",
        ] {
            assert_eq!(text.parse::<Sid>(), Err(InvalidSid), "{text}");
        }
    }

    #[test]
    fn debug_keeps_the_secret() {
        let sid = Sid::from_bytes([0; 15]);
        assert_eq!(format!("{sid:?}"), "Sid(AAAA…)");
        assert_eq!(format!("{sid}"), "A".repeat(20));
    }
}
