//! The tokio driver: WebSocket over sockets, and the Socket.IO server as a service.

mod runtime;
mod serve;
mod service;
pub mod websocket;

pub use runtime::TokioRuntime;
pub use serve::{Tcp, serve};
#[cfg(feature = "rustls")]
pub use serve::{Tls, serve_tls};
pub use service::{SocketIoLayer, SocketIoService};
pub use spola_server::{Beside, ConnectionLimits, NotFound, Serve};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
