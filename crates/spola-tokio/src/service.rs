//! The server as a tower service and as a layer.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as HttpBody;
use spola_server::{Beside, Body, BoxFuture, HttpService, Io};
use tower_layer::Layer;
use tower_service::Service;

use crate::runtime::TokioRuntime;

/// A tower service that answers the requests of Socket.IO clients, to be mounted beside other
/// routes:
///
/// ```
/// # use spola_server::Io;
/// let service = spola_tokio::SocketIoService::new(Io::new());
/// let app: axum::Router = axum::Router::new().route_service("/socket.io/", service);
/// ```
///
/// Whatever it is given whose path is not the server's gets 404. In axum, `nest_service` takes the
/// prefix off the path: there the server's `path` is what is left of it.
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
    B::Data: Send,
    B::Error: Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.http, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.http.call(request)
    }
}

/// A tower layer that answers the requests of Socket.IO clients, and lets all others pass to the
/// service beneath it:
///
/// ```
/// # use spola_server::Io;
/// # use axum::routing::get;
/// let app: axum::Router = axum::Router::new()
///     .route("/", get(async || "hello"))
///     .layer(spola_tokio::SocketIoLayer::new(Io::new()));
/// ```
///
/// Layers that are added after it, such as one for CORS, see the requests of Socket.IO too.
#[derive(Clone, Debug)]
pub struct SocketIoLayer {
    http: HttpService,
}

impl SocketIoLayer {
    /// The layer of a server.
    pub fn new(io: Io) -> Self {
        Self { http: HttpService::new(io, Arc::new(TokioRuntime)) }
    }
}

impl<S> Layer<S> for SocketIoLayer {
    type Service = Beside<S>;

    fn layer(&self, beneath: S) -> Beside<S> {
        Beside::new(self.http.clone(), beneath)
    }
}
