//! From an upgrade request to the WebSocket that it becomes.

use http::{Request, Response, header};
use spola_driver::Deflation;
use spola_driver::upgrade::connect_protocol;
use spola_websocket::handshake::http::server;
use spola_websocket::handshake::server::Rejection;

use crate::config::Config;
use crate::denial::Denial;
use crate::response::Body;
use crate::session::Switch;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_wanted(request: &Request<()>) -> bool {
    let headers = request.headers();
    let has = |name, token: &str| {
        headers.get_all(name).iter().any(|value| {
            // Mostly it is nothing else.
            value.as_bytes().eq_ignore_ascii_case(token.as_bytes()) || {
                let text = value.to_str().unwrap_or_default();
                text.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
            }
        })
    };
    has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
        || connect_protocol(request).is_some()
}

/// Checks the opening handshake (RFC 6455 §4.2, RFC 8441 §5) and takes the connection out of the
/// request. The response is to be sent.
pub(crate) fn take(
    request: &mut Request<()>,
    config: &Config,
) -> Result<(Switch, Response<Body>), Denial> {
    let upgrade = server::check(request, connect_protocol(request))?;
    let mut response = upgrade.accept();
    // The official server takes the first one (§3.3).
    if let Some(first) = upgrade.protocols.first() {
        response = response.protocol(first).map_err(|_| Rejection::Protocols)?;
    }
    let (response, deflation) = deflated(response, config);
    let response = response.into_response().map(|()| Body::default());
    let on = request.extensions_mut().remove().ok_or(Denial::NoUpgrade)?;
    Ok((Switch { on, deflation }, response))
}

#[cfg(feature = "deflate")]
fn deflated<'a>(
    response: server::Response<'a>,
    config: &Config,
) -> (server::Response<'a>, Deflation) {
    match &config.per_message_deflate {
        Some(options) => response.deflate(options),
        None => (response, None),
    }
}

#[cfg(not(feature = "deflate"))]
fn deflated<'a>(response: server::Response<'a>, _: &Config) -> (server::Response<'a>, Deflation) {
    (response, Deflation::default())
}
