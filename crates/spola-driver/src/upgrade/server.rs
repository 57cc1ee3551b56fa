//! The server's half.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use hyper::upgrade::OnUpgrade;
use spola_websocket::handshake::http::server::check;
use spola_websocket::handshake::server::Rejection;
use spola_websocket::{Config, Connection};

use super::HyperIo;
use crate::deflation::{Deflation, deflating};
use crate::line::WRITE_TIMEOUT;
use crate::{AcceptError, Line, Runtime, WebSocket};

/// How a handler takes clients in, once it has looked at their requests. Build it once.
///
/// ```
/// use http::{Request, Response};
/// use spola_driver::upgrade::Upgrade;
/// # use spola_driver::Runtime;
///
/// fn handle<B>(mut request: Request<B>, runtime: impl Runtime) -> Response<String> {
///     match Upgrade::new().protocols(["chat"]).upgrade(&mut request, runtime) {
///         Ok((response, upgrading)) => {
///             let echo = async move {
///                 let mut socket = upgrading.await?;
///                 while let Ok(Some(message)) = socket.recv().await {
///                     socket.send(message).await?;
///                 }
///                 Ok::<_, Box<dyn std::error::Error>>(())
///             };
///             // Spawn it: it can only begin when the response was sent.
///             # drop(echo);
///             response
///         }
///         Err(rejection) => rejection.to_response(request.version()).map(str::to_owned),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Upgrade {
    config: Config,
    protocols: Vec<Cow<'static, str>>,
    write_timeout: Option<Duration>,
    #[cfg(feature = "deflate")]
    deflate: Option<spola_websocket::deflate::Options>,
}

impl Upgrade {
    /// The defaults: no subprotocol.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: Config::default(),
            protocols: Vec::new(),
            write_timeout: Some(WRITE_TIMEOUT),
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }

    /// Settings for the connections.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The subprotocols that are spoken here, in order of preference. The first that the client
    /// offers as well is chosen; if there is none, the connection goes without.
    #[must_use]
    pub fn protocols<P: Into<Cow<'static, str>>>(
        mut self,
        protocols: impl IntoIterator<Item = P>,
    ) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// How long a client may take nothing while something waits to be written. Default: 30 s;
    /// `None`: no limit.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Agrees to permessage-deflate with clients that offer it. Default: declined.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(
        mut self,
        options: impl Into<Option<spola_websocket::deflate::Options>>,
    ) -> Self {
        self.deflate = options.into();
        self
    }

    /// The response to send, with an empty body, and the WebSocket that comes of it. You may add
    /// headers. The request's origin, path and credentials are the caller's to check.
    ///
    /// # Errors
    /// When the request is none for a WebSocket: send [`Rejection::to_response`].
    pub fn upgrade<B, T: Default, R: Runtime>(
        &self,
        request: &mut Request<B>,
        runtime: R,
    ) -> Result<(Response<T>, Upgrading<R>), Rejection> {
        let upgrade = check(request, connect_protocol(request))?;
        let mut response = upgrade.accept();
        let offered = &upgrade.protocols;
        let chosen = self.protocols.iter().find(|ours| offered.contains(&&***ours));
        if let Some(chosen) = chosen {
            response = response.protocol(chosen).map_err(|_| Rejection::Protocols)?;
        }
        #[cfg(feature = "deflate")]
        let (response, deflation) = match &self.deflate {
            Some(options) => response.deflate(options),
            None => (response, None),
        };
        #[cfg(not(feature = "deflate"))]
        let deflation = ();
        let response = response.into_response().map(|()| T::default());
        let accepted = Accepted {
            runtime,
            config: self.config.clone(),
            protocol: chosen.map(|chosen| Box::from(&**chosen)),
            write_timeout: self.write_timeout,
            deflation,
        };
        Ok((response, Upgrading { on: hyper::upgrade::on(request), accepted: Some(accepted) }))
    }
}

/// What an extended CONNECT of HTTP/2 asks to speak, and `None` for any other request (RFC 8441 §4).
#[cfg(feature = "http2")]
pub fn connect_protocol<B>(request: &Request<B>) -> Option<&str> {
    let protocol = request.extensions().get::<hyper::ext::Protocol>()?;
    str::from_utf8(protocol.as_ref()).ok()
}

/// What an extended CONNECT of HTTP/2 asks to speak: nothing, without the feature `http2`.
#[cfg(not(feature = "http2"))]
pub fn connect_protocol<B>(_: &Request<B>) -> Option<&str> {
    None
}

impl Default for Upgrade {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Config> for Upgrade {
    fn from(config: Config) -> Self {
        Self::new().config(config)
    }
}

/// A WebSocket that opens when the response was sent.
///
/// # Errors
/// If the connection fails before that, or hyper serves it without upgrades.
#[must_use = "the client waits for somebody to speak with"]
pub struct Upgrading<R> {
    on: OnUpgrade,
    accepted: Option<Accepted<R>>,
}

struct Accepted<R> {
    runtime: R,
    config: Config,
    protocol: Option<Box<str>>,
    write_timeout: Option<Duration>,
    deflation: Deflation,
}

/// Nothing in it is pinned.
impl<R> Unpin for Upgrading<R> {}

impl<R: Runtime> Future for Upgrading<R> {
    type Output = Result<WebSocket<HyperIo, R>, AcceptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on).poll(cx));
        let stream = upgraded.map_err(|error| AcceptError::Io(io::Error::other(error)))?;
        let Some(accepted) = self.accepted.take() else {
            return Poll::Ready(Err(AcceptError::Io(io::ErrorKind::NotConnected.into())));
        };
        let Accepted { runtime, config, protocol, write_timeout, deflation } = accepted;
        // What came behind the request's head, hyper gives with the stream.
        let connection = deflating(Connection::server(config), &deflation);
        let mut line = Line::new(HyperIo(stream), connection, Vec::new(), runtime.now());
        line.set_write_timeout(write_timeout);
        Poll::Ready(Ok(WebSocket::from_line(line, runtime).with_protocol(protocol)))
    }
}

impl<R> fmt::Debug for Upgrading<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}
