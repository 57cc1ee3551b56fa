//! Plain WebSocket over tokio streams.
//!
//! ```no_run
//! # async fn run(stream: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
//! use spola_tokio::websocket::accept;
//!
//! let mut socket = accept(stream).await?;
//! while let Some(message) = socket.recv().await? {
//!     socket.send(message).await?;
//! }
//! # Ok(())
//! # }
//! ```

mod accept;
mod connect;
mod scratch;
mod stream;

pub use accept::{AcceptError, accept, accept_with};
pub use connect::{ConnectError, client};
pub use spola_websocket::{CloseCode, CloseReason, Config, Message, SendError};
pub use stream::{Error, WebSocket};
