//! Plain WebSocket over tokio streams.
//!
//! A server [accepts](accept) what its listener gives it:
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
//!
//! A client [connects](connect) by URL:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let mut socket = spola_tokio::websocket::connect("ws://127.0.0.1:9001/").await?;
//! socket.send("hello").await?;
//! println!("{:?}", socket.recv().await?);
//! # Ok(())
//! # }
//! ```

mod dial;
mod io;

use std::sync::LazyLock;

use tokio::io::{AsyncRead, AsyncWrite};

pub use self::dial::Socket;
pub use self::io::TokioIo;
use crate::TokioRuntime;
#[cfg(feature = "rustls")]
pub use spola_driver::connect::tls;
pub use spola_driver::connect::{ConnectorError, MaybeTls, Response};
pub use spola_driver::upgrade::{HyperIo, Upgrade, UpgradeHandshake, UpgradeRequest, Upgrading};
pub use spola_driver::{
    Accept, AcceptError, Answer, ConnectError, Error, Open, Received, Receiver, Refusal, Replies,
    Sender,
};
pub use spola_websocket::client::proxy::Proxy;
#[cfg(feature = "deflate")]
pub use spola_websocket::deflate;
pub use spola_websocket::handshake::client::Request;
pub use spola_websocket::handshake::server::Rejection;
pub use spola_websocket::{
    Chunk, CloseCode, CloseFrame, CloseReason, Compression, Config, Kind, Message, Part, Payload,
    Prepared, SendError, Text, Violation,
};

/// An open WebSocket over the tokio stream `S`.
pub type WebSocket<S> = spola_driver::WebSocket<TokioIo<S>, TokioRuntime>;

/// An open WebSocket of a client that has connected by URL.
pub type ClientWebSocket = spola_driver::WebSocket<MaybeTls<TokioIo<Socket>>, TokioRuntime>;

/// Connects by URL, with settings; [`connect`] is all defaults.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use spola_tokio::websocket::Connector;
///
/// let connector = Connector::default()
///     .protocol("chat.v2")
///     .header("Origin", "https://example.com")
///     .proxy("http://proxy.example:3128".parse::<spola_tokio::websocket::Proxy>()?)
///     .redirects(3);
/// let (socket, response) = connector.connect("wss://user:secret@example.com/chat").await?;
/// println!("{:?} speaks {:?}", response.header("server"), socket.protocol());
/// # Ok(())
/// # }
/// ```
pub type Connector = spola_driver::connect::Connector<TokioRuntime>;

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
    DEFAULT.accept(TokioIo(stream), TokioRuntime).await
}

/// As [`accept`], with settings: an [`Accept`], or just a [`Config`].
///
/// ```no_run
/// # async fn run(listener: tokio::net::TcpListener) -> Result<(), Box<dyn std::error::Error>> {
/// use spola_tokio::websocket::{Accept, Answer, Refusal, accept_with};
///
/// let settings = Accept::new().protocols(["chat.v2", "chat.v1"]).on_request(|request| {
///     match request.header("Origin") {
///         Some(b"https://example.com") => Ok(Answer::new()),
///         _ => Err(Refusal::new(403, "Who are you?")),
///     }
/// });
/// let (stream, _) = listener.accept().await?;
/// let socket = accept_with(stream, settings.clone()).await?;
/// println!("speaks {:?}", socket.protocol());
/// # Ok(())
/// # }
/// ```
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
    settings.into().accept(TokioIo(stream), TokioRuntime).await
}

/// An open WebSocket within the HTTP of hyper or axum.
pub type UpgradedWebSocket = spola_driver::WebSocket<HyperIo, TokioRuntime>;

/// Answers a request within a handler of hyper's or axum's: gives the response to send, and the
/// WebSocket that opens when it was sent. For settings, use an [`Upgrade`].
///
/// ```
/// use axum::body::Body;
/// use axum::http::{Request, Response};
/// use spola_tokio::websocket::{UpgradedWebSocket, upgrade};
///
/// async fn handler(mut request: Request<Body>) -> Response<Body> {
///     match upgrade(&mut request) {
///         Ok((response, upgrading)) => {
///             tokio::spawn(async {
///                 if let Ok(socket) = upgrading.await {
///                     echo(socket).await;
///                 }
///             });
///             response
///         }
///         Err(rejection) => rejection.to_response(request.version()).map(Body::from),
///     }
/// }
///
/// async fn echo(mut socket: UpgradedWebSocket) {
///     while let Ok(Some(message)) = socket.recv().await {
///         if socket.send(message).await.is_err() {
///             break;
///         }
///     }
/// }
///
/// let app: axum::Router = axum::Router::new().route("/ws", axum::routing::any(handler));
/// ```
///
/// # Errors
/// When the request is none for a WebSocket: send [`Rejection::to_response`]. Those that came over
/// HTTP/2 need the feature `http2`, and a server that announces to take them, as axum's does with
/// its own feature of that name.
pub fn upgrade<B, T: Default>(
    request: &mut http::Request<B>,
) -> Result<(http::Response<T>, Upgrading<TokioRuntime>), Rejection> {
    Upgrade::new().upgrade(request, TokioRuntime)
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
    Open::new(request).config(config).open(TokioIo(stream), TokioRuntime).await
}
