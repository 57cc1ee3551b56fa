//! A Socket.IO server of its own on a listener of smol's or async-std's.

#[cfg(feature = "rustls")]
mod tls;

use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use spola_driver::Transport;
use spola_driver::upgrade::HyperStream;
use spola_server::{Io, Listener, Runtime, Serve};

#[cfg(feature = "rustls")]
pub use self::tls::{Tls, serve_tls};

/// Serves `io` on a listener, which says by its type whose tasks are spawned: smol's or async-std's.
/// Await it; it ends with the listener, or by
/// [`with_graceful_shutdown`](Serve::with_graceful_shutdown).
///
/// ```no_run
/// use spola_server::{Data, Io, Socket};
///
/// fn main() -> std::io::Result<()> {
///     let io = Io::new();
///     io.namespace("/").on("hello", async |socket: Socket, Data(name): Data<String>| {
///         let _ = socket.emit("welcome", name);
///     });
///     smol::block_on(async {
///         let listener = smol::net::TcpListener::bind("127.0.0.1:3000").await?;
///         spola_async_std::serve(listener, io).await
///     })
/// }
/// ```
pub fn serve<L: Accepting>(listener: L, io: Io) -> Serve<Tcp<L>> {
    let runtime = listener.runtime();
    Serve::new(Tcp(listener), io, runtime)
}

/// A listener of one of the runtimes, each behind the feature of its name.
pub trait Accepting: Send + Sync + 'static {
    /// Its connections.
    type Stream: Transport + Send + 'static;

    /// The runtime that it belongs to.
    fn runtime(&self) -> Arc<dyn Runtime>;

    /// The next connection, and where it comes from. May be dropped at any `await`.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

#[cfg(feature = "smol")]
impl Accepting for smol::net::TcpListener {
    type Stream = smol::net::TcpStream;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(crate::SmolRuntime)
    }

    async fn next(&self) -> io::Result<(Self::Stream, SocketAddr)> {
        let (stream, peer) = self.accept().await?;
        // Packets are small and written in batches: waiting for more only delays them. A socket
        // that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

#[cfg(feature = "async-std")]
impl Accepting for async_std::net::TcpListener {
    type Stream = crate::AsyncStdIo<async_std::net::TcpStream>;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(crate::AsyncStdRuntime)
    }

    async fn next(&self) -> io::Result<(Self::Stream, SocketAddr)> {
        let (stream, peer) = self.accept().await?;
        // As above.
        let _ = stream.set_nodelay(true);
        Ok((crate::AsyncStdIo(stream), peer))
    }
}

/// Connections over TCP.
#[derive(Debug)]
pub struct Tcp<L>(pub L);

impl<L: Accepting> Listener for Tcp<L> {
    type Stream = HyperStream<L::Stream>;
    type Opening = Ready<io::Result<Self::Stream>>;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let (stream, peer) = self.0.next().await?;
        Ok((ready(Ok(HyperStream(stream))), Some(peer)))
    }
}
