//! Plain WebSocket over the streams of `futures-io`: those of async-std, of smol, and any other.
//!
//! A server [accepts](accept) what its listener gives it, if that is async-std's in an
//! [`AsyncStdIo`](crate::AsyncStdIo):
//!
//! ```no_run
//! # async fn run(stream: smol::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
//! use spola_async_std::websocket::accept;
//!
//! let mut socket = accept(stream).await?;
//! while let Some(message) = socket.recv().await? {
//!     socket.send(message).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A client [connects](connect) by URL, under either runtime:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut socket = spola_async_std::websocket::connect("ws://127.0.0.1:9001/").await?;
//! socket.send("hello").await?;
//! println!("{:?}", socket.recv().await?);
//! # Ok(())
//! # }
//! ```

mod dial;

use std::sync::LazyLock;

use futures_io::{AsyncRead, AsyncWrite};

pub use self::dial::Socket;
use crate::AsyncIo;
#[cfg(feature = "rustls")]
pub use spola_driver::connect::tls;
pub use spola_driver::connect::{ConnectorError, MaybeTls, Response};
pub use spola_driver::{
    Accept, AcceptError, Answer, ConnectError, Error, Open, Received, Receiver, Refusal, Replies,
    Sender,
};
pub use spola_websocket::client::proxy::Proxy;
#[cfg(feature = "deflate")]
pub use spola_websocket::deflate;
pub use spola_websocket::handshake::client::Request;
pub use spola_websocket::{
    Chunk, CloseCode, CloseFrame, CloseReason, Compression, Config, Kind, Message, Part, Payload,
    Prepared, SendError, Text, Violation,
};

/// An open WebSocket over the stream `S`.
pub type WebSocket<S> = spola_driver::WebSocket<S, AsyncIo>;

/// An open WebSocket of a client that has connected by URL.
pub type ClientWebSocket = spola_driver::WebSocket<MaybeTls<Socket>, AsyncIo>;

/// Connects by URL, with settings; [`connect`] is all defaults.
pub type Connector = spola_driver::connect::Connector<AsyncIo>;

/// Opens a WebSocket to the server of a URL: `ws://`, `wss://` with one of the features for TLS, or
/// `ws+unix:///run/app.sock:/path`.
///
/// # Errors
/// If the URL is none, or the connection is not open within 20 seconds.
pub async fn connect(url: impl AsRef<str>) -> Result<ClientWebSocket, ConnectorError> {
    Ok(Connector::default().connect(url).await?.0)
}

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
