//! The HTTP side: from requests to sessions, and back.

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use spola_driver::upgrade::connect_protocol;
use spola_driver::{BoxFuture, Runtime};
use spola_engineio::request::{self, Context, Refusal, RequestHead, Verified};
use spola_engineio::server::Dialect;
use spola_engineio::{Sid, Transport};
use spola_websocket::handshake::server::MAX_TARGET_LEN;

use crate::cors::Cors;
use crate::denial::Denial;
use crate::handshake::{Handshake, Source};
use crate::headers;
use crate::io::Io;
use crate::meters::Metered;
use crate::polling;
use crate::reject_reason::RejectReason;
use crate::response::{Body, empty, plain};
use crate::session::{Beginning, Command, Reject, SessionHandle, SessionTask, Switch, Wire};
use crate::sse;
use crate::stream::stream;
use crate::upgrade;

/// Answers the HTTP requests of clients. Cheap to clone.
///
/// Drivers wrap it as the service of their HTTP library. A request that may become a WebSocket must
/// carry hyper's [`OnUpgrade`](hyper::upgrade::OnUpgrade) in its extensions, as hyper's and axum's
/// servers provide it.
#[derive(Clone)]
pub struct HttpService {
    inner: Arc<Inner>,
}

struct Inner {
    io: Io,
    runtime: Arc<dyn Runtime>,
    /// What the path of every request begins with.
    prefix: String,
}

impl HttpService {
    /// The service of `io`, on an executor.
    pub fn new(io: Io, runtime: Arc<dyn Runtime>) -> Self {
        let config = io.config();
        let path = config.path.strip_suffix('/').unwrap_or(&config.path);
        let first = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        let last = if config.add_trailing_slash { "/" } else { "" };
        let prefix = format!("{first}{path}{last}");
        Self { inner: Arc::new(Inner { io, runtime, prefix }) }
    }

    /// The server.
    pub fn io(&self) -> &Io {
        &self.inner.io
    }

    /// Whether a request's path belongs to the server (§1.1).
    pub fn serves(&self, path: &str) -> bool {
        path.starts_with(&self.inner.prefix)
    }

