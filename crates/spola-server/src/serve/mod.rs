//! A server of its own: connections accepted, their HTTP read, under limits and on any runtime.

mod beside;
mod connection;
mod framing;
mod hyper_runtime;
mod limits;
mod newcomers;
mod patient;
mod phases;
#[cfg(feature = "http2")]
mod preface;
#[cfg(feature = "http2")]
mod streams;
mod watched;

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use spola_driver::{BoxFuture, Runtime};
use tower_service::Service;

pub use self::beside::{Beside, NotFound};
use self::connection::House;
use self::hyper_runtime::{sleep, within};
pub use self::limits::ConnectionLimits;
use self::newcomers::Newcomers;
use self::phases::Phases;
pub(crate) use self::watched::Requests;
use crate::http::HttpService;
use crate::io::Io;
use crate::reject_reason::RejectReason;

/// Pauses after an accept failed, as when the process is out of file descriptors: doubled each time.
const ACCEPT_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Time between two lines in the log that say so.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Where connections come from. Drivers implement it for the listeners of their runtime.
pub trait Listener: Send + 'static {
    /// What carries the bytes of a connection.
    type Stream: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static;
    /// What is left to do before HTTP is spoken: a TLS handshake, or nothing.
    type Opening: Future<Output = io::Result<Self::Stream>> + Send + 'static;

    /// Whether its connections are encrypted: [`Handshake::secure`](crate::Handshake::secure).
    const ENCRYPTED: bool = false;

    /// The next connection, and where it comes from. May be dropped at any `await`.
    fn accept(
        &mut self,
    ) -> impl Future<Output = io::Result<(Self::Opening, Option<SocketAddr>)>> + Send;
}

/// A server about to run. Awaiting it runs it; it ends with the listener, or by
/// [`with_graceful_shutdown`](Self::with_graceful_shutdown).
///
/// It speaks HTTP/1.1 and, with the feature `http2`, HTTP/2 to clients that begin with it. Drivers
/// have a function `serve` that starts one on a listener of their runtime.
#[must_use = "a server runs when it is awaited"]
pub struct Serve<L, F = NotFound> {
    listener: L,
    http: HttpService,
    fallback: F,
    runtime: Arc<dyn Runtime>,
    limits: ConnectionLimits,
    signal: BoxFuture<()>,
    drain_timeout: Duration,
}

impl<L: Listener> Serve<L> {
    /// Serves `io` on a listener, with tasks and timers of `runtime`.
    pub fn new(listener: L, io: Io, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            listener,
            http: HttpService::new(io, Arc::clone(&runtime)),
            fallback: NotFound,
            runtime,
            limits: ConnectionLimits::default(),
            signal: Box::pin(pending()),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl<L, F> Serve<L, F> {
    /// Hands the requests that do not belong to Socket.IO to another service, such as an axum
    /// router. Without one they get 404.
    pub fn fallback<S>(self, fallback: S) -> Serve<L, S> {
        let Self { listener, http, runtime, limits, signal, drain_timeout, .. } = self;
        Serve { listener, http, fallback, runtime, limits, signal, drain_timeout }
    }

    /// Replaces the limits on connections.
    pub fn limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
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

impl<L, F, B> Serve<L, F>
where
    L: Listener,
    F: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
    F::Error: Into<Box<dyn StdError + Send + Sync>>,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn run(self) -> io::Result<()> {
        let Self { mut listener, http, fallback, runtime, limits, mut signal, drain_timeout } =
            self;
        let io = http.io().clone();
        let meters = io.meters();
        let newcomers = Arc::new(Newcomers::new(limits.max_newcomers, Arc::clone(meters)));
        let services = Beside::new(http, fallback);
        let house =
            Arc::new(House::new(services, limits, &runtime, Arc::clone(meters), L::ENCRYPTED));
        let (phases, watch) = Phases::new();
        let mut trouble = Trouble::default();
        loop {
            let accepted = match select(pin!(listener.accept()), &mut signal).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(_) => break,
            };
            match accepted {
                Ok((opening, peer)) => {
                    trouble.is_over();
                    let newcomer = newcomers.welcome();
                    let visit = Arc::clone(&house).serve(opening, peer, newcomer, watch.clone());
                    // Of its own, to be gone when the session begins.
                    let visit = Box::pin(visit);
                    runtime.spawn(Box::pin(async {
                        let session = visit.await;
                        if let Some(session) = session {
                            session.await;
                        }
                    }));
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    meters.reject(RejectReason::AcceptFailed);
                    let pause = trouble.pause(&error, runtime.now());
                    let pause = pin!(sleep(&*runtime, pause));
                    if let Either::Right(_) = select(pause, &mut signal).await {
                        break;
                    }
                }
            }
        }
        drop((listener, watch));
        io.close();
        let Phases { draining, over, mut connections } = phases;
        let drained = async {
            drop(draining);
            connections.next().await;
            io.drained().await;
        };
        if within(&*runtime, drain_timeout, drained).await.is_none() {
            drop(over);
            io.abort();
            tracing::warn!("clients or handlers were cut off at the end of the drain timeout");
        }
        Ok(())
    }
}

/// Accepting fails, again and again.
#[derive(Default)]
struct Trouble {
    pause: Option<Duration>,
    logged: Option<Instant>,
}

impl Trouble {
    fn is_over(&mut self) {
        self.pause = None;
    }

    /// How long to wait before the next attempt.
    fn pause(&mut self, error: &io::Error, now: Instant) -> Duration {
        if self.logged.is_none_or(|logged| now.saturating_duration_since(logged) >= LOG_PAUSE) {
            self.logged = Some(now);
            tracing::error!(%error, "no connection can be accepted");
        }
        let pause = self.pause.map_or(ACCEPT_PAUSES.0, |pause| (pause * 2).min(ACCEPT_PAUSES.1));
        *self.pause.insert(pause)
    }
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

impl<L, F, B> IntoFuture for Serve<L, F>
where
    L: Listener,
    F: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
    F::Error: Into<Box<dyn StdError + Send + Sync>>,
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

impl<L, F> fmt::Debug for Serve<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("io", self.http.io()).finish_non_exhaustive()
    }
}
