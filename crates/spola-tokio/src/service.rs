//! The server as a tower service.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{Request, Response};
use http_body::Body as HttpBody;
use spola_server::{Body, BoxFuture, HttpService, Io};
use tower_service::Service;

use crate::runtime::TokioRuntime;

/// A tower service that answers the requests of Socket.IO clients, to be mounted beside other
/// routes:
///
/// ```no_run
/// # use spola_server::Io;
/// # fn main() {
/// let io = Io::new();
/// let service = spola_tokio::SocketIoService::new(io);
/// // let app = axum::Router::new().route_service("/socket.io/", service);
/// # }
/// ```
///
/// Requests that do not belong to the server's path are answered with 404.
#[derive(Clone, Debug)]
pub struct SocketIoService {
    http: HttpService,
}

impl SocketIoService {
    /// The service of a server.
    pub fn new(io: Io) -> Self {
        Self { http: HttpService::new(io, Arc::new(TokioRuntime)) }
    }

    /// Whether a request's path belongs to the server.
    pub fn serves(&self, path: &str) -> bool {
        self.http.serves(path)
    }
}

impl<B> Service<Request<B>> for SocketIoService
where
    B: HttpBody + Send + 'static,
    B::Data: Buf + Send,
    B::Error: std::fmt::Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let http = self.http.clone();
        Box::pin(async move { Ok(http.handle(request).await) })
    }
}
