//! The HTTP side: from requests to sessions, and back.

use std::fmt::{self, Display};
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use hyper::upgrade::OnUpgrade;
use spola_engineio::request::{self, RequestHead, SessionStatus, Verified};
use spola_engineio::server::{BinaryMode, PollResponse, PostOutcome, RequestId};
use spola_engineio::{Sid, Transport};
use spola_websocket::handshake::accept_key;
use spola_websocket::handshake::server::{HttpVersion, MAX_TARGET_LEN, check};

use crate::collect::{Collected, collect};
use crate::handshake::Handshake;
use crate::io::Io;
use crate::response::{
    Body, closing, empty, json, payload, plain, post_response, refused, rejected, session_unknown,
    shutting_down,
};
use crate::session::{Beginning, Command, Reject, SessionHandle, SessionTask, Wire};
use spola_driver::Runtime;

/// Answers the HTTP requests of clients. Cheap to clone.
///
/// Drivers wrap it as the service of their HTTP library. A request that may become a WebSocket must
/// carry hyper's [`OnUpgrade`] in its extensions, as hyper's and axum's servers provide it.
#[derive(Clone)]
pub struct HttpService {
    io: Io,
    runtime: Arc<dyn Runtime>,
    prefix: Arc<str>,
}

/// The name of the request that opens a session.
const OPENING: RequestId = RequestId(0);

/// A session that is opening over polling, and its first response.
type Opened = (Arc<SessionHandle>, oneshot::Receiver<PollResponse>);

impl HttpService {
    /// The service of `io`, on an executor.
    pub fn new(io: Io, runtime: Arc<dyn Runtime>) -> Self {
        let path = &io.config().path;
        let prefix = format!("{}/", path.strip_suffix('/').unwrap_or(path)).into();
        Self { io, runtime, prefix }
    }

    /// The server.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// Whether a request's path belongs to the server (§1.1).
    pub fn serves(&self, path: &str) -> bool {
        path.starts_with(&*self.prefix)
    }

