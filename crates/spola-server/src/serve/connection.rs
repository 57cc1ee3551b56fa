//! One connection, from its first byte to its last.

use std::error::Error as StdError;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, FutureExt as _, TryFutureExt as _, select};
use http::{Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use http_body_util::Either as Content;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use spola_driver::{BoxFuture, Runtime};
use tower_service::Service;

use super::beside::{Beside, Outcome};
use super::hyper_runtime::{Clock, within};
use super::limits::ConnectionLimits;
use super::newcomers::{Badge, Newcomer};
use super::patient::Patient;
use super::phases::{Cue, Watch};
use super::watched::{Requests, Watched};
use crate::handshake::Source;
use crate::meters::Meters;
use crate::reject_reason::RejectReason;
use crate::response::{closing, empty};

type Fault = Box<dyn StdError + Send + Sync>;

/// What all connections of a server share.
pub(super) struct House<F> {
    services: Beside<F>,
    pub(super) limits: ConnectionLimits,
    pub(super) runtime: Arc<dyn Runtime>,
    http1: http1::Builder,
    meters: Arc<Meters>,
    encrypted: bool,
}

impl<F, B> House<F>
where
    F: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
    F::Error: Into<Fault>,
    F::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Fault>,
{
    pub(super) fn new(
        services: Beside<F>,
        limits: ConnectionLimits,
        runtime: &Arc<dyn Runtime>,
        meters: Arc<Meters>,
        encrypted: bool,
    ) -> Self {
        let mut http1 = http1::Builder::new();
        // hyper adds it to the time of day.
        let head_timeout =
            runtime.now().checked_add(limits.head_timeout).map(|_| limits.head_timeout);
        http1
            .header_read_timeout(head_timeout)
            .max_headers(limits.max_headers)
            .max_buf_size(limits.max_head_len.max(MIN_HEAD_LEN));
        Self { services, limits, runtime: Arc::clone(runtime), http1, meters, encrypted }
    }

    /// Serves a connection until it is no HTTP any more; gives the session that it is from then on.
    pub(super) async fn serve<O, S>(
        self: Arc<Self>,
        opening: O,
        peer: Option<SocketAddr>,
        newcomer: Newcomer,
        watch: Watch,
    ) -> Option<BoxFuture<()>>
    where
        O: Future<Output = io::Result<S>>,
        S: Read + Write + Unpin + Send + 'static,
    {
        let Newcomer { badge, sent_away } = newcomer;
        let (services, most) = (self.services.clone(), self.limits.max_headers);
        let (requests, meters) = (Arc::<Requests>::default(), Arc::clone(&self.meters));
        let source = Source { peer, encrypted: self.encrypted, requests: None };
        let own_requests = Arc::clone(&requests);
        let own_badge = Arc::clone(&badge);
        let door = Door { services, source, badge, meters, most, requests };
        let sent_away = pin!(async {
            // An `Err` says that it was let in, and may stay.
            if sent_away.await.is_err() {
                pending::<()>().await;
            }
        });
        let Watch { draining, over, _alive } = watch;
        let cut_off = select(sent_away, over);
        let served = pin!(self.open(opening, door, draining));
        if let Either::Left((Err(error), _)) = select(served, cut_off).await {
            tracing::debug!(%error, "a connection failed");
            if let Some(reason) = error.downcast_ref().and_then(|error| blame(error, &own_badge)) {
                self.meters.reject(reason);
            }
        }
        own_requests.take_session()
    }

    async fn open<O, S>(&self, opening: O, door: Door<F>, draining: Cue) -> Result<(), Fault>
    where
        O: Future<Output = io::Result<S>>,
        S: Read + Write + Unpin + Send + 'static,
    {
        let opened = within(&*self.runtime, self.limits.tls_timeout, opening).await;
        let stream = opened.ok_or_else(|| self.late(RejectReason::TlsTimeout))??;
        let stream = Patient::new(stream, Arc::clone(&self.runtime), self.limits.write_timeout);
        self.speak(stream, door, draining).await
    }

    #[cfg(feature = "http2")]
    async fn speak<S>(&self, stream: S, door: Door<F>, draining: Cue) -> Result<(), Fault>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        use super::preface::{Version, version};

        let told = within(&*self.runtime, self.limits.head_timeout, version(stream)).await;
        match told.ok_or_else(|| self.late(RejectReason::HeadTimeout))?? {
            (Version::Http1, stream) => self.speak_http1(stream, door, draining).await,
            (Version::Http2, stream) => self.speak_http2(stream, door, draining).await,
        }
    }

    #[cfg(not(feature = "http2"))]
    fn speak<S>(
        &self,
        stream: S,
        door: Door<F>,
        draining: Cue,
    ) -> impl Future<Output = Result<(), Fault>>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        self.speak_http1(stream, door, draining)
    }

    fn speak_http1<S>(
        &self,
        stream: S,
        mut door: Door<F>,
        draining: Cue,
    ) -> impl Future<Output = Result<(), Fault>>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let requests = Arc::clone(&door.requests);
        door.source.requests = Some(Arc::clone(&requests));
        let stream = Watched::new(stream, requests);
        let mut http1 = self.http1.clone();
        http1.timer(Clock::new(&self.runtime));
        let service = service_fn(move |request| door.answer(request));
        // Before the future, which then has no room for what goes into the connection.
        let connection = Box::pin(http1.serve_connection(stream, service).with_upgrades());
        async {
            let mut connection = match select(connection, draining).await {
                Either::Left((ended, _)) => return Ok(ended?),
                Either::Right((_, connection)) => connection,
            };
            connection.as_mut().graceful_shutdown();
            Ok(connection.await?)
        }
    }

    #[cfg(feature = "http2")]
    async fn speak_http2<S>(&self, stream: S, door: Door<F>, draining: Cue) -> Result<(), Fault>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let limits = &self.limits;
        let streams = super::streams::Streams::new(&self.runtime);
        let service = service_fn(move |request| door.answer(request));
        let mut connection = Box::pin(self.http2(&streams).serve_connection(stream, service));
        // Polled after the connection, which begins the streams.
        let idle = pin!(streams.idle_for(limits.head_timeout));
        let cue = select(draining, idle);
        let drains = match select(&mut connection, cue).await {
            Either::Left((ended, _)) => return Ok(ended?),
            Either::Right((cue, _)) => matches!(cue, Either::Left(_)),
        };
        if !drains && !streams.any() {
            return Err(self.late(RejectReason::HeadTimeout).into());
        }
        connection.as_mut().graceful_shutdown();
        if drains {
            return Ok(connection.await?);
        }
        // The rest of the last responses may be on its way to a slow client.
        let ended = within(&*self.runtime, limits.write_timeout, connection).await;
        Ok(ended.ok_or_else(|| self.late(RejectReason::WriteTimeout))??)
    }

    fn late(&self, reason: RejectReason) -> io::Error {
        self.meters.reject(reason);
        io::ErrorKind::TimedOut.into()
    }

    /// The limits of HTTP/2. Those on frames that reset, continue or ping are h2's own defaults.
    #[cfg(feature = "http2")]
    fn http2(
        &self,
        streams: &super::streams::Streams,
    ) -> hyper::server::conn::http2::Builder<super::streams::Streams> {
        let mut http2 = hyper::server::conn::http2::Builder::new(streams.clone());
        http2
            .timer(Clock::new(&self.runtime))
            .max_concurrent_streams(self.limits.max_streams)
            .max_header_list_size(u32::try_from(self.limits.max_head_len).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(PROVOKED_RESETS);
        if self.limits.http2_websockets {
            http2.enable_connect_protocol();
        }
        http2
    }
}

