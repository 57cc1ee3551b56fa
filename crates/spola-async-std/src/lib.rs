//! The driver for async-std and smol: WebSocket over the streams of `futures-io`, and the Socket.IO
//! server.
//!
//! Both runtimes take their timers and sockets from `async-io`, so [`websocket`] serves either, and
//! names neither. What spawns tasks has to: [`AsyncStdRuntime`] and [`SmolRuntime`], each behind the
//! feature of its runtime's name. With async-std, what a listener gives wants wrapping in an
//! [`AsyncStdIo`].

#[cfg(feature = "async-std")]
mod closing;
mod runtime;
mod serve;
pub mod websocket;

#[cfg(feature = "async-std")]
pub use closing::{AsyncStdIo, EndWriting};
pub use runtime::AsyncIo;
#[cfg(feature = "async-std")]
pub use runtime::AsyncStdRuntime;
#[cfg(feature = "smol")]
pub use runtime::SmolRuntime;
pub use serve::{Accepting, Tcp, serve};
#[cfg(feature = "rustls")]
pub use serve::{Tls, serve_tls};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
