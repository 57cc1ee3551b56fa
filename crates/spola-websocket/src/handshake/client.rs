//! The client's half: write the request, check the answer.

use std::{error, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::Entropy;

pub use super::response::{ResponseHead, ResponseReader};
use super::{
    HeaderError, accept_key,
    header::{all, lists_token, only, push, push_checked},
    offer::{Answer, Offer},
    server::HttpVersion,
};

#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, Options};

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
#[derive(Clone)]
pub struct Request {
    head: String,
    offer: Offer,
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
        Ok(Self::to(host, target, None))
    }

    /// A request to a host and a target that are known to be sound.
    pub(crate) fn to(host: &str, target: &str, authorization: Option<&str>) -> Self {
        let mut head = format!("GET {target} HTTP/1.1\r\n");
        push(&mut head, "Host", host);
        push(&mut head, "Upgrade", "websocket");
        push(&mut head, "Connection", "Upgrade");
        push(&mut head, "Sec-WebSocket-Version", "13");
        if let Some(authorization) = authorization {
            push(&mut head, "Authorization", authorization);
        }
        Self { head, offer: Offer::default() }
    }

    /// Offers a subprotocol, after those offered before.
    ///
    /// # Errors
    /// [`HeaderError::InvalidName`] when it is no token.
    pub fn protocol(mut self, protocol: &str) -> Result<Self, HeaderError> {
        self.offer.protocol(protocol)?;
        Ok(self)
    }

    /// Offers permessage-deflate. What becomes of it is [`Response::deflate`].
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: Options) -> Self {
        self.offer.deflate(options);
        self
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
        for (name, value) in self.offer.lines() {
            push(&mut self.head, name, &value);
        }
        self.head.push_str("\r\n");
        let reader = ResponseReader::new();
        let handshake = Handshake { accept: accept_key(&key), offer: self.offer, reader };
        (self.head.into_bytes(), handshake)
    }
}

/// Without the headers, which may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.head.lines().next();
        f.debug_struct("Request")
            .field("target", &target)
            .field("offer", &self.offer)
            .finish_non_exhaustive()
    }
}

/// Reads the answer to a [`Request`], which may arrive in pieces.
#[derive(Clone, Debug)]
pub struct Handshake {
    accept: String,
    offer: Offer,
    reader: ResponseReader,
}

impl Handshake {
    /// Reads the response at the start of `input`, which is all that has arrived so far; `None`
    /// until the head is complete. What follows [`head_len`](Response::head_len) bytes belongs to
    /// the connection.
    ///
    /// # Errors
    /// When the server refuses, or does not answer as RFC 6455 §4.1 demands: hang up. What more a
    /// refusal says, [`ResponseReader`] reads from the same input.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<Option<Response<'a>>, HandshakeError> {
        let Some(head) = self.reader.read(input)? else {
            return Ok(None);
        };
        let ResponseHead { status, version, headers, head_len } = head;
        if status != 101 {
            return Err(HandshakeError::Status(status));
        }
        if version != HttpVersion::Http11 {
            return Err(HandshakeError::Malformed);
        }
        let answer = check(headers.iter().copied(), &self.accept, &self.offer)?;
        Ok(Some(Response {
            protocol: answer.protocol,
            #[cfg(feature = "deflate")]
            deflate: answer.deflate,
            headers,
            head_len,
        }))
    }
}

/// Checks the headers of a 101 (RFC 6455 §4.1).
pub(super) fn check<'h>(
    headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
    accept: &str,
    offer: &Offer,
) -> Result<Answer<'h>, HandshakeError> {
    if !all(headers.clone(), "upgrade").any(|value| lists_token(value, "websocket"))
        || !all(headers.clone(), "connection").any(|value| lists_token(value, "upgrade"))
    {
        return Err(HandshakeError::Upgrade);
    }
    let expected = Ok(Some(accept.as_bytes()));
    let accept = only(headers.clone(), "sec-websocket-accept");
    if accept.map(|value| value.map(<[u8]>::trim_ascii)) != expected {
        return Err(HandshakeError::Accept);
    }
    offer.check(headers)
}

/// The answer that accepts the upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response<'a> {
    /// The subprotocol the server chose among those offered.
    pub protocol: Option<&'a str>,
    /// What became of the offer to compress: for `Connection::with_deflate`.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Agreement>,
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
    /// An extension that was not offered, or parameters that do not answer the offer.
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
            Self::Extension => {
                "an extension, or a parameter of one, that does not answer the offer"
            }
        })
    }
}

impl error::Error for HandshakeError {}
