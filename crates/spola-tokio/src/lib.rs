//! The tokio driver: WebSocket over sockets, and the Socket.IO server as a service.

mod patient;
mod runtime;
mod serve;
mod service;
pub mod websocket;

pub use runtime::TokioRuntime;
pub use serve::{NotFound, Serve, serve};
pub use service::SocketIoService;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
