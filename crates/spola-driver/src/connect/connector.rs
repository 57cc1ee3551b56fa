//! The settings of the way.

use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;

use spola_websocket::Config;
use spola_websocket::client::Target;
use spola_websocket::client::proxy::Proxy;

use super::{ConnectorError, Dial, MaybeTls, Response, SocketOptions};
use crate::WebSocket;
use crate::greeting::within;
use crate::line::WRITE_TIMEOUT;

/// Time for all of it.
const TIMEOUT: Duration = Duration::from_secs(20);

type Text = Cow<'static, str>;

/// Connects to WebSocket servers by their URLs. Build it once, use it for any number of connections.
///
/// # URLs
/// `ws://`, `wss://` and, as other names for them, `http://` and `https://`; and
/// `ws+unix:///run/app.sock:/path`. `user:password@` becomes basic authentication.
#[derive(Clone)]
pub struct Connector<R> {
    pub(super) runtime: R,
    pub(super) config: Config,
    pub(super) protocols: Vec<Text>,
    pub(super) headers: Vec<(Text, Text)>,
    pub(super) proxy: Via,
    pub(super) redirects: u8,
    pub(super) timeout: Duration,
    pub(super) write_timeout: Option<Duration>,
    pub(super) sockets: SocketOptions,
    #[cfg(feature = "deflate")]
    pub(super) deflate: Option<spola_websocket::deflate::Options>,
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Arc<super::tls::rustls::ClientConfig>>,
}

impl<R: Dial + Clone> Connector<R> {
    /// The defaults: no proxy, no redirects, 20 s.
    pub fn new(runtime: R) -> Self {
        Self {
            runtime,
            config: Config::default(),
            protocols: Vec::new(),
            headers: Vec::new(),
            proxy: Via::Nothing,
            redirects: 0,
            timeout: TIMEOUT,
            write_timeout: Some(WRITE_TIMEOUT),
            sockets: SocketOptions::default(),
            #[cfg(feature = "deflate")]
            deflate: None,
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }

    /// Settings for the connections.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers a subprotocol, after those offered before. What was chosen says
    /// [`WebSocket::protocol`].
    #[must_use]
    pub fn protocol(mut self, protocol: impl Into<Text>) -> Self {
        self.protocols.push(protocol.into());
        self
    }

    /// Adds a header to the request. `Authorization` takes the place of what the URL says; it and
    /// `Cookie` do not follow a redirect to another server.
    #[must_use]
    pub fn header(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Goes through a proxy, or, by default, through none. Unix sockets are always connected to
    /// directly.
    #[must_use]
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxy = proxy.into().map_or(Via::Nothing, Via::Proxy);
        self
    }

    /// Goes through the proxy that the environment names for each target, if it does
    /// ([`Proxy::from_environment`]). Otherwise its variables are not looked at.
    #[must_use]
    pub fn proxy_from_environment(mut self) -> Self {
        self.proxy = Via::Environment;
        self
    }

    /// Follows up to `most` redirects, one after another, but never from TLS to none, nor to a Unix
    /// socket. Default: 0.
    #[must_use]
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// Time for all of it, from the name's resolution to the open WebSocket. Default: 20 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long the server may take nothing while something waits to be written. Default: 30 s;
    /// `None`: no limit.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Whether small messages leave at once ([`SocketOptions::nodelay`]). Default: true.
    #[must_use]
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.sockets.nodelay = nodelay;
        self
    }

    /// Offers permessage-deflate. Default: not.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(
        mut self,
        options: impl Into<Option<spola_websocket::deflate::Options>>,
    ) -> Self {
        self.deflate = options.into();
        self
    }

    /// Takes a configuration of the caller's for TLS in place of the one that features choose (see
    /// [`tls`](super::tls)).
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: impl Into<Arc<super::tls::rustls::ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Opens a WebSocket to the server of `url`. The response says what else the server answered.
    ///
    /// # Errors
    /// If the URL is none, any step on the way fails, or all of them together take too long.
    pub async fn connect(
        &self,
        url: impl AsRef<str>,
    ) -> Result<(WebSocket<MaybeTls<R::Stream>, R>, Response), ConnectorError> {
        let target = Target::parse(url.as_ref()).map_err(ConnectorError::Target)?;
        // In a box: TLS's and the proxy's states would make every future that connects a large one.
        let way = Box::pin(self.follow(target));
        within(&self.runtime, self.timeout, way).await.ok_or(ConnectorError::TimedOut)?
    }
}

/// What stands between the client and its targets.
#[derive(Clone, Debug)]
pub(super) enum Via {
    Nothing,
    Proxy(Proxy),
    /// What the environment names.
    Environment,
}

impl<R: Dial + Clone + Default> Default for Connector<R> {
    fn default() -> Self {
        Self::new(R::default())
    }
}

/// Without the headers, which may hold secrets.
impl<R> fmt::Debug for Connector<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.config)
            .field("protocols", &self.protocols)
            .field("proxy", &self.proxy)
            .field("redirects", &self.redirects)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
