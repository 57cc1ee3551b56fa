//! A server of its own on a listener.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use spola_server::{Body, BoxFuture, Io, PeerAddress, Runtime as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

use crate::patient::Patient;
use crate::runtime::TokioRuntime;
use crate::service::SocketIoService;

/// Time to complete a request's head (and the most an idle connection is kept).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Header fields of a request.
const MAX_HEADERS: usize = 100;

/// Bytes that HTTP/1 buffers of a request.
const MAX_BUFFER: usize = 16 << 10;

/// Pauses after an accept failed, as when the process is out of file descriptors: doubled each time.
const ACCEPT_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

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
pub fn serve(listener: TcpListener, io: Io) -> Serve<NotFound> {
    let (drain_timeout, signal) = (Duration::from_secs(10), Box::pin(std::future::pending()));
    Serve { listener, io, fallback: NotFound, signal, drain_timeout }
}

/// A server about to run. Awaiting it runs it.
#[must_use = "a server runs when it is awaited"]
pub struct Serve<F> {
    listener: TcpListener,
    io: Io,
    fallback: F,
    signal: BoxFuture<()>,
    drain_timeout: Duration,
}

impl<F> Serve<F> {
    /// Hands the requests that do not belong to Socket.IO to another service, such as an axum
    /// router. Without one they get 404.
    pub fn fallback<S>(self, fallback: S) -> Serve<S> {
        let Self { listener, io, signal, drain_timeout, .. } = self;
        Serve { listener, io, fallback, signal, drain_timeout }
    }

    /// Shuts down when `signal` is ready: nobody is accepted any more, clients are told, and the
    /// server ends once handlers and responses are done, or after
    /// [`drain_timeout`](Self::drain_timeout).
    pub fn with_graceful_shutdown(
        mut self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    /// The longest that a graceful shutdown may take. Default 10 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }
}

impl<F, B> Serve<F>
where
    F: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    F: Clone + Send + Sync + 'static,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn run(mut self) -> io::Result<()> {
        let router = Router { io: SocketIoService::new(self.io.clone()), fallback: self.fallback };
        let phase = watch::Sender::new(Phase::Serving);
        let mut pause = ACCEPT_PAUSES.0;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut self.signal => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = ACCEPT_PAUSES.0;
                    serve_connection(stream, peer, router.clone(), phase.subscribe());
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSES.1);
                }
            }
        }
        drop(self.listener);
        self.io.close();
        let drained = async {
            phase.send_replace(Phase::Draining);
            phase.closed().await;
            self.io.drained().await;
        };
        if tokio::time::timeout(self.drain_timeout, drained).await.is_err() {
            phase.send_replace(Phase::Over);
            self.io.abort();
            tracing::warn!("clients or handlers were cut off at the end of the drain timeout");
        }
        Ok(())
    }
}

fn serve_connection<F, B>(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router<F>,
    mut phase: watch::Receiver<Phase>,
) where
    F: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    F: Clone + Send + Sync + 'static,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    // Packets are small and written in batches: waiting for more only delays them. A socket that
    // refuses the option works all the same.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(WithPeer { router, peer });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .with_upgrades();
    TokioRuntime.spawn(Box::pin(async move {
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = reached(&mut phase, Phase::Draining) => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                tokio::select! {
                    ended = &mut connection => ended,
                    () = reached(&mut phase, Phase::Over) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
    }));
}

/// How long connections are served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Each ends with the response that is under way.
    Draining,
    /// Each ends now.
    Over,
}

/// Ready once the server has come to `wanted`, or is gone.
async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // What it gives is a lock, which no task may hold while it waits.
    let _ = phase.wait_for(|phase| *phase >= wanted).await.map(drop);
}

/// Whether it is the one connection that failed, and not the listener.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

impl<F, B> IntoFuture for Serve<F>
where
    F: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    F: Clone + Send + Sync + 'static,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = io::Result<()>;
    type IntoFuture = BoxFuture<io::Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<F> fmt::Debug for Serve<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("io", &self.io).finish_non_exhaustive()
    }
}

/// The fallback that answers 404.
#[derive(Clone, Copy, Debug, Default)]
pub struct NotFound;

impl<B> Service<Request<B>> for NotFound {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Body::default());
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        std::future::ready(Ok(response))
    }
}

/// Requests of clients to the one side, everything else to the other.
#[derive(Clone)]
struct Router<F> {
    io: SocketIoService,
    fallback: F,
}

/// A router that says where its requests come from.
#[derive(Clone)]
struct WithPeer<F> {
    router: Router<F>,
    peer: SocketAddr,
}

impl<F, B> Service<Request<Incoming>> for WithPeer<F>
where
    F: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    F: Clone + Send + Sync + 'static,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    type Response = Response<Either<Body, B>>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(PeerAddress(self.peer));
        if self.router.io.serves(request.uri().path()) {
            let response = self.router.io.call(request);
            return Box::pin(async { Ok(response.await?.map(Either::Left)) });
        }
        let mut fallback = self.router.fallback.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| fallback.poll_ready(cx)).await?;
            Ok(fallback.call(request).await?.map(Either::Right))
        })
    }
}
