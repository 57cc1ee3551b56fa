//! What an application may do about HTTP requests: let them pass or not, name sessions, add headers,
//! hear of refusals.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, Request};
use spola_driver::BoxFuture;
use spola_engineio::Sid;
use spola_engineio::request::{Context, Refusal as Refused};

use crate::connection_error::ConnectionError;
use crate::handler::{Admission, Guarded, Panicked};
use crate::handshake::Handshake;
use crate::io::IoBuilder;
use crate::refusal::Refusal;
use crate::reply::IntoAdmission;

type Middleware = Box<dyn Fn(Request<()>) -> BoxFuture<Passed> + Send + Sync>;
type Passed = Result<Request<()>, Refusal>;
type AllowRequest = Box<dyn Fn(Arc<Handshake>) -> BoxFuture<Admission> + Send + Sync>;
type GenerateId = Box<dyn Fn(&Handshake) -> String + Send + Sync>;
type AddHeaders = Box<dyn Fn(&mut HeaderMap, &Request<()>) + Send + Sync>;
type Report = Box<dyn Fn(&ConnectionError<'_>) + Send + Sync>;

/// The application's functions; most servers have none.
#[derive(Default)]
pub(crate) struct Hooks {
    middleware: Vec<Middleware>,
    allow_request: Option<AllowRequest>,
    generate_id: Option<GenerateId>,
    initial_headers: Vec<AddHeaders>,
    headers: Vec<AddHeaders>,
    connection_error: Vec<Report>,
}

/// Functions that are called about HTTP requests. None of them may block.
impl IoBuilder {
    /// Adds a middleware that every HTTP request of a client goes through before anything is checked
    /// but CORS. What it returns, changed or not, goes on; an error refuses the request with code 3,
    /// whatever it says.
    ///
    /// Several run in the order in which they were added. What is to answer requests by itself is
    /// better made a layer of tower's around the service.
    ///
    /// ```
    /// # use spola_server::Io;
    /// use http::Request;
    ///
    /// let io = Io::builder().http_middleware(async |request: Request<()>| {
    ///     if request.headers().contains_key("x-forwarded-for") { Ok(request) } else { Err("no proxy") }
    /// });
    /// ```
    #[must_use]
    pub fn http_middleware<F, R, E>(mut self, middleware: F) -> Self
    where
        F: Fn(Request<()>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Request<()>, E>> + Send + 'static,
        E: Into<Refusal>,
    {
        self.hooks.middleware.push(Box::new(move |request| {
            let passed = middleware(request);
            Box::pin(async { passed.await.map_err(Into::into) })
        }));
        self
    }

    /// Decides whether a session may be opened, before it is: `Err` refuses with code 4 and the
    /// message of the refusal, which is `Forbidden` where there is nothing more to say.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use spola_server::Io;
    /// use spola_server::Handshake;
    ///
    /// let io = Io::builder().allow_request(async |handshake: Arc<Handshake>| {
    ///     match handshake.query("token").as_deref() {
    ///         Some("secret") => Ok(()),
    ///         _ => Err("who are you?"),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn allow_request<F, R>(mut self, allow: F) -> Self
    where
        F: Fn(Arc<Handshake>) -> R + Send + Sync + 'static,
        R: Future<Output: IntoAdmission> + Send + 'static,
    {
        self.hooks.allow_request = Some(Box::new(move |handshake| {
            let allowed = allow(handshake);
            Box::pin(async { allowed.await.into_admission() })
        }));
        self
    }

    /// Names the sessions of Engine.IO. A name is the only credential of its session: it must not be
    /// guessed, and has 20 characters of the alphabet `A–Z a–z 0–9 - _`. Another name, or one that a
    /// session has, refuses the request with code 3.
    #[must_use]
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Handshake) -> String + Send + Sync + 'static,
    ) -> Self {
        self.hooks.generate_id = Some(Box::new(generate));
        self
    }

    /// Adds headers to the first response of each session, be it that to a poll or the 101. Those of
    /// [`on_headers`](Self::on_headers) come after them.
    #[must_use]
    pub fn on_initial_headers(
        mut self,
        add: impl Fn(&mut HeaderMap, &Request<()>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.initial_headers.push(Box::new(add));
        self
    }

    /// Adds headers to every response of a session, the 101 included. Refusals are none of a session.
    #[must_use]
    pub fn on_headers(
        mut self,
        add: impl Fn(&mut HeaderMap, &Request<()>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.headers.push(Box::new(add));
        self
    }

    /// Tells of each request that is refused with a code of Engine.IO, and why.
    #[must_use]
    pub fn on_connection_error(
        mut self,
        report: impl Fn(&ConnectionError<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.connection_error.push(Box::new(report));
        self
    }
}

impl Hooks {
    /// Whether one is given requests.
    pub(crate) fn see_requests(&self) -> bool {
        let Self { middleware, initial_headers, headers, connection_error, .. } = self;
        !(middleware.is_empty()
            && initial_headers.is_empty()
            && headers.is_empty()
            && connection_error.is_empty())
    }

    /// Lets a request through every middleware. If one refuses it, the request is gone, unless
    /// somebody is to be told of it.
    pub(crate) async fn pass(&self, request: &mut Request<()>) -> Result<(), Refused> {
        for middleware in &self.middleware {
            let told = (!self.connection_error.is_empty()).then(|| Box::new(request.clone()));
            let taken = std::mem::take(request);
            match guarded(|| middleware(taken)).await {
                Ok(passed) => *request = passed,
                Err(refusal) => {
                    tracing::debug!(%refusal, "a middleware failed");
                    *request = told.map(|told| *told).unwrap_or_default();
                    return Err(Refused::new(Context::Middleware));
                }
            }
        }
        Ok(())
    }

    /// Asks the application whether a session may be opened.
    pub(crate) async fn allow(&self, handshake: &Arc<Handshake>) -> Result<(), Refused> {
        let Some(allow) = &self.allow_request else {
            return Ok(());
        };
        let allowed = guarded(|| allow(Arc::clone(handshake))).await;
        allowed.map_err(|refusal| Refused::forbidden(refusal.message().into()))
    }

    /// The application's id for a session, if it names them; else what `random` gives.
    pub(crate) fn name(
        &self,
        handshake: &Handshake,
        random: impl FnOnce() -> Sid,
    ) -> Result<Sid, Refused> {
        let Some(generate) = &self.generate_id else {
            return Ok(random());
        };
        let named = called(|| generate(handshake)).and_then(|name| {
            let refuse = |error| {
                tracing::error!(%error, "the application's id cannot name a session");
            };
            name.parse().map_err(refuse).ok()
        });
        named.ok_or_else(|| Refused::new(Context::IdGeneration))
    }

    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, request: &Request<()>, first: bool) {
        let initial = self.initial_headers.iter().filter(|_| first);
        for add in initial.chain(&self.headers) {
            called(|| add(headers, request));
        }
    }

    pub(crate) fn report(&self, request: &Request<()>, refusal: &Refused) {
        let error = ConnectionError::new(request, refusal);
        for report in &self.connection_error {
            called(|| report(&error));
        }
    }
}

/// Calls what an application gave; `None` if that panicked, which ends nothing else.
pub(crate) fn called<T>(call: impl FnOnce() -> T) -> Option<T> {
    let complain = |panicked: Panicked| tracing::error!(message = panicked.0, "a hook panicked");
    Panicked::caught(call).map_err(complain).ok()
}

/// Runs what an application gave. A panic in it refuses, and ends nothing else.
async fn guarded<T>(start: impl FnOnce() -> BoxFuture<Result<T, Refusal>>) -> Result<T, Refusal> {
    let outcome = match Guarded::start(start) {
        Ok(future) => future.await,
        Err(panicked) => Err(panicked),
    };
    outcome.unwrap_or_else(|panicked| {
        tracing::error!(message = panicked.0, "a hook panicked");
        Err(Refusal::new("internal error"))
    })
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}
