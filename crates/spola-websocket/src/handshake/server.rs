//! The server's half: read the request, check it, answer 101 or refuse.

use super::{
    ExtensionOffer, HeaderError, MAX_HEADERS, accept_key,
    choice::Choice,
    extension,
    header::{HeadEnd, all, is_token, lists_token, only, push, push_checked},
};

#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, Options};

pub use super::rejection::Rejection;

/// The longest request target accepted: 8 KiB.
pub const MAX_TARGET_LEN: usize = 8 * 1024;

/// The most subprotocols a client may offer.
pub const MAX_PROTOCOLS: usize = 16;

/// Reads the head of an upgrade request that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub struct RequestReader {
    end: HeadEnd,
}

impl RequestReader {
    /// A reader at the start of a request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the request at the start of `input`, which is all that has arrived so far; `None`
    /// until the head is complete. What follows [`head_len`](Request::head_len) bytes belongs to
    /// the connection.
    ///
    /// # Errors
    /// When the request cannot lead to a WebSocket: send [`Rejection::to_bytes`] and hang up.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<Option<Request<'a>>, Rejection> {
        let Some(head_len) = self.end.find(input).map_err(|_| Rejection::HeadTooLong)? else {
            return Ok(None);
        };
        let head = input.get(..head_len).unwrap_or_default();
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Rejection::Malformed),
            Err(httparse::Error::TooManyHeaders) => return Err(Rejection::TooManyHeaders),
            Err(httparse::Error::Version) => return Err(Rejection::HttpVersion),
            Err(_) => return Err(Rejection::Malformed),
        }
        let (Some(method), Some(target), Some(version)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err(Rejection::Malformed);
        };
        if target.len() > MAX_TARGET_LEN {
            return Err(Rejection::TargetTooLong);
        }
        let version = if version == 1 { HttpVersion::Http11 } else { HttpVersion::Http10 };
        let headers: Vec<_> =
            parsed.headers.iter().map(|field| (field.name, field.value)).collect();
        let upgrade = check(method, version, headers.iter().copied())?;
        Ok(Some(Request { target, headers, upgrade, head_len }))
    }
}

/// The version of HTTP a request came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersion {
    /// HTTP/1.0, which knows no upgrade.
    Http10,
    /// HTTP/1.1, the one that is accepted.
    Http11,
    /// Anything else.
    Other,
}

/// A request that may be answered with 101.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The target as sent, not decoded: path and query, at most 8 KiB.
    pub target: &'a str,
    /// The header fields in order, at most 100.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// What the checks found.
    pub upgrade: Upgrade<'a>,
    /// Bytes the head took of the input.
    pub head_len: usize,
}

impl<'a> Request<'a> {
    /// The first value of the header called `name`, whatever the case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        all(self.headers.iter().copied(), name).next()
    }
}

/// What a sound upgrade request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade<'a> {
    /// The client's key; [`accept_key`] answers it.
    pub key: &'a str,
    /// The subprotocols offered, in order of preference, at most 16. Choose one or none.
    pub protocols: Vec<&'a str>,
    /// The extensions offered. An answer without any declines them all.
    pub extensions: Vec<ExtensionOffer<'a>>,
}

/// Checks the parts of a request that an HTTP library has parsed (RFC 6455 §4.2.1).
///
/// Asks for GET, HTTP/1.1 with one Host and no body, `websocket` among the `Upgrade` tokens and
/// `upgrade` among the `Connection` ones, a key of 16 bytes and version 13. The origin is the
/// caller's to check.
///
/// # Errors
/// The first check that failed.
pub fn check<'h>(
    method: &str,
    version: HttpVersion,
    headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
) -> Result<Upgrade<'h>, Rejection> {
    let only = |name: &str| only(headers.clone(), name);
    let all = |name| all(headers.clone(), name);
    if method != "GET" {
        return Err(Rejection::Method);
    }
    if version != HttpVersion::Http11 {
        return Err(Rejection::HttpVersion);
    }
    if !matches!(only("host"), Ok(Some(_))) {
        return Err(Rejection::Host);
    }
    if !matches!(only("content-length"), Ok(None | Some(b"0")))
        || !matches!(only("transfer-encoding"), Ok(None))
    {
        return Err(Rejection::Body);
    }
    if !all("upgrade").any(|value| lists_token(value, "websocket")) {
        return Err(Rejection::Upgrade);
    }
    if !all("connection").any(|value| lists_token(value, "upgrade")) {
        return Err(Rejection::Upgrade);
    }
    if only("sec-websocket-version").map(|value| value.map(<[u8]>::trim_ascii)) != Ok(Some(b"13")) {
        return Err(Rejection::WebSocketVersion);
    }
    let key = only("sec-websocket-key").ok().flatten().and_then(key).ok_or(Rejection::Key)?;
    let extensions = extensions(all("sec-websocket-extensions")).ok_or(Rejection::Extensions)?;
    let protocols = protocols(all("sec-websocket-protocol")).ok_or(Rejection::Protocols)?;
    Ok(Upgrade { key, protocols, extensions })
}

