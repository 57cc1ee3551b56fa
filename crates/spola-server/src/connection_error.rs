//! Requests that were refused, as the application is told of them (§3.2).

use http::Request;
use serde_json::{Value, json};
use spola_engineio::request::{Context, Refusal};

/// A request of a client that was refused: what [`on_connection_error`] is told.
///
/// [`on_connection_error`]: crate::IoBuilder::on_connection_error
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectionError<'a> {
    /// The request, without its body.
    pub request: &'a Request<()>,
    refusal: &'a Refusal,
}

impl<'a> ConnectionError<'a> {
    pub(crate) const fn new(request: &'a Request<()>, refusal: &'a Refusal) -> Self {
        Self { request, refusal }
    }

    /// The code that the client is told, from 0 to 5.
    #[must_use]
    pub const fn code(&self) -> u8 {
        self.refusal.code().as_u8()
    }

    /// The message that the client is told.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.refusal.message()
    }

    /// What was wrong, which the client is not told.
    #[must_use]
    pub const fn context(&self) -> Context {
        self.refusal.context()
    }

    /// What was wrong, as the official server tells it: an object such as `{"transport":"xyz"}` or
    /// `{"name":"INVALID_ORIGIN"}`.
    #[must_use]
    pub fn details(&self) -> Value {
        let context = self.context();
        let name = context.name();
        match context {
            Context::TransportUnknown => json!({ "transport": self.query("transport") }),
            Context::SessionUnknown => json!({ "sid": self.query("sid") }),
            Context::BadHandshakeMethod(_) => json!({ "method": self.request.method().as_str() }),
            Context::UnsupportedProtocolVersion => json!({ "protocol": 3 }),
            Context::Forbidden => json!({ "message": self.message() }),
            Context::TransportMismatch { requested, current } => json!({
                "name": name,
                "transport": requested.as_str(),
                "previousTransport": current.as_str(),
            }),
            Context::ProtocolMismatch { requested, current } => json!({
                "name": name,
                "protocol": requested.number(),
                "previousProtocol": current.number(),
            }),
            Context::InvalidOrigin | Context::OriginNotAllowed => {
                let origin = self.request.headers().get(http::header::ORIGIN);
                let origin = origin.map(|origin| String::from_utf8_lossy(origin.as_bytes()));
                json!({ "name": name, "origin": origin })
            }
            Context::TooManyParameters
            | Context::TransportHandshake
            | Context::Middleware
            | Context::IdGeneration
            | _ => json!({ "name": name }),
        }
    }

    /// The last value of a parameter.
    fn query(&self, name: &str) -> Option<String> {
        let query = self.request.uri().query().unwrap_or_default();
        let named = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        named.last().map(|(_, value)| value.into_owned())
    }
}
