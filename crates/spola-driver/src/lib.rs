//! What Spola's drivers share: a WebSocket over any polled stream, free of any runtime.
//!
//! The state machine of `spola-websocket` takes bytes and the time; a driver has sockets, a clock and
//! tasks. In between there is work that no runtime changes: when to read and into which buffer, when
//! to write, how long to wait, and how to part. It is done here, once.
//!
//! - [`Accept`] and [`Open`] do the opening handshake on a stream that is connected.
//! - `connect` (a feature of that name) goes all the way from a URL, by name, proxy and TLS.
//! - `upgrade` (with the feature `hyper`) makes WebSockets of hyper's requests and responses.
//! - [`WebSocket`] has the async methods that applications call.
//! - [`Line`] is what it is made of: polled by hand, for those who have a task and a timer already.
//! - [`Runtime`] is what a driver brings, with a [`Transport`] to carry the bytes.
//!
//! `spola-tokio` and `spola-async-std` are such drivers.
//!
//! ```
//! use spola_driver::{Accept, Runtime, Transport};
//!
//! /// Serves one client, on whatever carries the bytes and tells the time.
//! async fn serve<S: Transport, R: Runtime>(
//!     accept: &Accept,
//!     stream: S,
//!     runtime: R,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut socket = accept.accept(stream, runtime).await?;
//!     // Lent out of the read buffer, with what answers it; `recv` has messages to keep, `recv_chunk`
//!     // parts of large ones, and `split` makes halves for two tasks.
//!     while let Some((message, mut replies)) = socket.recv_borrowed().await? {
//!         replies.send(message)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Features
//! - `connect`: clients that connect by URL. Brings no dependency.
//! - `deflate`: permessage-deflate, in each of the handshakes.
//! - `hyper`: WebSockets within the HTTP of hyper and axum; `http2`: within HTTP/2 as well.
//! - `rustls`: TLS for clients that connect by URL, with certificates that the caller trusts.
//! - `rustls-platform-verifier`: TLS that trusts what the operating system trusts.
//! - `rustls-webpki-roots`: TLS that trusts Mozilla's list.

mod accept;
mod client;
#[cfg(feature = "connect")]
pub mod connect;
mod deflation;
mod entropy;
mod error;
mod greeting;
mod line;
mod runtime;
mod scratch;
mod transport;
#[cfg(feature = "hyper")]
pub mod upgrade;
mod wakers;
mod websocket;

/// Locks.
mod sync {
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

pub use accept::{Accept, AcceptError, Answer, Refusal};
pub use client::{ConnectError, Open};
pub use deflation::{Deflation, deflating};
pub use entropy::MaskingKeys;
pub use error::Error;
pub use line::Line;
pub use runtime::{BoxFuture, Runtime, Timer};
pub use transport::Transport;
pub use websocket::{Received, Receiver, Replies, Sender, WebSocket};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
