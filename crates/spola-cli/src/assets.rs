//! The chat's page, which is part of the program.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// What the page may do: its own scripts, and pictures that were sent to it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' blob:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Serves the page's files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assets;

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
        let (status, (content_type, text)) = match find(request.uri().path()) {
            Some(found) if asks => (StatusCode::OK, found),
            Some(_) => (StatusCode::METHOD_NOT_ALLOWED, (HTML, "GET only\n")),
            None => {
                (StatusCode::NOT_FOUND, (HTML, "<p>Not here. The chat is at <a href=/>/</a>.\n"))
            }
        };
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
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
