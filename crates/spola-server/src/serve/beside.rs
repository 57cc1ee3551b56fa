//! The server among other services: `tower`'s way to put one behind the other.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{FutureExt as _, TryFutureExt as _};
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::Either;
use spola_driver::BoxFuture;
use tower_service::Service;

use crate::handshake::Source;
use crate::http::HttpService;
use crate::response::{Body, empty};

impl<B> Service<Request<B>> for HttpService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(self.clone().handle_from(request, Source::default()).map(Ok))
    }
}

/// A service that answers the requests of Socket.IO clients, and hands all others to the service that
/// it stands beside.
///
/// It is always ready: only the requests that are handed on wait until the other service is, so
/// that Socket.IO does not wait for it.
#[derive(Clone, Debug)]
pub struct Beside<S> {
    http: HttpService,
    other: S,
}

impl<S> Beside<S> {
    /// Puts the server beside `other`.
    pub const fn new(http: HttpService, other: S) -> Self {
        Self { http, other }
    }
}

/// The response of one or the other.
pub(super) type Outcome<R> = Response<Either<Body, R>>;

impl<S> Beside<S> {
    pub(super) fn serves<B>(&self, request: &Request<B>) -> bool {
        self.http.serves(request.uri().path())
    }

    /// Answers a request of a Socket.IO client.
    pub(super) fn answer<B>(
        &self,
        request: Request<B>,
        source: Source,
    ) -> impl Future<Output = Response<Body>> + use<S, B>
    where
        B: HttpBody,
        B::Error: Display,
    {
        self.http.clone().handle_from(request, source)
    }

    /// Has another request answered.
    pub(super) fn hand_on<B>(
        &self,
        mut request: Request<B>,
        source: Source,
    ) -> impl Future<Output = Result<S::Response, S::Error>> + use<S, B>
    where
        S: Service<Request<B>> + Clone,
    {
        source.mark(&mut request);
        let mut other = self.other.clone();
        async move {
            poll_fn(|cx| other.poll_ready(cx)).await?;
            other.call(request).await
        }
    }
}

impl<S, B, R> Service<Request<B>> for Beside<S>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Display,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    R: HttpBody<Data = Bytes>,
{
    type Response = Response<Either<Body, R>>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.serves(&request) {
            let answer = self.answer(request, Source::default());
            return Box::pin(answer.map(|response| Ok(response.map(Either::Left))));
        }
        let answer = self.hand_on(request, Source::default());
        Box::pin(answer.map_ok(|response| response.map(Either::Right)))
    }
}

/// The service that answers 404.
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
        std::future::ready(Ok(empty(StatusCode::NOT_FOUND)))
    }
}
