//! What stands around the service: middleware that answers by itself, and faults on purpose.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use spola_server::{BoxFuture, Io};
use spola_tokio::SocketIoService;

/// What is to be done to requests and responses.
#[derive(Default)]
pub(crate) struct Around {
    /// Marks every response, and answers some requests itself.
    middleware: bool,
    /// POSTs are answered `OK`.
    loud: bool,
    /// Polls of sessions that are being upgraded lose what they bring.
    lossy: bool,
    upgrading: Mutex<HashSet<String>>,
}

impl Around {
    pub(crate) fn new(mutant: Option<&str>, middleware: bool) -> Self {
        let (loud, lossy) = (mutant == Some("post-answer"), mutant == Some("lossy-upgrade"));
        Self { middleware, loud, lossy, upgrading: Mutex::default() }
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        !self.middleware && !self.loud && !self.lossy
    }

    /// Remembers upgrades; whether this is a poll of a session that has one.
    fn is_doomed(&self, request: &Request<Body>) -> bool {
        let query = request.uri().query().unwrap_or_default();
        let parameter = |name| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let Some(sid) = parameter("sid=") else {
            return false;
        };
        let mut upgrading = self.upgrading.lock().unwrap_or_else(PoisonError::into_inner);
        if parameter("transport=") == Some("websocket") {
            upgrading.insert(sid.to_owned());
        }
        request.method() == Method::GET && upgrading.contains(sid)
    }
}

/// The server's service with all that around it.
#[derive(Clone)]
pub(crate) struct Service {
    inner: SocketIoService,
    around: Arc<Around>,
}

impl Service {
    pub(crate) fn new(io: Io, around: Arc<Around>) -> Self {
        Self { inner: SocketIoService::new(io), around }
    }
}

impl tower_service::Service<Request<Body>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let around = Arc::clone(&self.around);
        let query = request.uri().query().unwrap_or_default();
        if around.middleware && query.contains("answer=1") {
            let mut answer = Response::new(Body::from("teapot"));
            *answer.status_mut() = StatusCode::IM_A_TEAPOT;
            return Box::pin(async { Ok(answer) });
        }
        let is_post = request.method() == Method::POST;
        let is_doomed = around.lossy && around.is_doomed(&request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Ok(answer) = answer.await;
            let (mut head, body) = answer.into_parts();
            if around.middleware {
                head.headers.insert("x-middleware", HeaderValue::from_static("seen"));
            }
            if head.status != StatusCode::OK {
                return Ok(Response::from_parts(head, Body::new(body)));
            }
            let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let body = if around.loud && is_post {
                Body::from("OK")
            } else if is_doomed {
                head.headers.remove(http::header::CONTENT_LENGTH);
                Body::from("6")
            } else {
                Body::from(bytes)
            };
            Ok(Response::from_parts(head, body))
        })
    }
}
