//! The client's half: write the request, check the answer.

use std::{error, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::Entropy;

use super::{
    HeaderError, MAX_HEADERS, accept_key,
    header::{HeadEnd, all, is_token, lists_token, only, push, push_checked},
};

/// The request for an upgrade, under construction.
///
/// ```
/// use spola_websocket::handshake::client::Request;
///
/// # let mut entropy = |buf: &mut [u8]| buf.fill(7);
/// let request = Request::new("example.com", "/chat?room=1")?
///     .protocol("chat.v2")?
///     .header("Origin", "https://example.com")?;
/// let (bytes, mut handshake) = request.start(&mut entropy);
/// assert!(bytes.starts_with(b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\n"));
/// // Write `bytes`, then give what is read to `handshake`.
/// assert!(handshake.read(b"HTTP/1.1 101 Swi")?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    head: String,
    protocols: Vec<String>,
}

impl Request {
    /// A request to `host` (with its port, unless it is the scheme's own) for `target`, a path with
    /// an optional query.
    ///
    /// # Errors
    /// [`HeaderError::InvalidValue`] when either is empty or holds a space, a control character or
    /// non-ASCII, or when the target does not start with a slash or holds a fragment.
    pub fn new(host: &str, target: &str) -> Result<Self, HeaderError> {
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !visible(host) || !visible(target) || !target.starts_with('/') || target.contains('#') {
            return Err(HeaderError::InvalidValue);
        }
        let mut head = format!("GET {target} HTTP/1.1\r\n");
        push(&mut head, "Host", host);
        push(&mut head, "Upgrade", "websocket");
        push(&mut head, "Connection", "Upgrade");
        push(&mut head, "Sec-WebSocket-Version", "13");
        Ok(Self { head, protocols: Vec::new() })
    }

    /// Offers a subprotocol, after those offered before.
    ///
    /// # Errors
    /// [`HeaderError::InvalidName`] when it is no token.
    pub fn protocol(mut self, protocol: &str) -> Result<Self, HeaderError> {
        if !is_token(protocol) {
            return Err(HeaderError::InvalidName);
        }
        if !self.protocols.iter().any(|offered| offered == protocol) {
            self.protocols.push(protocol.to_owned());
        }
        Ok(self)
    }

    /// Adds a header of the application's.
    ///
    /// # Errors
    /// When the line could break the request, or is one the handshake writes itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        push_checked(&mut self.head, name, value)?;
        Ok(self)
    }

    /// The bytes to write, and what reads the answer. Takes the key's 16 bytes from `entropy`.
    #[must_use]
    pub fn start(mut self, entropy: &mut impl Entropy) -> (Vec<u8>, Handshake) {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let key = STANDARD.encode(nonce);
        push(&mut self.head, "Sec-WebSocket-Key", &key);
        if !self.protocols.is_empty() {
            push(&mut self.head, "Sec-WebSocket-Protocol", &self.protocols.join(", "));
        }
        self.head.push_str("\r\n");
        let handshake = Handshake {
            accept: accept_key(&key),
            protocols: self.protocols,
            end: HeadEnd::default(),
        };
        (self.head.into_bytes(), handshake)
    }
}

/// Reads the answer to a [`Request`], which may arrive in pieces.
#[derive(Clone, Debug)]
pub struct Handshake {
    accept: String,
    protocols: Vec<String>,
    end: HeadEnd,
}

impl Handshake {
    /// Reads the response at the start of `input`, which is all that has arrived so far; `None`
    /// until the head is complete. What follows [`head_len`](Response::head_len) bytes belongs to
    /// the connection.
    ///
    /// # Errors
    /// When the server refuses, or does not answer as RFC 6455 §4.1 demands: hang up.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<Option<Response<'a>>, HandshakeError> {
        let Some(head_len) = self.end.find(input).map_err(|_| HandshakeError::HeadTooLong)? else {
            return Ok(None);
        };
        let head = input.get(..head_len).unwrap_or_default();
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(HandshakeError::TooManyHeaders),
            Ok(httparse::Status::Partial) | Err(_) => return Err(HandshakeError::Malformed),
        }
        let headers: Vec<_> =
            parsed.headers.iter().map(|field| (field.name, field.value)).collect();
        let status = parsed.code.ok_or(HandshakeError::Malformed)?;
        if status != 101 {
            return Err(HandshakeError::Status(status));
        }
        if parsed.version != Some(1) {
            return Err(HandshakeError::Malformed);
        }
        let protocol = self.check(&headers)?;
        Ok(Some(Response { protocol, headers, head_len }))
    }

    fn check<'a>(
        &self,
        headers: &[(&'a str, &'a [u8])],
    ) -> Result<Option<&'a str>, HandshakeError> {
        let headers = headers.iter().copied();
        if !all(headers.clone(), "upgrade").any(|value| lists_token(value, "websocket"))
            || !all(headers.clone(), "connection").any(|value| lists_token(value, "upgrade"))
        {
            return Err(HandshakeError::Upgrade);
        }
        let accept = only(headers.clone(), "sec-websocket-accept");
        if accept.map(|value| value.map(<[u8]>::trim_ascii)) != Ok(Some(self.accept.as_bytes())) {
            return Err(HandshakeError::Accept);
        }
        if all(headers.clone(), "sec-websocket-extensions").next().is_some() {
            return Err(HandshakeError::Extension);
        }
        let protocol = only(headers, "sec-websocket-protocol");
        let Some(protocol) = protocol.map_err(|()| HandshakeError::Protocol)? else {
            return Ok(None);
        };
        str::from_utf8(protocol.trim_ascii())
            .ok()
            .filter(|protocol| self.protocols.iter().any(|offered| offered == protocol))
            .map(Some)
            .ok_or(HandshakeError::Protocol)
    }
}

/// The answer that accepts the upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response<'a> {
    /// The subprotocol the server chose among those offered.
    pub protocol: Option<&'a str>,
    /// The header fields in order, at most 100.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// Bytes the head took of the input.
    pub head_len: usize,
}

impl<'a> Response<'a> {
    /// The first value of the header called `name`, whatever the case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        all(self.headers.iter().copied(), name).next()
    }
}

/// Why a response does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head has 16 KiB or more.
    HeadTooLong,
    /// The head has more than 100 fields.
    TooManyHeaders,
    /// Not an HTTP/1.1 response.
    Malformed,
    /// A status other than 101: the server refused, redirects, or wants authentication.
    Status(u16),
    /// The 101 is not for `websocket`.
    Upgrade,
    /// `Sec-WebSocket-Accept` does not match the key sent.
    Accept,
    /// A subprotocol that was not offered, or several.
    Protocol,
    /// An extension that was not offered.
    Extension,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(status) => return write!(f, "the server answered with status {status}"),
            Self::HeadTooLong => "response head too long",
            Self::TooManyHeaders => "too many header fields",
            Self::Malformed => "malformed response",
            Self::Upgrade => "not an upgrade to WebSocket",
            Self::Accept => "Sec-WebSocket-Accept does not match",
            Self::Protocol => "a subprotocol that was not offered",
            Self::Extension => "an extension that was not offered",
        })
    }
}

impl error::Error for HandshakeError {}
