//! Real-time for Rust: a Socket.IO server, and the protocols below it.
//!
//! This crate is the front door: it has no logic of its own, and re-exports the crates that do.
//!
//! ```no_run
//! use spola::{Data, Io, Reply, Socket};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = Io::new();
//!     io.namespace("/")
//!         .on_connect(async |socket: Socket| {
//!             let _ = socket.emit("welcome", socket.id());
//!         })
//!         .on("join", async |socket: Socket, Data(room): Data<String>| {
//!             let _ = socket.join(room);
//!         })
//!         .on("say", async |socket: Socket, Data((room, text)): Data<(String, String)>| {
//!             let told = socket.to(room).emit("said", text).unwrap_or(0);
//!             Reply(told)
//!         });
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     spola::serve(listener, io).await
//! }
//! ```
//!
//! Beside routes of your own, in axum:
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let io = spola::Io::new();
//! let app = axum::Router::new()
//!     .route("/", axum::routing::get(async || "hello"))
//!     .route_service("/socket.io/", spola::SocketIoService::new(io));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await
//! # }
//! ```
//!
//! # Features
//! - `server` (default): the Socket.IO server for applications, from `spola-server`.
//! - `tokio` (default): the tokio driver, from `spola-tokio`: [`serve`], [`SocketIoService`], and
//!   plain WebSockets in [`websocket`](mod@websocket).
//! - `msgpack`: packets in MessagePack, for clients with `socket.io-msgpack-parser`.
//! - `client-files`: the official browser client, to be served at `/socket.io/socket.io.js`.
//! - `deflate`: permessage-deflate, for those and for Socket.IO.
//! - `http2`: HTTP/2 on the port of HTTP/1.1, and WebSockets within it.
//! - `rustls`: TLS, by `serve_tls` and for WebSocket clients, which trust what the caller says;
//!   `rustls-platform-verifier`, `rustls-webpki-roots`: what the operating system or Mozilla's list says.
//!
//! # The layers
//! Each layer is a crate, and can be taken alone: [`frame`], [`proto::websocket`],
//! [`proto::engineio`], [`proto::socketio`].

pub use spola_frame as frame;

/// The protocols as state machines that know no socket, clock or task.
pub mod proto {
    pub use spola_engineio as engineio;
    pub use spola_socketio as socketio;
    pub use spola_websocket as websocket;
}

#[cfg(feature = "server")]
pub use spola_server::*;
#[cfg(feature = "tokio")]
pub use spola_tokio::{SocketIoLayer, SocketIoService, Tcp, TokioRuntime, serve, websocket};
#[cfg(all(feature = "tokio", feature = "rustls"))]
pub use spola_tokio::{Tls, serve_tls};

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../../docs/guide/mounting.md")]
struct MountingGuide;

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../../docs/guide/websocket.md")]
struct WebSocketGuide;

#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../../docs/guide/sse.md")]
struct SseGuide;

#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../../docs/guide/events.md")]
struct EventsGuide;

#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../../docs/guide/server.md")]
struct ServerGuide;

#[cfg(all(doctest, feature = "server", feature = "deflate"))]
#[doc = include_str!("../../../docs/guide/production.md")]
struct ProductionGuide;

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../../docs/guide/statistics.md")]
struct StatisticsGuide;

#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../../docs/guide/recovery.md")]
struct RecoveryGuide;
