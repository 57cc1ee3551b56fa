//! Cross-origin requests: what browsers are told, and whom the server lets in (§12.1).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::hooks::called;
use crate::response::{Body, empty};

/// The methods that the official server allows unless told otherwise.
const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");

/// What pages of other origins may do: the headers of CORS, and which origins are let in at all.
///
/// Browsers apply CORS to HTTP requests, and not to WebSockets. So origins that are
/// [allowed](Cors::allow_origin) by name or by a predicate are enforced here: a session that another
/// origin asks for, over whatever transport, is refused with code 4.
///
/// ```
/// use spola_server::{AllowOrigin, Config, Cors, Io};
///
/// let mut config = Config::default();
/// config.cors = Some(
///     Cors::new().allow_origin(AllowOrigin::exact("https://example.com")).allow_credentials(true),
/// );
/// let io = Io::builder().config(config).build();
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    origin: AllowOrigin,
    credentials: bool,
    methods: HeaderValue,
    allowed_headers: Option<HeaderValue>,
    exposed_headers: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    enforced: bool,
    required: bool,
}

impl Cors {
    /// Any origin, without credentials, for all the usual methods and whatever headers a request
    /// names.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            origin: AllowOrigin::any(),
            credentials: false,
            methods: METHODS,
            allowed_headers: None,
            exposed_headers: None,
            max_age: None,
            enforced: true,
            required: false,
        }
    }

    /// The origins that are allowed.
    #[must_use]
    pub fn allow_origin(mut self, origin: AllowOrigin) -> Self {
        self.origin = origin;
        self
    }

    /// Whether pages may send cookies and other credentials. Not together with
    /// [`AllowOrigin::any`]: a server is not built with both.
    #[must_use]
    pub const fn allow_credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// The methods that a preflight request is told. Default: GET, HEAD, PUT, PATCH, POST, DELETE.
    #[must_use]
    pub fn allow_methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = list(methods).unwrap_or(HeaderValue::from_static(""));
        self
    }

    /// The headers that a preflight request is told. Default: those it asks for.
    #[must_use]
    pub fn allow_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.allowed_headers = list(names);
        self
    }

    /// The headers of responses that pages may read.
    #[must_use]
    pub fn expose_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.exposed_headers = list(names);
        self
    }

    /// How long browsers may keep the answer to a preflight request.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age.as_secs().into());
        self
    }

    /// Whether other origins than those allowed are refused, with 403 and code 4. Default true. The
    /// official server never refuses; it only tells browsers.
    #[must_use]
    pub const fn enforce_origin(mut self, enforce: bool) -> Self {
        self.enforced = enforce;
        self
    }

    /// Whether a session may only be asked for by a request that names its origin, as browsers do
    /// and other clients need not. Default false.
    #[must_use]
    pub const fn require_origin(mut self, require: bool) -> Self {
        self.required = require;
        self
    }

    /// # Panics
    /// If credentials are allowed to any origin: browsers refuse that, and it is never what is meant.
    pub(crate) fn check(&self) {
        assert!(
            !(self.credentials && matches!(self.origin.0, Rule::Any)),
            "credentials cannot be allowed to any origin: name the origins, or mirror them",
        );
    }

    /// Whether a function of the application's is given requests.
    pub(crate) const fn sees_requests(&self) -> bool {
        matches!(self.origin.0, Rule::Predicate(_))
    }

    /// Whether the origin of a request is let in.
    pub(crate) fn admits(&self, request: &Request<()>) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => !self.required,
            (Some(origin), None) => !self.enforced || self.origin.matches(origin, request),
            (Some(_), Some(_)) => !self.enforced,
        }
    }

    /// What every response to `request` has to say.
    pub(crate) fn headers(&self, request: &Request<()>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let origin = request.headers().get(header::ORIGIN);
        if let Some(origin) = self.origin.told(origin, request) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if !matches!(self.origin.0, Rule::Any) {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        if self.credentials {
            let allow = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, allow);
        }
        if let Some(exposed) = &self.exposed_headers {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        headers
    }

    /// The answer to a preflight request: any OPTIONS, without further checks.
    pub(crate) fn preflight(&self, request: &Request<()>) -> Response<Body> {
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        *headers = self.headers(request);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(allowed) = self.allowed_headers.as_ref().or(wanted) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if self.allowed_headers.is_none() {
            let varies = match self.origin.0 {
                Rule::Any => "Access-Control-Request-Headers",
                Rule::Mirror | Rule::Exact(_) | Rule::List(_) | Rule::Predicate(_) => {
                    "Origin, Access-Control-Request-Headers"
                }
            };
            headers.insert(header::VARY, HeaderValue::from_static(varies));
        }
        if let Some(age) = &self.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        response
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self::new()
    }
}