    /// Answers a request. One that does not belong to the server gets a 404.
    pub fn handle<B>(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + use<B>
    where
        B: HttpBody,
        B::Error: Display,
    {
        self.clone().handle_from(request, Source::default())
    }

    pub(crate) fn handle_from<B>(
        self,
        request: Request<B>,
        source: Source,
    ) -> impl Future<Output = Response<Body>>
    where
        B: HttpBody,
        B::Error: Display,
    {
        // A future has room for whatever is moved within it twice: the request is not.
        let (head, body) = request.into_parts();
        let mut request = Request::from_parts(head, ());
        async move {
            if !self.serves(request.uri().path()) {
                return plain(StatusCode::NOT_FOUND, "text/plain", "not found");
            }
            let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
            if target > MAX_TARGET_LEN {
                self.inner.io.meters().reject(RejectReason::TargetTooLong);
                return empty(StatusCode::URI_TOO_LONG);
            }
            let upgrade = upgrade::is_wanted(&request);
            let cors = &self.inner.io.config().cors;
            if self.inner.io.hooks().see_requests()
                || cors.as_ref().is_some_and(Cors::sees_requests)
            {
                source.mark(&mut request);
            }
            let cors = match cors {
                Some(cors) if request.method() == Method::OPTIONS => {
                    return cors.preflight(&request);
                }
                Some(cors) => Some(Box::new(cors.headers(&request))),
                None => None,
            };
            let mut response = self.respond(&mut request, pin!(body), upgrade, &source).await;
            // The plain text that refuses an upgrade is for no page to read (§3.2).
            if let Some(cors) = cors
                && (!upgrade || response.status() < StatusCode::BAD_REQUEST)
            {
                headers::add_cors(response.headers_mut(), *cors);
            }
            response
        }
    }

    async fn respond<B>(
        &self,
        request: &mut Request<()>,
        body: Pin<&mut B>,
        upgrade: bool,
        source: &Source,
    ) -> Response<Body>
    where
        B: HttpBody,
        B::Error: Display,
    {
        if let Some(file) = self.client_file(request) {
            return file;
        }
        let hooks = self.inner.io.hooks();
        let answer = match hooks.pass(request).await {
            Ok(()) => self.answer(request, body, upgrade, source).await,
            Err(refusal) => Err(refusal.into()),
        };
        answer.unwrap_or_else(|denial| {
            if let Some(reason) = denial.reason() {
                self.inner.io.meters().reject(reason);
            }
            denial.report(hooks, request);
            denial.to_response(upgrade)
        })
    }

    /// The answer to a request for a file of the client.
    fn client_file(&self, request: &Request<()>) -> Option<Response<Body>> {
        let config = self.inner.io.config();
        let path = self.inner.prefix.strip_suffix('/').unwrap_or(&self.inner.prefix);
        let name = request.uri().path().strip_prefix(path)?.strip_prefix('/')?;
        let sse = config.engine.transports.sse.then(sse::client_files);
        sse.and_then(|files| files.find(name, request.headers()))
            .or_else(|| config.client_files.as_ref()?.answer(name, request.headers()))
    }

    async fn answer<B>(
        &self,
        request: &mut Request<()>,
        body: Pin<&mut B>,
        upgrade: bool,
        source: &Source,
    ) -> Result<Response<Body>, Denial>
    where
        B: HttpBody,
        B::Error: Display,
    {
        let io = &self.inner.io;
        let config = io.config();
        let (verified, session) = match self.verify(request, upgrade) {
            Ok(verified) => verified,
            Err(refusal) => {
                // The application is asked before the revision counts (§3.1).
                if refusal.context() == Context::UnsupportedProtocolVersion {
                    self.admit(request, source).await?;
                }
                return Err(refusal.into());
            }
        };
        let mark = if let Verified::StreamPost { mark, .. } = &verified {
            Some(Box::new(*mark))
        } else {
            None
        };
        // Looked at now, for the answer to a poll takes over the request's map of headers.
        let explorer = headers::is_internet_explorer(request.headers());
        let mut response = match (verified, session) {
            (Verified::Open { transport, dialect }, _) => {
                // Seldom, and as large as all the rest.
                return Box::pin(self.open(request, transport, dialect, source)).await;
            }
            (Verified::Poll(_), Some(session)) => polling::get(session.poll(), request, io).await,
            (Verified::Post(_) | Verified::StreamPost { .. }, Some(session)) => {
                polling::post(&session, request, mark, body, io, &*self.inner.runtime).await
            }
            (Verified::Stream { last_event_id, .. }, Some(session)) => {
                sse::get(&session, request, last_event_id).await?
            }
            (Verified::Upgrade { binary, .. }, Some(session)) => {
                self.check_origin(request)?;
                let (switch, response) = upgrade::take(request, config)?;
                session.push(Command::Upgrade(Box::new(switch), binary));
                response
            }
            (Verified::SecondWebSocket(_), _) => {
                let (switch, response) = upgrade::take(request, config)?;
                self.reject(switch);
                response
            }
            (_, _) => {
                self.inner.io.meters().reject(RejectReason::Method);
                empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        headers::complete(&mut response, request, explorer, io, None);
        Ok(response)
    }

    /// The checks of Engine.IO, and the session that the request is for.
    fn verify(
        &self,
        request: &Request<()>,
        upgrade: bool,
    ) -> Result<(Verified, Option<Arc<SessionHandle>>), Refusal> {
        let mut session = None;
        let connects = connect_protocol(request).is_some();
        let head = RequestHead {
            // An extended CONNECT stands for the GET of an upgrade (RFC 8441 §5).
            method: if connects { request::Method::Get } else { method(request.method()) },
            query: request.uri().query().unwrap_or_default(),
            upgrade,
            origin: request.headers().get(header::ORIGIN).map(HeaderValue::as_bytes),
        };
        let verified = request::verify(&head, &self.inner.io.config().engine, |sid| {
            session = self.inner.io.sessions().find(sid);
            session.as_ref()?.status()
        })?;
        Ok((verified, session))
    }

    /// A page may only ask for a transport if its origin is let in: browsers do not look after
    /// WebSockets.
    fn check_origin(&self, request: &Request<()>) -> Result<(), Refusal> {
        match &self.inner.io.config().cors {
            Some(cors) if !cors.admits(request) => Err(Refusal::new(Context::OriginNotAllowed)),
            Some(_) | None => Ok(()),
        }
    }

    /// Asks whether a session may be opened, by its origin and by what the application says.
    async fn admit(
        &self,
        request: &Request<()>,
        source: &Source,
    ) -> Result<Arc<Handshake>, Refusal> {
        self.check_origin(request)?;
        let system_time = self.inner.runtime.system_time();
        let handshake = Arc::new(Handshake::of(request, source, system_time));
        self.inner.io.hooks().allow(&handshake).await?;
        Ok(handshake)
    }

    /// Opens a session, if the application lets it in.
    async fn open(
        &self,
        request: &mut Request<()>,
        transport: Transport,
        dialect: Dialect,
        source: &Source,
    ) -> Result<Response<Body>, Denial> {
        let pending = Metered::handshake(self.inner.io.meters());
        let handshake = self.admit(request, source).await?;
        drop(pending);
        let io = &self.inner.io;
        let explorer = headers::is_internet_explorer(request.headers());
        let (session, mut response) = match transport {
            Transport::WebSocket => {
                let (switch, response) = upgrade::take(request, io.config())?;
                let beginning = Beginning::WebSocket(switch);
                let (session, task) = self.begin(handshake, dialect, beginning)?;
                match &source.requests {
                    Some(requests) => requests.open(task),
                    None => self.inner.runtime.spawn(task),
                }
                (session, response)
            }
            Transport::Sse => {
                let (writer, body) = stream();
                let session = self.start(handshake, dialect, Beginning::Sse(writer))?;
                let response = sse::answered(session.opening(), body).await;
                (session, response)
            }
            Transport::Polling | _ => {
                let session = self.start(handshake, dialect, Beginning::Polling)?;
                let response = polling::get(session.opening(), request, io).await;
                (session, response)
            }
        };
        headers::complete(&mut response, request, explorer, io, Some(&session.sid()));
        Ok(response)
    }

    fn start(
        &self,
        handshake: Arc<Handshake>,
        dialect: Dialect,
        beginning: Beginning,
    ) -> Result<Arc<SessionHandle>, Denial> {
        let (session, task) = self.begin(handshake, dialect, beginning)?;
        self.inner.runtime.spawn(task);
        Ok(session)
    }

    /// A session, and the task that is to be run for it.
    fn begin(
        &self,
        handshake: Arc<Handshake>,
        dialect: Dialect,
        beginning: Beginning,
    ) -> Result<(Arc<SessionHandle>, BoxFuture<()>), Denial> {
        let sid = self.inner.io.hooks().name(&handshake, || {
            let mut random = [0; 15];
            self.inner.runtime.fill_random(&mut random);
            Sid::from_bytes(random)
        })?;
        let config = Arc::clone(self.inner.io.config());
        let max_sessions = config.max_sessions;
        let status = beginning.status(dialect.revision);
        let meters = Arc::clone(self.inner.io.meters());
        let session = Arc::new(SessionHandle::new(sid, handshake, config, meters, status));
        self.inner.io.sessions().insert(Arc::clone(&session), max_sessions)?;
        let (io, runtime) = (self.inner.io.clone(), Arc::clone(&self.inner.runtime));
        let task = SessionTask::new(io, runtime, Arc::clone(&session), dialect, beginning);
        Ok((session, Box::pin(task)))
    }

    /// Closes a WebSocket that is one too many.
    fn reject(&self, switch: Switch) {
        let runtime = Arc::clone(&self.inner.runtime);
        let wire = Wire::opening(switch, runtime.now(), self.inner.io.config());
        self.inner.runtime.spawn(Box::pin(Reject::one_too_many(wire, runtime, &self.inner.io)));
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").field("io", &self.inner.io).finish_non_exhaustive()
    }
}

fn method(method: &Method) -> request::Method {
    match *method {
        Method::GET => request::Method::Get,
        Method::POST => request::Method::Post,
        Method::OPTIONS => request::Method::Options,
        _ => request::Method::Other,
    }
}