/// The least that hyper's buffer takes.
const MIN_HEAD_LEN: usize = 8 << 10;

/// What the peer is to blame for, if a connection failed by its doing. An idle one that has been of use
/// is none.
fn blame(error: &hyper::Error, badge: &Badge) -> Option<RejectReason> {
    if error.is_parse_too_large() {
        return Some(RejectReason::HeadTooLarge);
    }
    if error.is_parse() {
        return Some(RejectReason::MalformedHttp);
    }
    if error.is_timeout() {
        return (!badge.is_off()).then_some(RejectReason::HeadTimeout);
    }
    let cause = error.source()?;
    #[cfg(feature = "http2")]
    if let Some(error) = cause.downcast_ref() {
        return blame_http2(error);
    }
    of_io(cause.downcast_ref()?)
}

/// The same of HTTP/2.
#[cfg(feature = "http2")]
fn blame_http2(error: &h2::Error) -> Option<RejectReason> {
    if let Some(error) = error.get_io() {
        return of_io(error);
    }
    let is_flood = error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
    let reason = if is_flood { RejectReason::Http2Flood } else { RejectReason::MalformedHttp };
    error.is_library().then_some(reason)
}

fn of_io(error: &io::Error) -> Option<RejectReason> {
    (error.kind() == io::ErrorKind::TimedOut).then_some(RejectReason::WriteTimeout)
}

/// Streams that the peer has reset before they were looked at; one more ends the connection.
#[cfg(feature = "http2")]
const PENDING_RESETS: usize = 20;

/// Resets that the peer has provoked; one more ends the connection.
#[cfg(feature = "http2")]
const PROVOKED_RESETS: usize = 1024;

/// Where the requests of one connection come in.
struct Door<F> {
    services: Beside<F>,
    source: Source,
    badge: Arc<Badge>,
    meters: Arc<Meters>,
    /// Header fields that a request may have. HTTP/1 has looked already.
    most: usize,
    requests: Arc<Requests>,
}

impl<F> Door<F> {
    /// What is wrong with a request's head that the HTTP library has let pass.
    fn objection(&self, request: &Request<Incoming>) -> Option<(StatusCode, RejectReason)> {
        let bad = (StatusCode::BAD_REQUEST, RejectReason::MalformedHttp);
        if !self.requests.take() {
            return Some(bad);
        }
        let headers = request.headers();
        if headers.len() > self.most {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Some((status, RejectReason::HeadTooLarge));
        }
        // RFC 9112 §3.2. HTTP/2 has the host elsewhere.
        let names_host = headers.get_all(header::HOST).iter().count() == 1;
        (request.version() == Version::HTTP_11 && !names_host).then_some(bad)
    }
}

impl<F, B> Door<F>
where
    F: Service<Request<Incoming>, Response = Response<B>> + Clone,
{
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Outcome<B>, F::Error>> + use<F, B> {
        self.badge.take_off();
        let (services, source) = (&self.services, self.source.clone());
        if let Some((status, reason)) = self.objection(&request) {
            self.meters.reject(reason);
            let refusal = closing(empty(status));
            return Either::Left(Either::Left(async { Ok(refusal.map(Content::Left)) }));
        }
        if services.serves(&request) {
            let answer = services.answer(request, source);
            return Either::Right(answer.map(|response| Ok(response.map(Content::Left))));
        }
        let answer = services.hand_on(request, source);
        Either::Left(Either::Right(answer.map_ok(|response| response.map(Content::Right))))
    }
}
