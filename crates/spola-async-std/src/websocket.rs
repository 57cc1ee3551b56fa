//! Plain WebSocket over the streams of `futures-io`: those of async-std, of smol, and any other.
//!
//! ```no_run
//! # async fn run(stream: async_std::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
//! use spola_async_std::websocket::accept;
//!
//! let mut socket = accept(stream).await?;
//! while let Some(message) = socket.recv().await? {
//!     socket.send(message).await?;
//! }
//! # Ok(())
//! # }
//! ```

use std::sync::LazyLock;

use futures_io::{AsyncRead, AsyncWrite};
use spola_websocket::handshake::client::Request;

use crate::AsyncIo;
pub use spola_driver::{Accept, AcceptError, Answer, ConnectError, Error, Open, Refusal};
pub use spola_websocket::{CloseCode, CloseReason, Config, Message, SendError};

/// An open WebSocket over the stream `S`.
pub type WebSocket<S> = spola_driver::WebSocket<S, AsyncIo>;

/// Reads the client's upgrade request from a stream and answers it. Subprotocols and extensions are
/// declined.
///
/// # Errors
/// If the stream fails, or no sound request comes within 10 seconds.
pub async fn accept<S>(stream: S) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    static DEFAULT: LazyLock<Accept> = LazyLock::new(Accept::new);
    DEFAULT.accept(stream, AsyncIo).await
}

/// As [`accept`], with settings: an [`Accept`], or just a [`Config`].
///
/// # Errors
/// If the stream fails, the request is refused, or none comes in time.
pub async fn accept_with<S>(
    stream: S,
    settings: impl Into<Accept>,
) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    settings.into().accept(stream, AsyncIo).await
}

/// Opens a WebSocket as the client, over a stream that is connected already.
///
/// # Errors
/// If the stream fails, or no sound acceptance comes within 20 seconds.
pub async fn client<S>(
    stream: S,
    request: Request,
    config: Config,
) -> Result<WebSocket<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Open::new(request).config(config).open(stream, AsyncIo).await
}
