//! Proxies: how one is named, and how it is talked into a tunnel to the target.
//!
//! The talk is the same for all kinds: write the bytes of [`Proxy::start`], then give what is read
//! to [`Negotiation::read`] until it is [open](Progress::Open).

mod environment;
mod http;
mod socks5;

use std::{error, fmt, str::FromStr};

use super::target::parse_authority;
use super::{Credentials, Host, TargetError};
use http::Http;
use socks5::Socks5;

/// A proxy between the client and its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    host: Host,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

impl Proxy {
    /// Parses `http://host:port`, for HTTP CONNECT, or `socks5://host:port`, each with an optional
    /// `user:password@`. The ports default to 80 and 1080. A SOCKS proxy resolves names itself, so
    /// `socks5h://` means the same.
    ///
    /// # Errors
    /// When it is no URL of a proxy, or the credentials are longer than SOCKS can carry.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(TargetError::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(TargetError::Scheme)?;
        let (kind, default_port) = match &*scheme.to_ascii_lowercase() {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return Err(TargetError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(TargetError::Path);
        }
        let (host, port, credentials) = parse_authority(authority)?;
        let fits = credentials.as_ref().is_none_or(socks5::can_carry);
        if kind == Kind::Socks5 && !fits {
            return Err(TargetError::Credentials);
        }
        Ok(Self { kind, host, port: port.unwrap_or(default_port), credentials })
    }

    /// The proxy's own host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The proxy's own port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The bytes that ask for a tunnel to `host` and `port`, and what reads the answer.
    #[must_use]
    pub fn start(&self, host: &Host, port: u16) -> (Vec<u8>, Negotiation) {
        let credentials = self.credentials.as_ref();
        match self.kind {
            Kind::Http => {
                let (bytes, http) = Http::start(host, port, credentials);
                (bytes, Negotiation(Machine::Http(http)))
            }
            Kind::Socks5 => {
                let (bytes, socks5) = Socks5::start(host, port, credentials.cloned());
                (bytes, Negotiation(Machine::Socks5(socks5)))
            }
        }
    }
}

impl FromStr for Proxy {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        Self::parse(url)
    }
}

/// The talk with a proxy, under way.
#[derive(Clone, Debug)]
pub struct Negotiation(Machine);

#[derive(Clone, Debug)]
enum Machine {
    Http(Http),
    Socks5(Socks5),
}

/// How far a talk with a proxy has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The answer is incomplete: read more behind it.
    NeedsInput,
    /// The answer's first `consumed` bytes are dealt with: write `reply`, then read on.
    Reply {
        /// Bytes taken off the front of the input.
        consumed: usize,
        /// What to write.
        reply: Vec<u8>,
    },
    /// The tunnel is open; what follows `consumed` bytes came from the target.
    Open {
        /// Bytes taken off the front of the input.
        consumed: usize,
    },
}

impl Negotiation {
    /// Reads the proxy's answer at the start of `input`, which is all that has arrived and was not
    /// yet consumed.
    ///
    /// # Errors
    /// When the proxy refuses, or does not speak its protocol: hang up.
    pub fn read(&mut self, input: &[u8]) -> Result<Progress, ProxyError> {
        match &mut self.0 {
            Machine::Http(http) => http.read(input),
            Machine::Socks5(socks5) => socks5.read(input),
        }
    }
}

/// The proxy opened no tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// The answer is not of the proxy's protocol, or its head exceeds 16 KiB or 100 fields.
    Malformed,
    /// An HTTP status that is no success; 407 asks for credentials.
    Status(u16),
    /// The SOCKS proxy wants another kind of authentication than we have to offer.
    Method,
    /// The SOCKS proxy does not know the user or the password.
    Credentials,
    /// The SOCKS proxy cannot reach the target, or must not; the code of RFC 1928 §6.
    Refused(u8),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the proxy's answer is malformed",
            Self::Status(status) => return write!(f, "the proxy answered with status {status}"),
            Self::Method => "the proxy wants another authentication",
            Self::Credentials => "the proxy refused the credentials",
            Self::Refused(code) => {
                return write!(f, "the proxy cannot connect: {}", socks5::meaning(*code));
            }
        })
    }
}

impl error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_named_by_urls() {
        for (url, kind, host, port) in [
            ("http://proxy", Kind::Http, "proxy", 80),
            ("HTTP://u:p@Proxy:3128/", Kind::Http, "proxy", 3128),
            ("socks5://[::1]", Kind::Socks5, "[::1]", 1080),
            ("socks5h://127.0.0.1:9050", Kind::Socks5, "127.0.0.1", 9050),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            let found = (proxy.kind, proxy.host().to_string(), proxy.port());
            assert_eq!(found, (kind, host.to_owned(), port), "{url}");
        }
        let long = format!("socks5://{}@h", "u".repeat(256));
        for (url, expected) in [
            ("proxy:3128", TargetError::Scheme),
            ("https://proxy", TargetError::Scheme),
            ("socks4://proxy", TargetError::Scheme),
            ("http://", TargetError::Host),
            ("http://proxy:x", TargetError::Port),
            ("http://proxy/path", TargetError::Path),
            ("http://pro xy", TargetError::Character),
            ("http://a@b@proxy", TargetError::Credentials),
            (&*long, TargetError::Credentials),
            ("socks5://:p@h", TargetError::Credentials),
        ] {
            assert_eq!(Proxy::parse(url), Err(expected), "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(
            socks in proptest::bool::ANY,
            pieces in proptest::collection::vec(
                proptest::collection::vec(proptest::num::u8::ANY, 0..12), 0..8),
        ) {
            let url = if socks { "socks5://u:p@h" } else { "http://h" };
            let (_, mut talk) = Proxy::parse(url).unwrap().start(&Host::parse("t").unwrap(), 1);
            for piece in pieces {
                for begin in [&b""[..], b"\x05\x02", b"\x01\x00", b"\x05\x00\x00", b"HTTP/1.1 200 "] {
                    let input = [begin, &piece].concat();
                    if let Ok(Progress::Reply { consumed, .. } | Progress::Open { consumed }) =
                        talk.read(&input)
                    {
                        proptest::prop_assert!(consumed <= input.len());
                    }
                }
            }
        }
    }
}