/// Which origins are allowed.
#[derive(Clone, Debug)]
pub struct AllowOrigin(Rule);

#[derive(Clone)]
enum Rule {
    Any,
    Mirror,
    Exact(HeaderValue),
    List(Arc<[HeaderValue]>),
    Predicate(Arc<Predicate>),
}

type Predicate = dyn Fn(&HeaderValue, &Request<()>) -> bool + Send + Sync;

impl AllowOrigin {
    /// Every origin is told `*`.
    #[must_use]
    pub const fn any() -> Self {
        Self(Rule::Any)
    }

    /// Every origin is told itself.
    #[must_use]
    pub const fn mirror_request() -> Self {
        Self(Rule::Mirror)
    }

    /// One origin, such as `https://example.com`; every other is told this one.
    ///
    /// # Panics
    /// If it cannot be an origin.
    #[must_use]
    pub fn exact(origin: &str) -> Self {
        Self(Rule::Exact(parse(origin)))
    }

    /// Several origins; others are told nothing.
    ///
    /// # Panics
    /// If one of them cannot be an origin.
    #[must_use]
    pub fn list<T: AsRef<str>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self(Rule::List(origins.into_iter().map(|origin| parse(origin.as_ref())).collect()))
    }

    /// The origins for which `predicate` says so; others are told nothing.
    #[must_use]
    pub fn predicate(
        predicate: impl Fn(&HeaderValue, &Request<()>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Rule::Predicate(Arc::new(predicate)))
    }

    fn matches(&self, origin: &HeaderValue, request: &Request<()>) -> bool {
        match &self.0 {
            Rule::Any | Rule::Mirror => true,
            Rule::Exact(exact) => is_same(exact, origin),
            Rule::List(list) => list.iter().any(|allowed| is_same(allowed, origin)),
            Rule::Predicate(predicate) => called(|| predicate(origin, request)).unwrap_or(false),
        }
    }

    /// What goes into `Access-Control-Allow-Origin`.
    fn told<'a>(
        &'a self,
        origin: Option<&'a HeaderValue>,
        request: &Request<()>,
    ) -> Option<&'a HeaderValue> {
        static ANY: HeaderValue = HeaderValue::from_static("*");
        match &self.0 {
            Rule::Any => Some(&ANY),
            Rule::Mirror => origin,
            Rule::Exact(exact) => Some(exact),
            Rule::List(_) | Rule::Predicate(_) => {
                origin.filter(|origin| self.matches(origin, request))
            }
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Mirror => f.write_str("Mirror"),
            Self::Exact(origin) => f.debug_tuple("Exact").field(origin).finish(),
            Self::List(origins) => f.debug_tuple("List").field(origins).finish(),
            Self::Predicate(_) => f.debug_struct("Predicate").finish_non_exhaustive(),
        }
    }
}

/// Schemes and hosts have no case; a port has none to have.
fn is_same(allowed: &HeaderValue, origin: &HeaderValue) -> bool {
    allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes())
}

fn parse(origin: &str) -> HeaderValue {
    let parts = origin.split_once("://");
    let is_sound = origin == "null"
        || parts.is_some_and(|(scheme, host)| {
            !scheme.is_empty() && !host.is_empty() && !host.contains('/')
        });
    match HeaderValue::from_str(origin) {
        Ok(value) if is_sound => value,
        _ => {
            panic!("{origin:?} is no origin: that is a scheme, a host and perhaps a port, or null")
        }
    }
}

/// A list as CORS headers have it; `None` if it is empty.
fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Option<HeaderValue> {
    let mut joined = String::new();
    for item in items {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(item.as_ref());
    }
    // Methods and names of headers are tokens, of which any header may consist.
    HeaderValue::try_from(joined).ok().filter(|value| !value.is_empty())
}
