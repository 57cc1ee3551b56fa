//! The server's half: check the request, answer it or refuse.

use http::{HeaderValue, Method, Request, StatusCode, Version, header};

use super::{CONNECTION_FIELDS, PROTOCOL, add, fields};
use crate::handshake::{
    ExtensionOffer, HeaderError, MAX_HEADERS, accept_key,
    choice::Choice,
    header::{all, only},
    server::{self, HttpVersion, MAX_TARGET_LEN, Rejection},
};

#[cfg(feature = "deflate")]
use crate::deflate::{Agreement, Options};

/// Checks a request for a WebSocket: an upgrade if it came over HTTP/1.1, as
/// [`server::check`] does, or an extended CONNECT.
///
/// `protocol` is what the pseudo-header `:protocol` says, and `None` if there is none, as always
/// with HTTP/1.1. An extended CONNECT needs scheme, authority and path, version 13, and neither a
/// body nor fields of an HTTP/1 connection; a key is not asked for, nor looked at (RFC 8441 §5). The
/// origin is the caller's to check.
///
/// # Errors
/// The first check that failed: [`Rejection::to_response`].
pub fn check<'a, B>(
    request: &'a Request<B>,
    protocol: Option<&str>,
) -> Result<Upgrade<'a>, Rejection> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET_LEN) {
        return Err(Rejection::TargetTooLong);
    }
    if request.headers().len() > MAX_HEADERS {
        return Err(Rejection::TooManyHeaders);
    }
    let version = match request.version() {
        Version::HTTP_2 | Version::HTTP_3 => return check_connect(request, protocol),
        Version::HTTP_11 => HttpVersion::Http11,
        Version::HTTP_10 => HttpVersion::Http10,
        _ => HttpVersion::Other,
    };
    let headers = fields(request.headers());
    let upgrade = server::check(request.method().as_str(), version, headers.iter().copied())?;
    Ok(Upgrade {
        key: Some(upgrade.key),
        protocols: upgrade.protocols,
        extensions: upgrade.extensions,
    })
}

fn check_connect<'a, B>(
    request: &'a Request<B>,
    protocol: Option<&str>,
) -> Result<Upgrade<'a>, Rejection> {
    let uri = request.uri();
    if request.method() != Method::CONNECT || protocol.is_none() {
        return Err(Rejection::Connect);
    }
    if protocol != Some(PROTOCOL) {
        return Err(Rejection::ConnectProtocol);
    }
    if uri.scheme().is_none() || uri.authority().is_none() || uri.path_and_query().is_none() {
        return Err(Rejection::Malformed);
    }
    if CONNECTION_FIELDS.iter().any(|name| request.headers().contains_key(name)) {
        return Err(Rejection::Malformed);
    }
    let headers = fields(request.headers());
    let only = |name: &str| only(headers.iter().copied(), name);
    let all = |name| all(headers.iter().copied(), name);
    if only("content-length") != Ok(None) {
        return Err(Rejection::Body);
    }
    if only("sec-websocket-version").map(|value| value.map(<[u8]>::trim_ascii)) != Ok(Some(b"13")) {
        return Err(Rejection::WebSocketVersion);
    }
    let extensions =
        server::extensions(all("sec-websocket-extensions")).ok_or(Rejection::Extensions)?;
    let protocols = server::protocols(all("sec-websocket-protocol")).ok_or(Rejection::Protocols)?;
    Ok(Upgrade { key: None, protocols, extensions })
}

/// What a sound request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade<'a> {
    /// The client's key, which an extended CONNECT has not.
    key: Option<&'a str>,
    /// The subprotocols offered, in order of preference, at most 16. Choose one or none.
    pub protocols: Vec<&'a str>,
    /// The extensions offered. An answer without any declines them all.
    pub extensions: Vec<ExtensionOffer<'a>>,
}

impl Upgrade<'_> {
    /// Starts the answer that accepts.
    #[must_use]
    pub fn accept(&self) -> Response<'_> {
        Response {
            accept: self.key.and_then(|key| HeaderValue::try_from(accept_key(key)).ok()),
            choice: Choice::new(&self.protocols, &self.extensions),
        }
    }
}

/// The answer that accepts, under construction.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    accept: Option<HeaderValue>,
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

    /// The response to send: 101 to an upgrade, 200 to an extended CONNECT. You may add headers.
    #[must_use]
    pub fn into_response(self) -> http::Response<()> {
        let mut response = http::Response::new(());
        if let Some(accept) = self.accept {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        add(response.headers_mut(), self.choice.lines());
        response
    }
}

impl Rejection {
    /// The response that refuses a request which came with that version of HTTP. Beyond HTTP/1.1
    /// there is no upgrade, and 400 stands for what would be 426.
    #[must_use]
    pub fn to_response(self, version: Version) -> http::Response<&'static str> {
        let mut response = http::Response::new(self.message());
        let http1 = version < Version::HTTP_2;
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let upgrade = status == StatusCode::UPGRADE_REQUIRED;
        *response.status_mut() = if upgrade && !http1 { StatusCode::BAD_REQUEST } else { status };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let fields = self.headers().iter().copied();
        add(headers, fields.filter(|(name, _)| http1 || *name != "Upgrade"));
        if upgrade && http1 {
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        response
    }
}
