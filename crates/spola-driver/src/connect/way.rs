//! The steps of the way.

use spola_websocket::client::proxy::Proxy;
use spola_websocket::client::{Place, Redirects, Target, is_secret};
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::client::{HandshakeError, Request};

use super::connector::Via;
use super::dial::dial;
use super::tunnel::tunnel;
use super::{Connector, ConnectorError, Dial, MaybeTls, Response};
use crate::{ConnectError, Open, WebSocket};

impl<R: Dial + Clone> Connector<R> {
    /// Goes wherever redirects lead.
    pub(super) async fn follow(
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

/// Whether the server at hand is the one that the caller named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    First,
    /// A redirect led elsewhere. To come back does not count: it was another who sent us.
    Other,
}
