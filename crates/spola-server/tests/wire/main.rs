//! The server at the wire: bytes in, bytes out, on a clock that moves only when told.
#![allow(clippy::unwrap_used, reason = "what a test needs is there, or it fails")]

mod acks;
mod admission;
mod base64;
mod bodies;
mod broadcasts;
mod chunking;
mod client_files;
mod closing;
mod compression;
mod cors;
mod deflate;
mod dynamic;
mod errors;
mod floods;
#[cfg(feature = "msgpack")]
mod formats;
mod handlers;
mod handshakes;
mod hard_cap;
mod harness;
mod headers;
mod heartbeat;
mod idle;
mod leaving;
mod limits;
mod listeners;
mod never;
mod order;
mod packets;
mod polling;
mod pulling;
mod recovery;
mod refusals;
mod rejected;
mod requests;
mod revision_3;
mod rooms;
mod sending;
mod served;
#[path = "../hostile/site.rs"]
mod site;
mod slow;
mod sse;
mod statistics;
mod upgrade;
mod values;
mod waiting;
mod websocket;
