//! A client's way from a URL to an open WebSocket.
//!
//! ```text
//! URL ─ proxy? ─ dial ─ tunnel? ─ TLS? ─ opening handshake ─ WebSocket
//!  └───────────────── redirect? ──────────────────┘
//! ```

mod connector;
mod dial;
mod error;
mod maybe_tls;
mod response;
#[cfg(feature = "rustls")]
pub mod tls;
mod tunnel;
mod way;

pub use connector::Connector;
pub use dial::{Dial, SocketOptions};
pub use error::ConnectorError;
pub use maybe_tls::MaybeTls;
pub use response::Response;