    /// Answers a request. One that does not belong to the server gets a 404.
    pub async fn handle<B>(&self, mut request: Request<B>) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Display,
    {
        if !self.serves(request.uri().path()) {
            return plain(StatusCode::NOT_FOUND, "text/plain", "not found");
        }
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > MAX_TARGET_LEN {
            return empty(StatusCode::URI_TOO_LONG);
        }
        let upgrade = wants_upgrade(request.headers());
        let mut session = None;
        let verified = {
            let head = RequestHead {
                method: method(request.method()),
                query: request.uri().query().unwrap_or_default(),
                upgrade,
                origin: request.headers().get(header::ORIGIN).map(HeaderValue::as_bytes),
            };
            request::verify(&head, &self.io.config().engine, |sid| {
                session = self.io.sessions().find(sid);
                session.as_ref()?.status()
            })
        };
        match (verified, session) {
            (Err(refusal), _) => refused(&refusal, upgrade),
            (Ok(Verified::Open { transport: Transport::Polling, .. }), _) => {
                match self.open_polling(&request) {
                    Some((session, response)) => answer_poll(&session, OPENING, response).await,
                    None => shutting_down(),
                }
            }
            (Ok(Verified::Open { binary, .. }), _) => self.open_websocket(&mut request, binary),
            (Ok(Verified::Poll(_)), Some(session)) => poll(&session).await,
            (Ok(Verified::Post(_)), Some(session)) => self.post(&session, request).await,
            (Ok(Verified::Upgrade { binary, .. }), Some(session)) => {
                switch_protocols(&mut request, |upgrade| {
                    session.push(Command::Upgrade(upgrade, binary));
                })
            }
            (Ok(Verified::SecondWebSocket(_)), _) => switch_protocols(&mut request, |upgrade| {
                let (runtime, config) = (Arc::clone(&self.runtime), Arc::clone(self.io.config()));
                let wire = Wire::opening(upgrade, runtime.now(), &config);
                self.runtime.spawn(Box::pin(Reject::new(wire, runtime, config)));
            }),
            (Ok(_), _) => empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn open_polling<B>(&self, request: &Request<B>) -> Option<Opened> {
        let (respond, response) = oneshot::channel();
        let status = SessionStatus { transport: Transport::Polling, accepts_upgrade: true };
        let beginning = Beginning::Polling { id: OPENING, respond };
        Some((self.start(request, status, beginning)?, response))
    }

    fn open_websocket<B>(&self, request: &mut Request<B>, binary: BinaryMode) -> Response<Body> {
        let upgrade = match Upgrade::take(request) {
            Ok(upgrade) => upgrade,
            Err(response) => return *response,
        };
        let status = SessionStatus { transport: Transport::WebSocket, accepts_upgrade: false };
        let beginning = Beginning::WebSocket(upgrade.on, binary);
        match self.start(request, status, beginning) {
            Some(_) => upgrade.response,
            None => shutting_down(),
        }
    }

    /// Starts a session; `None` if the server is closing.
    fn start<B>(
        &self,
        request: &Request<B>,
        status: SessionStatus,
        beginning: Beginning,
    ) -> Option<Arc<SessionHandle>> {
        let mut random = [0; 15];
        self.runtime.fill_random(&mut random);
        let sid = Sid::from_bytes(random);
        let handshake = Handshake::of(request);
        let config = Arc::clone(self.io.config());
        let session = Arc::new(SessionHandle::new(sid, handshake, config, status));
        self.io.sessions().insert(Arc::clone(&session)).ok()?;
        let (io, runtime) = (self.io.clone(), Arc::clone(&self.runtime));
        let task = SessionTask::new(io, runtime, Arc::clone(&session), beginning);
        self.runtime.spawn(Box::pin(task));
        Some(session)
    }

    async fn post<B>(&self, session: &Arc<SessionHandle>, request: Request<B>) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Display,
    {
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let (respond, mut response) = oneshot::channel();
        let id = session.name_request();
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        session.push(Command::PostStarted { id, content_type, respond });
        let guard = Guard::new(session, Command::PostAborted(id));
        let limit = self.io.config().engine.max_payload;
        let time = self.io.config().post_timeout;
        match collect(request.into_body(), limit, time, &*self.runtime, &mut response).await {
            Collected::Whole(body) => session.push(Command::Post { id, body }),
            Collected::TooLarge => session.push(Command::PostTooLarge(id)),
            Collected::Answered(outcome) => {
                guard.disarm();
                return closing(post_response(outcome));
            }
            Collected::Late => return closing(empty(StatusCode::REQUEST_TIMEOUT)),
            Collected::Broken => return closing(empty(StatusCode::BAD_REQUEST)),
        }
        let outcome = response.await.unwrap_or(PostOutcome::Abort);
        guard.disarm();
        post_response(outcome)
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("io", &self.io).finish_non_exhaustive()
    }
}

/// Tells a session when a request of its was given up: the client went while it waited.
struct Guard {
    session: Arc<SessionHandle>,
    aborted: Option<Command>,
}

impl Guard {
    fn new(session: &Arc<SessionHandle>, aborted: Command) -> Self {
        Self { session: Arc::clone(session), aborted: Some(aborted) }
    }

    fn disarm(mut self) {
        self.aborted = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(aborted) = self.aborted.take() {
            self.session.push(aborted);
        }
    }
}

async fn poll(session: &Arc<SessionHandle>) -> Response<Body> {
    let (respond, response) = oneshot::channel();
    let id = session.name_request();
    session.push(Command::Poll { id, respond });
    answer_poll(session, id, response).await
}

async fn answer_poll(
    session: &Arc<SessionHandle>,
    id: RequestId,
    response: oneshot::Receiver<PollResponse>,
) -> Response<Body> {
    let guard = Guard::new(session, Command::PollAborted(id));
    let response = response.await;
    guard.disarm();
    match response {
        Ok(PollResponse::Payload(bytes)) => payload(bytes),
        Ok(PollResponse::Refused(code)) => json(code.status(), code.json_body().into_bytes()),
        Ok(_) => empty(StatusCode::BAD_REQUEST),
        // The session's task has ended before it saw the request.
        Err(oneshot::Canceled) => session_unknown(),
    }
}

/// What an upgrade request becomes.
struct Upgrade {
    on: OnUpgrade,
    response: Response<Body>,
}

impl Upgrade {
    /// Checks the opening handshake (RFC 6455 §4.2) and takes the connection out of the request.
    fn take<B>(request: &mut Request<B>) -> Result<Self, Box<Response<Body>>> {
        let headers = request.headers().iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let version = match request.version() {
            Version::HTTP_11 => HttpVersion::Http11,
            _ => HttpVersion::Other,
        };
        let upgrade = check(request.method().as_str(), version, headers.iter().copied())
            .map_err(|rejection| Box::new(rejected(rejection)))?;
        let accept = accept_key(upgrade.key);
        // The official server takes the first one (§3.3).
        let protocol = upgrade.protocols.first().map(|protocol| HeaderValue::from_str(protocol));
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(Ok(protocol)) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let Some(on) = request.extensions_mut().remove() else {
            tracing::error!(
                "the HTTP server offers no upgrade: it must put `OnUpgrade` into the request"
            );
            return Err(Box::new(empty(StatusCode::INTERNAL_SERVER_ERROR)));
        };
        Ok(Self { on, response })
    }
}

fn switch_protocols<B>(request: &mut Request<B>, start: impl FnOnce(OnUpgrade)) -> Response<Body> {
    match Upgrade::take(request) {
        Ok(upgrade) => {
            start(upgrade.on);
            upgrade.response
        }
        Err(response) => *response,
    }
}

fn wants_upgrade(headers: &HeaderMap) -> bool {
    let has = |name, token: &str| {
        headers.get_all(name).iter().any(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    };
    has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
}

fn method(method: &Method) -> request::Method {
    match *method {
        Method::GET => request::Method::Get,
        Method::POST => request::Method::Post,
        Method::OPTIONS => request::Method::Options,
        _ => request::Method::Other,
    }
}
