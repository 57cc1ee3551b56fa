//! WebSockets within HTTP that a library speaks: hyper itself, axum, and what else is made of it.
//!
//! A server's handler gives an [`Upgrade`] its request, and gets the response to send and the
//! WebSocket to come. A client sends the request of an [`UpgradeRequest`] by whatever client it has,
//! and gives the response to the [`UpgradeHandshake`]. Both over HTTP/1.1 and, with the feature
//! `http2`, as one stream of many over HTTP/2 (RFC 8441).

mod client;
mod io;
mod server;

pub use client::{UpgradeHandshake, UpgradeRequest};
pub use io::{HyperIo, HyperStream};
pub use server::{Upgrade, Upgrading, connect_protocol};
