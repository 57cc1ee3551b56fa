//! The handshake in the types of the crate `http`, for servers and clients that speak HTTP by a
//! library: over HTTP/1.1 (RFC 6455 §4), and over HTTP/2 and HTTP/3 by extended CONNECT (RFC 8441,
//! RFC 9220).
//!
//! What is done here is the same as on plain bytes: the same checks, limits and choices. To get at
//! the stream afterwards is the library's part, such as hyper's `on` for an upgrade.
//!
//! ```
//! use http::{Response, StatusCode, Version};
//! use spola_websocket::handshake::http::{client, server};
//!
//! # let mut entropy = |buf: &mut [u8]| buf.fill(7);
//! // A client over HTTP/1.1, and a server that answers it.
//! let uri = "wss://example.com/chat".parse()?;
//! let (request, handshake) = client::Request::new(&uri)?.protocol("chat")?.start(&mut entropy);
//! let response = match server::check(&request, None) {
//!     Ok(upgrade) => upgrade.accept().protocol("chat")?.into_response(),
//!     Err(rejection) => rejection.to_response(request.version()).map(|_message| ()),
//! };
//! assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
//! assert_eq!(handshake.check(&response)?.protocol, Some("chat"));
//!
//! // The same over HTTP/2, where `:protocol` stands in an extension of the library's.
//! let (request, handshake) = client::Request::new(&uri)?.start_connect();
//! let response = server::check(&request, Some("websocket"))?.accept().into_response();
//! assert_eq!(response.status(), StatusCode::OK);
//! handshake.check(&response)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{HeaderMap, HeaderValue, header};

pub mod client;
pub mod server;
#[cfg(test)]
mod tests;

/// What `:protocol` says (RFC 8441 §5).
const PROTOCOL: &str = "websocket";

/// The fields that belong to a connection of HTTP/1 and make a message of a later version malformed
/// (RFC 9113 §8.2.2).
const CONNECTION_FIELDS: [header::HeaderName; 3] =
    [header::CONNECTION, header::UPGRADE, header::TRANSFER_ENCODING];

fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// Adds the lines of an offer or a choice, which consist of tokens, blanks and punctuation.
fn add<V: AsRef<str>>(headers: &mut HeaderMap, lines: impl Iterator<Item = (&'static str, V)>) {
    for (name, value) in lines {
        let value = HeaderValue::from_str(value.as_ref());
        debug_assert!(value.is_ok(), "{name}");
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), value) {
            headers.insert(name, value);
        }
    }
}
