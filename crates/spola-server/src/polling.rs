//! The two requests of long-polling: a GET collects packets, a POST brings them (§5).

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;
use http::{Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use spola_driver::Runtime;
use spola_engineio::server::{Payload, PollResponse, PostMark, PostOutcome, RequestId};

use crate::collect::{Collected, collect};
use crate::compression::{self, Coding};
use crate::config::Config;
use crate::reject_reason::RejectReason;
use crate::response::{
    BINARY, Body, TEXT, closing, empty, json, payload, post_response, session_unknown,
};
use crate::session::{Command, SessionHandle};

/// Answers a GET once its session has something to say.
pub(crate) async fn get(
    session: &Arc<SessionHandle>,
    request: &Request<()>,
    config: &Config,
) -> Response<Body> {
    let (respond, response) = oneshot::channel();
    let id = session.name_request();
    session.push(Command::Poll { id, respond });
    answer(session, id, response, request, config).await
}

/// Answers a GET that the session knows of.
pub(crate) async fn answer(
    session: &Arc<SessionHandle>,
    id: RequestId,
    response: oneshot::Receiver<PollResponse>,
    request: &Request<()>,
    config: &Config,
) -> Response<Body> {
    let guard = Guard::new(session, Command::PollAborted, id);
    let response = response.await;
    guard.disarm();
    match response {
        Ok(PollResponse::Payload(payload)) => packets(payload, request, config).await,
        Ok(PollResponse::Refused(code)) => json(code.status(), code.json_body().into_bytes()),
        Ok(_) => empty(StatusCode::BAD_REQUEST),
        // The session's task has ended before it saw the request.
        Err(oneshot::Canceled) => session_unknown(),
    }
}

/// A payload, compressed if it may be, is large, and the client takes that.
async fn packets(packets: Payload, request: &Request<()>, config: &Config) -> Response<Body> {
    let Payload { body, binary, compress, .. } = packets;
    let content_type = if binary { BINARY } else { TEXT };
    let settings = config.http_compression;
    let settings = settings.filter(|settings| compress && body.len() >= settings.threshold);
    let Some((settings, coding)) = settings.zip(Coding::accepted(request.headers())) else {
        return payload(content_type, body);
    };
    // Large, and most responses do without.
    let body = Box::pin(compression::compress(&body, coding, settings.level)).await;
    let mut response = payload(content_type, body.into());
    response.headers_mut().insert(header::CONTENT_ENCODING, coding.name());
    response
}

/// Takes the body of a POST in, and answers when its packets were heard. One of an event stream's client
/// has a `mark`.
pub(crate) async fn post<B>(
    session: &Arc<SessionHandle>,
    request: &Request<()>,
    mark: Option<Box<PostMark>>,
    body: Pin<&mut B>,
    config: &Config,
    runtime: &dyn Runtime,
) -> Response<Body>
where
    B: HttpBody,
    B::Error: Display,
{
    let meters = session.meters();
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        meters.reject(RejectReason::BodyCoding);
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let (respond, mut response) = oneshot::channel();
    let id = session.name_request();
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| Bytes::copy_from_slice(value.as_bytes()));
    session.push(Command::PostStarted { id, content_type, mark, respond });
    let guard = Guard::new(session, Command::PostAborted, id);
    let (limit, time) = (config.engine.max_payload, config.post_timeout);
    match collect(body, limit, time, runtime, meters, &mut response).await {
        Collected::Whole(body) => session.push(Command::Post { id, body }),
        Collected::TooLarge => session.push(Command::PostTooLarge(id)),
        Collected::Answered(outcome) => {
            guard.disarm();
            return closing(post_response(outcome));
        }
        Collected::Late => {
            meters.reject(RejectReason::BodyTimeout);
            return closing(empty(StatusCode::REQUEST_TIMEOUT));
        }
        Collected::Broken => return closing(empty(StatusCode::BAD_REQUEST)),
    }
    let outcome = response.await.unwrap_or(PostOutcome::Abort);
    guard.disarm();
    post_response(outcome)
}

/// Tells a session when a request of its was given up: the client went while it waited.
struct Guard {
    session: Arc<SessionHandle>,
    aborted: fn(RequestId) -> Command,
    id: Option<RequestId>,
}

impl Guard {
    fn new(session: &Arc<SessionHandle>, aborted: fn(RequestId) -> Command, id: RequestId) -> Self {
        Self { session: Arc::clone(session), aborted, id: Some(id) }
    }

    fn disarm(mut self) {
        self.id = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.session.push((self.aborted)(id));
        }
    }
}
