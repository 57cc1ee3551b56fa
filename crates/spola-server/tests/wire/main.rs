//! The server at the wire: bytes in, bytes out, on a clock that moves only when told.
#![allow(
    clippy::unwrap_used,
    reason = "what a test needs is there, or it fails"
)]

mod closing;
mod errors;
mod harness;
mod heartbeat;
mod limits;
mod packets;
mod polling;
mod upgrade;
mod websocket;
