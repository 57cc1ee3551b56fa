use std::io;

use spola_websocket::client::proxy::ProxyError;
use spola_websocket::client::{RedirectError, TargetError};
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::client::HandshakeError;

use super::Response;

/// No WebSocket was opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectorError {
    /// The URL is not one of a WebSocket.
    #[error("{0}")]
    Target(TargetError),
    /// A header or subprotocol that was to be sent is none, or is the handshake's own.
    #[error("{0}")]
    Header(HeaderError),
    /// The name was not resolved, no address answered, or the stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The environment's variable for the target is no URL of a proxy.
    #[error("the environment's proxy: {0}")]
    Environment(TargetError),
    /// The proxy opened no tunnel.
    #[error("{0}")]
    Proxy(ProxyError),
    /// The server's certificate is not trusted, or TLS failed in another way.
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    /// The URL asks for TLS, which is a feature that was not compiled in.
    #[error("TLS is not compiled in")]
    NoTls,
    /// The server answered with another status than 101: it refused, wants authentication, or
    /// redirects and that is not followed (any more).
    #[error("{0}")]
    Refused(Box<Response>),
    /// A redirect that must not be followed.
    #[error("{0}")]
    Redirect(RedirectError),
    /// The server's answer is no sound acceptance.
    #[error("{0}")]
    Handshake(HandshakeError),
    /// The connection was not open in time.
    #[error("the connection was not open in time")]
    TimedOut,
}
