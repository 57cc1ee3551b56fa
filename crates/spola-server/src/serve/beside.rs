//! The server among other services: `tower`'s way to put one behind the other.

use std::convert::Infallible;
use std::fmt::Display;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
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
    pub(super) fn answer<B, R>(
        &self,
        mut request: Request<B>,
        source: Source,
    ) -> BoxFuture<Result<Outcome<R>, S::Error>>
    where
        B: HttpBody + Send + 'static,
        B::Data: Send,
        B::Error: Display,
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
    {
        if self.http.serves(request.uri().path()) {
            let http = self.http.clone();
            let response = http.handle_from(request, source);
            return Box::pin(response.map(|response| Ok(response.map(Either::Left))));
        }
        source.mark(&mut request);
        let mut other = self.other.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| other.poll_ready(cx)).await?;
            Ok(other.call(request).await?.map(Either::Right))
        })
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
        self.answer(request, Source::default())
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
