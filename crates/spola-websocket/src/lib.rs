//! A sans-IO WebSocket (RFC 6455): the opening handshake and the connection, of both roles.

mod assembly;
mod config;
mod connection;
mod event;
pub mod handshake;
mod message;
mod output;
mod reader;
mod writer;

pub use config::Config;
pub use connection::Connection;
pub use event::{CloseFrame, CloseReason, Event, Payload, Text, Violation};
pub use message::{Entropy, Message, Prepared, SendError};
pub use output::Output;
pub use spola_frame::{CloseCode, FrameError};
