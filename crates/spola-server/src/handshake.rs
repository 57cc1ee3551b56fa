//! What is known of a client from the request that opened its session.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};

/// The request that opened a session (§17.4).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's target, query included.
    pub uri: Uri,
    /// Where the connection came from, if the driver or a layer above put a [`PeerAddress`] into
    /// the request's extensions.
    pub peer: Option<SocketAddr>,
}

impl Handshake {
    /// Copies what is to be kept of a request, to its last byte: its own parts are slices of the
    /// connection's read buffer, which would live as long as the session.
    pub(crate) fn of(request: &Request<()>) -> Self {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        };
        // HTTP/2 has the host in it.
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        Self {
            headers: request.headers().iter().filter_map(header).collect(),
            uri: Uri::try_from(target.to_owned()).unwrap_or_default(),
            peer: request.extensions().get().map(|PeerAddress(peer)| *peer),
        }
    }

    /// The client's address, without the port.
    pub fn address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }

    /// The value of a parameter of the query, percent-decoded; the last one if there are several.
    pub fn query(&self, name: &str) -> Option<String> {
        let parameters = form_urlencoded::parse(self.uri.query()?.as_bytes());
        let last = parameters.filter(|(key, _)| key == name).last();
        last.map(|(_, value)| value.into_owned())
    }

    /// Whether the request came from a page of another origin, as far as one can tell (§17.4): it
    /// has an `Origin` header.
    pub fn is_cross_domain(&self) -> bool {
        self.headers.contains_key(http::header::ORIGIN)
    }
}

/// The address of the peer, as a request extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);
