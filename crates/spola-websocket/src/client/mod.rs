//! The client's way to a server, as far as it can be gone without a socket.
//!
//! A [`Target`] is a parsed URL: where to connect, whether to speak TLS, what to ask for. A
//! [`Proxy`](proxy::Proxy) stands before it and is talked into a tunnel by a
//! [`Negotiation`](proxy::Negotiation). [`Redirects`] says where a refused request goes next. What
//! lies between, dialling and TLS, is the driver's; what follows is the
//! [handshake](crate::handshake::client).
//!
//! ```
//! use spola_websocket::client::{Host, Place, Target};
//!
//! let target = Target::parse("wss://example.com/chat?room=1")?;
//! assert!(target.is_secure());
//! let place = Place::Tcp { host: Host::Name("example.com".into()), port: 443 };
//! assert_eq!(*target.place(), place);
//! # let mut entropy = |buf: &mut [u8]| buf.fill(7);
//! let (bytes, _handshake) = target.request().start(&mut entropy);
//! assert!(bytes.starts_with(b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\n"));
//! # Ok::<(), spola_websocket::client::TargetError>(())
//! ```

mod credentials;
mod host;
pub mod proxy;
mod redirect;
mod target;

pub use credentials::Credentials;
pub use host::Host;
pub use redirect::{RedirectError, Redirects, is_secret};
pub use target::{Place, Target, TargetError};
