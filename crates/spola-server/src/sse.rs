//! The requests of an event stream: a GET for the stream, POSTs for the other direction.
//! `docs/guide/sse.md` describes them.

use std::sync::LazyLock;

use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use spola_engineio::request::{self, Context, Refusal};
use spola_engineio::server::PollResponse;

use crate::client_files::ClientFiles;
use crate::response::{Body, empty, json, session_unknown};
use crate::session::{Asked, SessionHandle};
use crate::stream::{StreamBody, stream};

/// The client's side, an ES module.
const MODULE: &str = include_str!("../client/spola-sse.js");

/// The module's last line.
const EXPORT: &str = "export { SSE };";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers a GET for an event stream of a session.
pub(crate) async fn get(
    session: &SessionHandle,
    request: &Request<()>,
    in_query: Option<u64>,
) -> Result<Response<Body>, Refusal> {
    let last_event_id = match request.headers().get(LAST_EVENT_ID) {
        None => in_query,
        Some(value) => {
            let number = request::event_id(value.as_bytes());
            Some(number.map_err(|_| Refusal::new(Context::NotANumber))?)
        }
    };
    let (writer, body) = stream();
    Ok(answered(session.stream(last_event_id, writer), body).await)
}

/// The response to a GET that the session knows of.
pub(crate) async fn answered(asked: Asked<'_, PollResponse>, body: StreamBody) -> Response<Body> {
    match asked.await {
        Some(PollResponse::Stream) => event_stream(body),
        Some(PollResponse::Refused(code)) => json(code.status(), code.json_body().into_bytes()),
        Some(_) => empty(StatusCode::BAD_REQUEST),
        None => session_unknown(),
    }
}

/// No proxy may keep, change or hold back anything of it.
fn event_stream(body: StreamBody) -> Response<Body> {
    let mut response = Response::new(Body::streamed(body));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (X_ACCEL_BUFFERING, "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The client's side for browsers, which the server hands out below its path.
pub(crate) fn client_files() -> &'static ClientFiles {
    static FILES: LazyLock<ClientFiles> = LazyLock::new(|| {
        let version = format!("{:016x}", fnv(MODULE.as_bytes()));
        let files = ClientFiles::new(&version).add("spola-sse.js", MODULE);
        files.add("spola-sse.global.js", classic_script())
    });
    &FILES
}

/// The module for a `<script>`, where it sets the global `SpolaSSE`, and for `require`.
fn classic_script() -> String {
    let body = MODULE.trim_end().trim_end_matches(EXPORT);
    format!(
        "(() => {{\n\"use strict\";\n{body}\
         if (typeof module === \"object\") module.exports = {{ SSE }};\n\
         else globalThis.SpolaSSE = SSE;\n}})();\n"
    )
}

/// The hash FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_script_exports_nothing_and_sets_a_global() {
        assert!(MODULE.trim_end().ends_with(EXPORT));
        let script = classic_script();
        assert!(!script.contains("\nexport ") && !script.contains("\nimport "));
        assert!(script.contains("globalThis.SpolaSSE = SSE"));
    }
}
