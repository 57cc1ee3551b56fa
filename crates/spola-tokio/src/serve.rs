//! A server of its own on a listener of tokio's.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use spola_server::{Io, Listener, Serve};
use tokio::net::{TcpListener, TcpStream};

use crate::runtime::TokioRuntime;

/// Serves `io` on a listener. Await it; it ends with the listener, or by
/// [`with_graceful_shutdown`](Serve::with_graceful_shutdown).
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use spola_server::{Data, Io, Socket};
///
/// let io = Io::new();
/// io.namespace("/").on("hello", async |socket: Socket, Data(name): Data<String>| {
///     let _ = socket.emit("welcome", name);
/// });
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// spola_tokio::serve(listener, io).await
/// # }
/// ```
pub fn serve(listener: TcpListener, io: Io) -> Serve<Tcp> {
    Serve::new(Tcp(listener), io, Arc::new(TokioRuntime))
}

/// Connections over TCP.
#[derive(Debug)]
pub struct Tcp(pub TcpListener);

impl Tcp {
    /// The next connection. May be dropped at any `await`.
    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        // Packets are small and written in batches: waiting for more only delays them. A socket
        // that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

impl Listener for Tcp {
    type Stream = TokioIo<TcpStream>;
    type Opening = Ready<io::Result<Self::Stream>>;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (stream, peer) = self.next().await?;
        Ok((ready(Ok(TokioIo::new(stream))), Some(peer)))
    }
}

#[cfg(feature = "rustls")]
mod tls {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::{fmt, io};

    use hyper_util::rt::TokioIo;
    use spola_driver::connect::tls::serving_http;
    use spola_server::{BoxFuture, Io, Listener, Serve};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::server::TlsStream;

    use super::Tcp;
    use crate::runtime::TokioRuntime;

    /// As [`serve`](super::serve), within TLS.
    ///
    /// If the configuration names no protocols for ALPN, it offers those that are served: HTTP/2, with
    /// the feature `http2`, and HTTP/1.1.
    ///
    /// ```no_run
    /// # async fn run(io: spola_server::Io) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use spola_tokio::websocket::tls::pki_types::pem::PemObject as _;
    /// use spola_tokio::websocket::tls::pki_types::{CertificateDer, PrivateKeyDer};
    /// use spola_tokio::websocket::tls::rustls::ServerConfig;
    ///
    /// let chain = CertificateDer::pem_file_iter("chain.pem")?.collect::<Result<Vec<_>, _>>()?;
    /// let key = PrivateKeyDer::from_pem_file("key.pem")?;
    /// let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    /// let listener = tokio::net::TcpListener::bind("0.0.0.0:443").await?;
    /// spola_tokio::serve_tls(listener, Arc::new(config), io).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve_tls(listener: TcpListener, config: Arc<ServerConfig>, io: Io) -> Serve<Tls> {
        let acceptor = TlsAcceptor::from(serving_http(config));
        Serve::new(Tls { tcp: Tcp(listener), acceptor }, io, Arc::new(TokioRuntime))
    }

    /// Connections within TLS.
    pub struct Tls {
        tcp: Tcp,
        acceptor: TlsAcceptor,
    }

    impl Listener for Tls {
        type Stream = TokioIo<TlsStream<TcpStream>>;
        type Opening = BoxFuture<io::Result<Self::Stream>>;

        const ENCRYPTED: bool = true;

        async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
            let (stream, peer) = self.tcp.next().await?;
            let handshake = self.acceptor.accept(stream);
            Ok((Box::pin(async { Ok(TokioIo::new(handshake.await?)) }), Some(peer)))
        }
    }

    impl fmt::Debug for Tls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Tls").field("tcp", &self.tcp).finish_non_exhaustive()
        }
    }
}

#[cfg(feature = "rustls")]
pub use tls::{Tls, serve_tls};
