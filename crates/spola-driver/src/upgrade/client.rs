//! The client's half.

use std::fmt;
use std::io;
use std::time::Duration;

use http::{Request, Response, Uri};
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::http::client::{self, Handshake};
use spola_websocket::{Config, Connection};

use super::HyperIo;
use crate::deflation::deflating;
use crate::line::WRITE_TIMEOUT;
use crate::{ConnectError, Line, MaskingKeys, Runtime, WebSocket};

/// The request for a WebSocket, to be sent by an HTTP client that hands over its connection.
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    request: client::Request,
    config: Config,
    write_timeout: Option<Duration>,
}

impl UpgradeRequest {
    /// A request for `uri`, whose scheme is `ws`, `wss`, `http` or `https`.
    ///
    /// # Errors
    /// When the scheme is another, or there is no host.
    pub fn new(uri: &Uri) -> Result<Self, HeaderError> {
        Ok(Self {
            request: client::Request::new(uri)?,
            config: Config::default(),
            write_timeout: Some(WRITE_TIMEOUT),
        })
    }

    /// Settings for the connection.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Offers a subprotocol, after those offered before.
    ///
    /// # Errors
    /// When it is no token.
    pub fn protocol(mut self, protocol: &str) -> Result<Self, HeaderError> {
        self.request = self.request.protocol(protocol)?;
        Ok(self)
    }

    /// Offers permessage-deflate. Default: not.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, options: spola_websocket::deflate::Options) -> Self {
        self.request = self.request.deflate(options);
        self
    }

    /// How long the server may take nothing while something waits to be written. Default: 30 s;
    /// `None`: no limit.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// The request for HTTP/1.1, with an empty body, and what becomes of its answer. You may add
    /// headers. hyper's connection must be driven [`with_upgrades`].
    ///
    /// [`with_upgrades`]: https://docs.rs/hyper/1/hyper/client/conn/http1/struct.Connection.html
    pub fn start<T: Default, R: Runtime>(self, runtime: R) -> (Request<T>, UpgradeHandshake<R>) {
        let (request, handshake) =
            self.request.start(&mut |nonce: &mut [u8]| runtime.fill_random(nonce));
        let Self { config, write_timeout, .. } = self;
        let handshake = UpgradeHandshake { handshake, runtime, config, write_timeout };
        (request.map(|()| T::default()), handshake)
    }

    /// The request for HTTP/2, an extended CONNECT, and what becomes of its answer. You may add
    /// headers. Only servers take it that say so in their settings; others reset the stream.
    #[cfg(feature = "http2")]
    pub fn start_connect<T: Default, R: Runtime>(
        self,
        runtime: R,
    ) -> (Request<T>, UpgradeHandshake<R>) {
        let (mut request, handshake) = self.request.start_connect();
        let protocol = hyper::ext::Protocol::from_static(client::Request::PROTOCOL);
        request.extensions_mut().insert(protocol);
        let Self { config, write_timeout, .. } = self;
        let handshake = UpgradeHandshake { handshake, runtime, config, write_timeout };
        (request.map(|()| T::default()), handshake)
    }
}

/// Makes a WebSocket of the answer to an [`UpgradeRequest`].
#[must_use = "the server waits for somebody to speak with"]
pub struct UpgradeHandshake<R> {
    handshake: Handshake,
    runtime: R,
    config: Config,
    write_timeout: Option<Duration>,
}

impl<R: Runtime + Clone> UpgradeHandshake<R> {
    /// Checks the response, and takes the connection over. The response stays with the caller, whom
    /// a refusal may interest.
    ///
    /// # Errors
    /// When the server refuses, its answer is no sound acceptance, or the connection fails.
    pub async fn open<B>(
        self,
        response: &mut Response<B>,
    ) -> Result<WebSocket<HyperIo, R>, ConnectError> {
        let Self { handshake, runtime, config, write_timeout } = self;
        let answer = handshake.check(response).map_err(ConnectError::Handshake)?;
        let protocol = answer.protocol.map(Box::from);
        #[cfg(feature = "deflate")]
        let deflation = answer.deflate;
        #[cfg(not(feature = "deflate"))]
        let deflation = ();
        let upgraded = hyper::upgrade::on(response).await;
        let stream = upgraded.map_err(|error| ConnectError::Io(io::Error::other(error)))?;
        let connection = Connection::client(config, MaskingKeys::new(runtime.clone()));
        let connection = deflating(connection, &deflation);
        let mut line = Line::new(HyperIo(stream), connection, Vec::new(), runtime.now());
        line.set_write_timeout(write_timeout);
        Ok(WebSocket::from_line(line, runtime).with_protocol(protocol))
    }
}

impl<R> fmt::Debug for UpgradeHandshake<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeHandshake").field("config", &self.config).finish_non_exhaustive()
    }
}
