//! The server's connection, driven by messages and a clock that moves when told.
#![allow(clippy::unwrap_used)]

mod conversations;
mod formats;
mod legacy;
mod peer;
mod properties;
