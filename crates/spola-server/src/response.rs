//! The answers to HTTP requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use spola_engineio::request::{self, UPGRADE_REFUSAL_STATUS};
use spola_engineio::server::PostOutcome;
use spola_websocket::handshake::server::Rejection;

use crate::stream::StreamBody;

/// The body of a response.
#[derive(Debug, Default)]
pub struct Body(Form);

#[derive(Debug)]
enum Form {
    Whole(Full<Bytes>),
    Streamed(StreamBody),
}

impl Body {
    fn whole(bytes: Bytes) -> Self {
        Self(Form::Whole(Full::new(bytes)))
    }

    /// A body that is written while it is sent.
    pub(crate) const fn streamed(stream: StreamBody) -> Self {
        Self(Form::Streamed(stream))
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Form::Whole(whole) => Pin::new(whole).poll_frame(cx),
            Form::Streamed(stream) => {
                stream.poll_chunk(cx).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Form::Whole(whole) => whole.is_end_stream(),
            Form::Streamed(stream) => stream.is_at_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Form::Whole(whole) => whole.size_hint(),
            Form::Streamed(_) => SizeHint::default(),
        }
    }
}

/// The type of a payload, and of one of revision 3 with binary in it.
pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
pub(crate) const BINARY: HeaderValue = HeaderValue::from_static(OCTETS);
pub(crate) const OCTETS: &str = "application/octet-stream";

const HTML: HeaderValue = HeaderValue::from_static("text/html");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to a GET: a payload (§5.1, §11.3). It takes over a map that is empty.
pub(crate) fn payload(
    headers: HeaderMap,
    content_type: HeaderValue,
    bytes: Bytes,
) -> Response<Body> {
    let mut response = Response::new(Body::whole(bytes));
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// The answer to a POST, with a map as above.
pub(crate) fn post_response(headers: HeaderMap, outcome: PostOutcome) -> Response<Body> {
    match outcome {
        PostOutcome::Ok => payload(headers, HTML, Bytes::from_static(b"ok")),
        PostOutcome::TooLarge => empty(StatusCode::PAYLOAD_TOO_LARGE),
        PostOutcome::Refused(code) => json(code.status(), code.json_body().into_bytes()),
        PostOutcome::Abort => closing(empty(StatusCode::BAD_REQUEST)),
        PostOutcome::BadRequest | _ => empty(StatusCode::BAD_REQUEST),
    }
}

pub(crate) fn refused(refusal: &request::Refusal, upgrade: bool) -> Response<Body> {
    tracing::debug!(context = refusal.context().name(), "a request was refused");
    if upgrade {
        let status =
            StatusCode::from_u16(UPGRADE_REFUSAL_STATUS).unwrap_or(StatusCode::BAD_REQUEST);
        return closing(plain(status, "text/html", refusal.message().to_owned()));
    }
    json(refusal.status(), refusal.json_body().into_bytes())
}

/// An opening handshake that RFC 6455 does not allow (§3.2 of the wire text).
pub(crate) fn rejected(rejection: Rejection) -> Response<Body> {
    let mut response = closing(plain(StatusCode::BAD_REQUEST, "text/html", rejection.message()));
    if rejection == Rejection::WebSocketVersion {
        let versions = HeaderValue::from_static("13, 8");
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, versions);
    }
    response
}

pub(crate) fn session_unknown() -> Response<Body> {
    let code = request::ErrorCode::SessionUnknown;
    json(code.status(), code.json_body().into_bytes())
}

pub(crate) fn unavailable(why: &'static str) -> Response<Body> {
    let mut response = closing(plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain", why));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

pub(crate) fn json(status: u16, body: Bytes) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    plain(status, "application/json", body)
}

pub(crate) fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::whole(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

pub(crate) fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