impl<'a> Upgrade<'a> {
    /// Starts the answer that accepts.
    #[must_use]
    pub fn accept(&self) -> Response<'_> {
        let mut head = String::with_capacity(192);
        head.push_str("HTTP/1.1 101 Switching Protocols\r\n");
        push(&mut head, "Upgrade", "websocket");
        push(&mut head, "Connection", "Upgrade");
        push(&mut head, "Sec-WebSocket-Accept", &accept_key(self.key));
        Response { head, choice: Choice::new(&self.protocols, &self.extensions) }
    }
}

/// The answer with status 101, under construction.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    head: String,
    choice: Choice<'a>,
}

impl Response<'_> {
    /// Chooses a subprotocol.
    ///
    /// # Errors
    /// [`HeaderError::NotOffered`], also for a second choice.
    pub fn protocol(mut self, protocol: &str) -> Result<Self, HeaderError> {
        self.choice.protocol(protocol)?;
        Ok(self)
    }

    /// Agrees to permessage-deflate, if the client offers it in a way that `options` allow. The
    /// connection then speaks it by the agreement: `Connection::with_deflate`.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: &Options) -> (Self, Option<Agreement>) {
        let agreement = self.choice.deflate(options);
        (self, agreement)
    }

    /// Agrees to an extension that you implement yourself, written as in RFC 6455 §9.1.
    ///
    /// # Errors
    /// [`HeaderError::InvalidValue`] when it is not one element of a list of extensions;
    /// [`HeaderError::NotOffered`], also when it was agreed to before.
    pub fn extension(mut self, extension: &str) -> Result<Self, HeaderError> {
        self.choice.extension(extension)?;
        Ok(self)
    }

    /// Adds a header of the application's.
    ///
    /// # Errors
    /// When the line could break the response, or is one the handshake writes itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        push_checked(&mut self.head, name, value)?;
        Ok(self)
    }

    /// The bytes to write; after them, frames.
    #[must_use]
    pub fn to_bytes(mut self) -> Vec<u8> {
        for (name, value) in self.choice.lines() {
            push(&mut self.head, name, value);
        }
        self.head.push_str("\r\n");
        self.head.into_bytes()
    }
}

/// Base64 of 16 bytes: 22 characters of the alphabet and two of padding.
fn key(value: &[u8]) -> Option<&str> {
    let key = str::from_utf8(value.trim_ascii()).ok()?;
    let digits = key.strip_suffix("==")?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    (digits.len() == 22 && digits.bytes().all(sound)).then_some(key)
}

/// The elements of all values; `None` when one is malformed.
pub(super) fn extensions<'h>(
    values: impl Iterator<Item = &'h [u8]>,
) -> Option<Vec<ExtensionOffer<'h>>> {
    let mut extensions = Vec::new();
    for value in values {
        extension::parse(value, &mut extensions)?;
    }
    Some(extensions)
}

/// The tokens of all values; `None` when one is no token, repeated, or one too many.
pub(super) fn protocols<'h>(values: impl Iterator<Item = &'h [u8]>) -> Option<Vec<&'h str>> {
    let mut protocols = Vec::new();
    for element in values.flat_map(|value| value.split(|&byte| byte == b',')) {
        let protocol = str::from_utf8(element.trim_ascii()).ok()?;
        if !is_token(protocol) || protocols.len() == MAX_PROTOCOLS || protocols.contains(&protocol)
        {
            return None;
        }
        protocols.push(protocol);
    }
    Some(protocols)
}
