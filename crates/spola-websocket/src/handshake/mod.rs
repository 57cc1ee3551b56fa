//! The opening handshake (RFC 6455 §4), of both roles, on plain bytes.
//!
//! A driver without an HTTP library reads a head with [`server::RequestReader`] and answers with
//! the bytes of [`server::Response`] or of [`server::Rejection`]. A driver with one hands the parts
//! it has parsed to [`server::check`], or takes the module `http` (a feature). A client writes [`client::Request`] and reads the answer with
//! the [`client::Handshake`] it leaves. What follows a head in the buffer belongs to the
//! [`Connection`](crate::Connection).

use base64::{Engine as _, engine::general_purpose::STANDARD};

mod choice;
pub mod client;
mod extension;
mod header;
#[cfg(feature = "http")]
pub mod http;
mod offer;
mod rejection;
mod response;
pub mod server;
#[cfg(test)]
mod tests;

pub use extension::ExtensionOffer;
pub use header::HeaderError;

/// The longest head accepted, request or response: 16 KiB.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// The most header fields accepted in a head.
pub const MAX_HEADERS: usize = 100;

/// What a server appends to the client's key (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`, 28 characters.
///
/// ```
/// use spola_websocket::handshake::accept_key;
///
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    STANDARD.encode(hash.digest().bytes())
}
