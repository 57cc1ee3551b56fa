//! The client's half: build the request, check the answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};

use super::{CONNECTION_FIELDS, PROTOCOL, add, fields};
use crate::{
    Entropy,
    handshake::{
        HeaderError, accept_key,
        client::{HandshakeError, check},
        offer::Offer,
    },
};

#[cfg(feature = "deflate")]
use crate::deflate::Options;

pub use crate::handshake::offer::Answer;

/// The request for a WebSocket, under construction.
#[derive(Clone, Debug)]
pub struct Request {
    /// Scheme (`http` or `https`), host with a port unless it is the scheme's own, and target.
    uri: Uri,
    target: PathAndQuery,
    host: HeaderValue,
    offer: Offer,
}

impl Request {
    /// What [`start_connect`](Self::start_connect) wants as `:protocol`.
    pub const PROTOCOL: &'static str = PROTOCOL;

    /// A request for `uri`, whose scheme is `ws`, `wss`, `http` or `https`. User and password in
    /// it are left out: they would go into `Authorization`.
    ///
    /// # Errors
    /// [`HeaderError::InvalidValue`] when the scheme is another, or there is none, or no host.
    pub fn new(uri: &Uri) -> Result<Self, HeaderError> {
        let invalid = HeaderError::InvalidValue;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("ws" | "http") => (Scheme::HTTP, 80),
            Some("wss" | "https") => (Scheme::HTTPS, 443),
            _ => return Err(invalid),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(invalid)?;
        let host = match uri.port_u16().filter(|&port| port != default_port) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let target = match uri.path_and_query() {
            Some(target) if target.as_str().starts_with('/') => target.clone(),
            Some(target) => format!("/{}", target.as_str()).parse().map_err(|_| invalid)?,
            None => PathAndQuery::from_static("/"),
        };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(host.parse::<Authority>().map_err(|_| invalid)?)
            .path_and_query(target.clone())
            .build()
            .map_err(|_| invalid)?;
        let host = HeaderValue::try_from(host).map_err(|_| invalid)?;
        Ok(Self { uri, target, host, offer: Offer::default() })
    }

    /// Offers a subprotocol, after those offered before.
    ///
    /// # Errors
    /// [`HeaderError::InvalidName`] when it is no token.
    pub fn protocol(mut self, protocol: &str) -> Result<Self, HeaderError> {
        self.offer.protocol(protocol)?;
        Ok(self)
    }

    /// Offers permessage-deflate. What becomes of it is [`Answer::deflate`].
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: Options) -> Self {
        self.offer.deflate(options);
        self
    }

    /// The request for HTTP/1.1, and what checks its answer. Takes the key's 16 bytes from
    /// `entropy`. You may add headers.
    #[must_use]
    pub fn start(self, entropy: &mut impl Entropy) -> (http::Request<()>, Handshake) {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let key = STANDARD.encode(nonce);
        let mut request = http::Request::new(());
        *request.uri_mut() = Uri::from(self.target);
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host);
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        add(headers, [("sec-websocket-key", &key)].into_iter());
        describe(headers, &self.offer);
        let handshake = Handshake { accept: Some(accept_key(&key)), offer: self.offer };
        (request, handshake)
    }

    /// The request for HTTP/2 or 3, an extended CONNECT, and what checks its answer. You may add
    /// headers, and must tell the library that `:protocol` is `websocket`, once the server has said
    /// that it takes such requests.
    #[must_use]
    pub fn start_connect(self) -> (http::Request<()>, Handshake) {
        let mut request = http::Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri;
        describe(request.headers_mut(), &self.offer);
        (request, Handshake { accept: None, offer: self.offer })
    }
}

fn describe(headers: &mut HeaderMap, offer: &Offer) {
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    add(headers, offer.lines());
}

/// Checks the answer to a [`Request`].
#[derive(Clone, Debug)]
pub struct Handshake {
    /// What `Sec-WebSocket-Accept` must say; `None` after an extended CONNECT.
    accept: Option<String>,
    offer: Offer,
}

impl Handshake {
    /// Whether the response opens a WebSocket, and how.
    ///
    /// # Errors
    /// When the server refuses, or does not answer as RFC 6455 §4.1 or RFC 8441 §5 demand.
    pub fn check<'h, B>(
        &self,
        response: &'h http::Response<B>,
    ) -> Result<Answer<'h>, HandshakeError> {
        let (status, headers) = (response.status(), fields(response.headers()));
        let headers = headers.iter().copied();
        let Some(accept) = &self.accept else {
            if !status.is_success() {
                return Err(HandshakeError::Status(status.as_u16()));
            }
            if CONNECTION_FIELDS.iter().any(|name| response.headers().contains_key(name)) {
                return Err(HandshakeError::Malformed);
            }
            return self.offer.check(headers);
        };
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Status(status.as_u16()));
        }
        if response.version() != Version::HTTP_11 {
            return Err(HandshakeError::Malformed);
        }
        check(headers, accept, &self.offer)
    }
}
