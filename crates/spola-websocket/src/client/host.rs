use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name of a host, in bytes (RFC 1035 §3.1, without the root's).
const MAX_NAME_LEN: usize = 253;

/// The longest part of a name between two dots (RFC 1035 §2.3.4).
const MAX_LABEL_LEN: usize = 63;

/// A host in a URL. Displayed as URLs write it, an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name to be resolved, in lower case. Letters, digits, `-`, `_` and dots: names in other
    /// alphabets must have been encoded (`xn--…`).
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, without a zone.
    V6(Ipv6Addr),
}

impl Host {
    /// The host as it stands in a URL; `None` if it is none.
    ///
    /// What other parsers would take for an address in shorthand (`127.1`, `0x7f000001`) is no
    /// host: two readers of one URL must not go to different places.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(bracketed) = text.strip_prefix('[') {
            return bracketed.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Self::V4(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let sound = |label: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            (1..=MAX_LABEL_LEN).contains(&label.len()) && label.bytes().all(inner)
        };
        let last = name.rsplit('.').next()?;
        if name.len() > MAX_NAME_LEN || is_number(last) || !name.split('.').all(sound) {
            return None;
        }
        Some(Self::Name(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Decimal or hexadecimal, as the last part of an IPv4 address may be written.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        let name = |text: &str| Some(Host::Name(text.to_owned()));
        let label = "a".repeat(63);
        let long = [&label[..], &label, &label, &label[..61]].join(".");
        for (text, expected) in [
            ("localhost", name("localhost")),
            ("Example.COM", name("example.com")),
            ("example.com.", name("example.com.")),
            ("_dmarc.a-b.c1", name("_dmarc.a-b.c1")),
            ("1.2.3.4", Some(Host::V4(Ipv4Addr::new(1, 2, 3, 4)))),
            ("[::1]", Some(Host::V6(Ipv6Addr::LOCALHOST))),
            ("[::ffff:1.2.3.4]", "::ffff:1.2.3.4".parse().ok().map(Host::V6)),
            (&long, name(&long)),
        ] {
            assert_eq!(Host::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "a.".repeat(127) + "a";
        let label = "a".repeat(64);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a%62",
            "a/b",
            "a:1",
            "é.de",
            "127.1",
            "1",
            "0x7f.1",
            "0x",
            "a.0X1f",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
            "[::1",
            "[]",
            "[1.2.3.4]",
            "[fe80::1%eth0]",
            "::1",
            "a,b",
            "a\0",
            &long,
            &label,
        ] {
            assert_eq!(Host::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_host_is_displayed_as_urls_write_it() {
        for text in ["example.com", "1.2.3.4", "[2001:db8::1]"] {
            assert_eq!(Host::parse(text).map(|host| host.to_string()).as_deref(), Some(text));
        }
    }
}
