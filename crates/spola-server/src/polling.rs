//! The two requests of long-polling: a GET collects packets, a POST brings them (§5).

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http::{Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use spola_driver::Runtime;
use spola_engineio::server::{Payload, PollResponse, PostMark, PostOutcome};

use crate::collect::{Collected, Collector};
use crate::compression::{self, Coding};
use crate::headers;
use crate::io::Io;
use crate::reject_reason::RejectReason;
use crate::response::{
    BINARY, Body, OCTETS, TEXT, closing, empty, json, payload, post_response, session_unknown,
};
use crate::session::{Asked, Command, SessionHandle};

/// Answers a GET once its session has something to say.
pub(crate) async fn get(
    asked: Asked<'_, PollResponse>,
    request: &mut Request<()>,
    io: &Io,
) -> Response<Body> {
    match asked.await {
        Some(PollResponse::Payload(payload)) => packets(payload, request, io).await,
        Some(PollResponse::Refused(code)) => json(code.status(), code.json_body().into_bytes()),
        Some(_) => empty(StatusCode::BAD_REQUEST),
        None => session_unknown(),
    }
}

/// A payload, compressed if it may be, is large, and the client takes that.
async fn packets(packets: Payload, request: &mut Request<()>, io: &Io) -> Response<Body> {
    let Payload { body, binary, compress, .. } = packets;
    let content_type = if binary { BINARY } else { TEXT };
    let settings = io.config().http_compression;
    let settings = settings.filter(|settings| compress && body.len() >= settings.threshold);
    let coding = settings.and_then(|_| Coding::accepted(request.headers()));
    let headers = headers::of_response(request, io);
    let Some((settings, coding)) = settings.zip(coding) else {
        return payload(headers, content_type, body);
    };
    // Large, and most responses do without.
    let body = Box::pin(compression::compress(&body, coding, settings.level)).await;
    let mut response = payload(headers, content_type, body.into());
    response.headers_mut().insert(header::CONTENT_ENCODING, coding.name());
    response
}

/// Takes the body of a POST in, and answers when its packets were heard. One of an event stream's client
/// has a `mark`.
pub(crate) async fn post<B>(
    session: &SessionHandle,
    request: &mut Request<()>,
    mark: Option<Box<PostMark>>,
    body: Pin<&mut B>,
    io: &Io,
    runtime: &dyn Runtime,
) -> Response<Body>
where
    B: HttpBody,
    B::Error: Display,
{
    let (config, meters) = (io.config(), io.meters());
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        meters.reject(RejectReason::BodyCoding);
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let octets = content_type.is_some_and(|value| value == OCTETS);
    let mut collector = Collector::new(body, config.engine.max_payload, meters);
    // Most bodies are there already.
    let (body, failed) = match poll_fn(|cx| Poll::Ready(collector.poll(cx))).await {
        Poll::Ready(Collected::Whole(body)) => (Some(body), None),
        Poll::Ready(failed) => (None, Some(failed)),
        Poll::Pending => (None, None),
    };
    let waits = body.is_none();
    let mut asked = session.post(octets, mark, body);
    if waits {
        let collected = match failed {
            Some(failed) => failed,
            None => Box::pin(collector.finish(config.post_timeout, runtime, &mut asked)).await,
        };
        // It may wait for its turn now, and is not on its way any more.
        drop(collector);
        let id = asked.id();
        match collected {
            Collected::Whole(body) => session.push(Command::PostBody { id, body }),
            Collected::TooLarge => session.push(Command::PostTooLarge(id)),
            Collected::Answered(outcome) => {
                return closing(post_response(headers::of_response(request, io), outcome));
            }
            Collected::Late => {
                meters.reject(RejectReason::BodyTimeout);
                return closing(empty(StatusCode::REQUEST_TIMEOUT));
            }
            Collected::Broken => return closing(empty(StatusCode::BAD_REQUEST)),
        }
    }
    let outcome = asked.await.unwrap_or(PostOutcome::Abort);
    post_response(headers::of_response(request, io), outcome)
}
