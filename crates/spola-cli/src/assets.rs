//! The chat's page, which is part of the program.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use spola::Io;
use tower_service::Service;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const NOT_HERE: &[u8] = b"<p>Not here. The chat is at <a href=/>/</a>.\n";

/// What the page may do: its own scripts, and pictures that were sent to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' blob:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// What Prometheus reads.
const METRICS: &str = "text/plain; version=0.0.4";

/// Serves the page's files, and the server's figures if they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Assets {
    /// Whose figures are at `/metrics`.
    pub(crate) metrics: Option<Io>,
}

impl Assets {
    fn find(&self, path: &str) -> Option<(&'static str, Bytes)> {
        if let Some(io) = self.metrics.as_ref().filter(|_| path == "/metrics") {
            return Some((METRICS, io.statistics().to_prometheus().into()));
        }
        find(path).map(|(content_type, text)| (content_type, Bytes::from_static(text.as_bytes())))
    }
}

fn find(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/" | "/index.html" => (HTML, include_str!("../assets/index.html")),
        "/chat.css" => (CSS, include_str!("../assets/chat.css")),
        "/chat.js" => (SCRIPT, include_str!("../assets/chat.js")),
        "/connection.js" => (SCRIPT, include_str!("../assets/connection.js")),
        "/log.js" => (SCRIPT, include_str!("../assets/log.js")),
        "/panels.js" => (SCRIPT, include_str!("../assets/panels.js")),
        "/picture.js" => (SCRIPT, include_str!("../assets/picture.js")),
        "/wire.js" => (SCRIPT, include_str!("../assets/wire.js")),
        "/favicon.svg" | "/favicon.ico" => (SVG, include_str!("../assets/favicon.svg")),
        _ => return None,
    })
}

impl<B> Service<Request<B>> for Assets {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        let (status, (content_type, text)) = match self.find(request.uri().path()) {
            Some(found) if asks => (StatusCode::OK, found),
            Some(_) => (StatusCode::METHOD_NOT_ALLOWED, (HTML, Bytes::from_static(b"GET only\n"))),
            None => (StatusCode::NOT_FOUND, (HTML, Bytes::from_static(NOT_HERE))),
        };
        let mut response = Response::new(Full::new(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        ready(Ok(response))
    }
}
