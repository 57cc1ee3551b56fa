//! What stands in the headers of a session's responses besides their content (§12).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use spola_engineio::Sid;

use crate::io::Io;
use crate::response::Body;

const X_XSS_PROTECTION: HeaderName = header::X_XSS_PROTECTION;

/// Completes a response of a session; `opened` is the session that it opens, if it does, and `explorer`
/// says who asked. Errors are left alone.
pub(crate) fn complete(
    response: &mut Response<Body>,
    request: &Request<()>,
    explorer: bool,
    io: &Io,
    opened: Option<&Sid>,
) {
    let polling = match response.status() {
        // To an extended CONNECT it means what 101 does to an upgrade.
        StatusCode::OK => request.method() != Method::CONNECT,
        StatusCode::SWITCHING_PROTOCOLS => false,
        _ => return,
    };
    let headers = response.headers_mut();
    if polling {
        if explorer {
            headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("0"));
        }
        let cookie = io.config().cookie.as_ref().zip(opened);
        if let Some(cookie) = cookie.and_then(|(cookie, sid)| cookie.of(sid)) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    io.hooks().add_headers(headers, request, opened.is_some());
}

/// A map for the headers of a response: that of the request's, emptied, if nobody is to see these any more.
/// hyper takes the next request in by it.
pub(crate) fn of_response(request: &mut Request<()>, io: &Io) -> HeaderMap {
    if io.hooks().see_requests() {
        return HeaderMap::new();
    }
    let mut headers = std::mem::take(request.headers_mut());
    headers.clear();
    headers
}

/// Adds the headers of CORS, where the application has not put others in their place.
pub(crate) fn add_cors(headers: &mut HeaderMap, cors: HeaderMap) {
    for (name, value) in &cors {
        if name == header::VARY || !headers.contains_key(name) {
            headers.append(name, value.clone());
        }
    }
}

/// It took some payloads for scripts, and hid them (§12.4).
pub(crate) fn is_internet_explorer(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.contains(";MSIE") || agent.contains("Trident/"))
}
