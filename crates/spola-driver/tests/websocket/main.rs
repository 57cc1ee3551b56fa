//! WebSockets over pipes in memory, in virtual time.
#![allow(clippy::unwrap_used, reason = "what a test needs is there, or it fails")]

mod accept;
mod borrowed;
mod chunks;
mod fairness;
mod harness;
mod owned;
mod patience;
mod split;
mod stream;
mod timers;
