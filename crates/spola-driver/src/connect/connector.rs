//! The steps of the way, and their settings.

use std::borrow::Cow;
use std::fmt;
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;

use spola_websocket::Config;
use spola_websocket::client::proxy::Proxy;
use spola_websocket::client::{Place, Redirects, Target, is_secret};
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::client::{HandshakeError, Request};

use super::dial::dial;
use super::tunnel::tunnel;
use super::{ConnectorError, Dial, MaybeTls, Response, SocketOptions};
use crate::greeting::within;
use crate::line::WRITE_TIMEOUT;
use crate::{ConnectError, Open, WebSocket};

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
    runtime: R,
    config: Config,
    protocols: Vec<Text>,
    headers: Vec<(Text, Text)>,
    proxy: Via,
    redirects: u8,
    timeout: Duration,
    write_timeout: Option<Duration>,
    sockets: SocketOptions,
    #[cfg(feature = "deflate")]
    deflate: Option<spola_websocket::deflate::Options>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<super::tls::rustls::ClientConfig>>,
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

    /// Goes wherever redirects lead.
    async fn follow(
        &self,
        mut target: Target,
    ) -> Result<(WebSocket<MaybeTls<R::Stream>, R>, Response), ConnectorError> {
        let mut redirects = Redirects::up_to(self.redirects);
        let mut trust = Trust::First;
        loop {
            let request = self.request(&target, trust).map_err(ConnectorError::Header)?;
            let stream = self.reach(&target).await?;
            let refusal = match self.open(&target, request, stream).await {
                Err(ConnectorError::Refused(response)) => response,
                outcome => return outcome,
            };
            let location = refusal.header("location");
            match redirects.follow(&target, refusal.status, location) {
                Ok(Some(next)) => {
                    trust = if next.same_origin(&target) { trust } else { Trust::Other };
                    target = next;
                }
                Ok(None) => return Err(ConnectorError::Refused(refusal)),
                Err(error) => return Err(ConnectorError::Redirect(error)),
            }
        }
    }

    fn request(&self, target: &Target, trust: Trust) -> Result<Request, HeaderError> {
        let headers = || {
            let meant = |name: &str| trust == Trust::First || !is_secret(name);
            self.headers.iter().filter(move |(name, _)| meant(name))
        };
        let given = headers().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let mut request = match given {
            true => target.clone().with_credentials(None).request(),
            false => target.request(),
        };
        for protocol in &self.protocols {
            request = request.protocol(protocol)?;
        }
        #[cfg(feature = "deflate")]
        if let Some(options) = &self.deflate {
            request = request.deflate(options.clone());
        }
        for (name, value) in headers() {
            request = request.header(name, value)?;
        }
        Ok(request)
    }

    /// A stream to the target, its TLS included.
    async fn reach(&self, target: &Target) -> Result<MaybeTls<R::Stream>, ConnectorError> {
        let (host, port) = match target.place() {
            Place::Tcp { host, port } => (host, *port),
            Place::Unix(path) => return Ok(MaybeTls::Plain(self.runtime.unix(path).await?)),
        };
        let stream = match &self.via(target)? {
            Some(proxy) => {
                let dialled = dial(&self.runtime, proxy.host(), proxy.port(), self.sockets);
                let mut stream = dialled.await?;
                tunnel(&mut stream, proxy, host, port).await?;
                stream
            }
            None => dial(&self.runtime, host, port, self.sockets).await?,
        };
        if !target.is_secure() {
            return Ok(MaybeTls::Plain(stream));
        }
        #[cfg(feature = "rustls")]
        let secured = super::tls::secure(stream, host, self.tls.as_ref()).await;
        #[cfg(feature = "rustls")]
        return secured.map_err(ConnectorError::Tls);
        #[cfg(not(feature = "rustls"))]
        Err(ConnectorError::NoTls)
    }

    fn via(&self, target: &Target) -> Result<Option<Proxy>, ConnectorError> {
        match &self.proxy {
            Via::Nothing => Ok(None),
            Via::Proxy(proxy) => Ok(Some(proxy.clone())),
            Via::Environment => Proxy::from_environment(target, |name| std::env::var(name).ok())
                .map_err(ConnectorError::Environment),
        }
    }

    /// The opening handshake.
    async fn open(
        &self,
        target: &Target,
        request: Request,
        stream: MaybeTls<R::Stream>,
    ) -> Result<(WebSocket<MaybeTls<R::Stream>, R>, Response), ConnectorError> {
        let mut response = Response::of(target, 101, &[]);
        let opening = Open::new(request)
            .config(self.config.clone())
            .head_timeout(self.timeout)
            .write_timeout(self.write_timeout)
            .open_looking(stream, self.runtime.clone(), |status, headers| {
                response = Response::of(target, status, headers);
            });
        match opening.await {
            Ok(socket) => Ok((socket, response)),
            Err(ConnectError::Io(error)) => Err(ConnectorError::Io(error)),
            Err(ConnectError::Handshake(HandshakeError::Status(_))) => {
                Err(ConnectorError::Refused(Box::new(response)))
            }
            Err(ConnectError::Handshake(error)) => Err(ConnectorError::Handshake(error)),
            Err(ConnectError::TimedOut) => Err(ConnectorError::TimedOut),
        }
    }
}

/// What stands between the client and its targets.
#[derive(Clone, Debug)]
enum Via {
    Nothing,
    Proxy(Proxy),
    /// What the environment names.
    Environment,
}

/// Whether the server at hand is the one that the caller named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    First,
    /// A redirect led elsewhere. To come back does not count: it was another who sent us.
    Other,
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
