//! What is known of a client from the request that opened its session.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use crate::serve::Requests;

/// The request that opened a session (§17.4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    head: Head,
    /// Where the connection came from, if the driver or a layer above put a [`PeerAddress`] into
    /// the request's extensions.
    pub peer: Option<SocketAddr>,
    /// When the session was opened.
    pub issued: SystemTime,
    /// Whether the connection is encrypted: the driver or a layer above put [`Encrypted`] into the
    /// request's extensions.
    pub secure: bool,
}

impl Handshake {
    /// Copies what is to be kept of a request, to its last byte: its own parts are slices of the
    /// connection's read buffer, which would live as long as the session.
    pub(crate) fn of(request: &Request<()>, source: &Source, issued: SystemTime) -> Self {
        // HTTP/2 has the host in it.
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let told = || request.extensions().get().map(|PeerAddress(peer)| *peer);
        Self {
            head: Head::of(target, request.headers()),
            peer: source.peer.or_else(told),
            issued,
            secure: source.encrypted || request.extensions().get::<Encrypted>().is_some(),
        }
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The client's address, without the port.
    pub fn address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }

    /// When the session was opened, in milliseconds since 1970.
    pub fn issued_millis(&self) -> u64 {
        let since = self.issued.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// When the session was opened, as people and JavaScript's `Date` read it:
    /// `Thu, 26 Nov 2026 10:08:19 GMT`.
    pub fn time(&self) -> String {
        // Dates beyond the year 9999 have no such form.
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        httpdate::fmt_http_date(self.issued.clamp(SystemTime::UNIX_EPOCH, last))
    }

    /// The target as it came: the path, and the query if there is one.
    pub fn url(&self) -> &str {
        self.head.target()
    }

    /// The parameters of the query, percent-decoded, in the order they came; the protocols' own
    /// (`EIO`, `transport`, …) among them.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.url().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
    }

    /// The value of a parameter of the query, percent-decoded; the last one if there are several.
    pub fn query(&self, name: &str) -> Option<String> {
        let last = self.query_pairs().filter(|(key, _)| key == name).last();
        last.map(|(_, value)| value.into_owned())
    }

    /// Whether the request came from a page of another origin, as far as one can tell (§17.4): it
    /// has an `Origin` header.
    pub fn is_cross_domain(&self) -> bool {
        self.headers().contains_key(http::header::ORIGIN)
    }
}

/// The target, and headers as lines, which take a fourth of what a map does. Most are never asked for.
#[derive(Clone, Debug)]
struct Head {
    lines: Box<[u8]>,
    headers: OnceLock<Box<HeaderMap>>,
}

impl Head {
    fn of(target: &str, headers: &HeaderMap) -> Self {
        let line_len = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len() + ":".len() + value.len() + "\n".len()
        };
        let len = target.len() + "\n".len() + headers.iter().map(line_len).sum::<usize>();
        let mut lines = Vec::with_capacity(len);
        lines.extend_from_slice(target.as_bytes());
        lines.push(b'\n');
        for (name, value) in headers {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.push(b':');
            // There is no end of line in it.
            lines.extend_from_slice(value.as_bytes());
            lines.push(b'\n');
        }
        Self { lines: lines.into(), headers: OnceLock::new() }
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.split(|byte| *byte == b'\n')
    }

    fn target(&self) -> &str {
        self.lines().next().and_then(|line| str::from_utf8(line).ok()).unwrap_or_default()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let header = |line: &[u8]| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = line.split_at_checked(colon)?;
                let name = HeaderName::from_bytes(name).ok()?;
                Some((name, HeaderValue::from_bytes(value.get(1..)?).ok()?))
            };
            Box::new(self.lines().skip(1).filter_map(header).collect())
        })
    }
}

/// Where a request came from, as far as its extensions do not say it yet: putting it there costs more than
/// most requests are worth.
#[derive(Clone, Default)]
pub(crate) struct Source {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) encrypted: bool,
    /// What the connection hears of its requests, if it is ours and may become a WebSocket.
    pub(crate) requests: Option<Arc<Requests>>,
}

impl Source {
    /// Puts it into a request's extensions.
    pub(crate) fn mark<B>(&self, request: &mut Request<B>) {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(PeerAddress(peer));
        }
        if self.encrypted {
            request.extensions_mut().insert(Encrypted);
        }
    }
}

/// The address of the peer, as a request extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Says, as a request extension, that the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_kept_byte_by_byte() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("a=1"));
        headers.append("x-empty", HeaderValue::from_static(""));
        headers.append("cookie", HeaderValue::from_static("b: 2; c:3"));
        headers.append("x-latin", HeaderValue::from_bytes(b"caf\xe9\t!").unwrap());
        for headers in [headers, HeaderMap::new()] {
            let head = Head::of("/a:b?c", &headers);
            assert_eq!((head.target(), head.headers()), ("/a:b?c", &headers));
        }
    }
}
