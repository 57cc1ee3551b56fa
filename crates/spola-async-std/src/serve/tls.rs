//! The same within TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fmt, io};

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use futures_rustls::server::TlsStream;
use spola_driver::connect::tls::serving_http;
use spola_driver::upgrade::HyperStream;
use spola_server::{BoxFuture, Io, Listener, Serve};

use super::Accepting;

/// As [`serve`](super::serve), within TLS.
///
/// If the configuration names no protocols for ALPN, it offers those that are served: HTTP/2, with the
/// feature `http2`, and HTTP/1.1.
pub fn serve_tls<L: Accepting>(listener: L, config: Arc<ServerConfig>, io: Io) -> Serve<Tls<L>> {
    let runtime = listener.runtime();
    let acceptor = TlsAcceptor::from(serving_http(config));
    Serve::new(Tls { tcp: listener, acceptor }, io, runtime)
}

/// Connections within TLS.
pub struct Tls<L> {
    tcp: L,
    acceptor: TlsAcceptor,
}

impl<L: Accepting> Listener for Tls<L> {
    type Stream = HyperStream<TlsStream<L::Stream>>;
    type Opening = BoxFuture<io::Result<Self::Stream>>;

    const ENCRYPTED: bool = true;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (stream, peer) = self.tcp.next().await?;
        let handshake = self.acceptor.accept(stream);
        Ok((Box::pin(async { Ok(HyperStream(handshake.await?)) }), Some(peer)))
    }
}

impl<L> fmt::Debug for Tls<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
