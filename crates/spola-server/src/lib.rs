//! The Socket.IO server for applications, free of any runtime.
//!
//! An [`Io`] has namespaces, a [`Namespace`] has handlers and the sockets that are connected, a
//! [`Socket`] is one client there. [`HttpService`] answers the clients' requests, on whatever executor
//! implements [`Runtime`]: `spola-tokio` brings one, and `spola` has both under one roof.
//!
//! ```
//! use serde::Deserialize;
//! use spola_server::{Ack, Auth, Data, DisconnectReason, Io, Refusal, Reply, Socket, State};
//!
//! #[derive(Clone)]
//! struct Greeting(&'static str);
//!
//! #[derive(Clone, Deserialize)]
//! struct Who {
//!     nickname: String,
//! }
//!
//! let io = Io::builder().state(Greeting("welcome")).build();
//! io.namespace("/chat")
//!     // May refuse: the client sees a `connect_error` with the message.
//!     .middleware(async |socket: Socket, Auth(who): Auth<Who>| {
//!         if who.nickname.is_empty() {
//!             return Err(Refusal::new("who are you?"));
//!         }
//!         socket.extensions().insert(who);
//!         Ok(())
//!     })
//!     .on_connect(async |socket: Socket, State(Greeting(text)): State<Greeting>| {
//!         let _ = socket.emit("greeting", text);
//!     })
//!     // What is returned answers the client's acknowledgement; so does an error.
//!     .on("join", async |socket: Socket, Data(room): Data<String>| {
//!         socket.join(room)?;
//!         Ok::<_, Refusal>(Reply(socket.rooms().len()))
//!     })
//!     // A tuple takes several arguments; an `Ack` may be answered whenever one likes.
//!     .on("say", async |socket: Socket, Data((room, text)): Data<(String, String)>, ack: Ack| {
//!         let heard = socket.to(room).emit("said", text).unwrap_or(0);
//!         let _ = ack.send(heard);
//!     })
//!     .on_disconnect(async |socket: Socket, reason: DisconnectReason| {
//!         println!("{} left: {reason}", socket.id());
//!     });
//! io.namespace("/chat").to("lobby").emit("news", "from anywhere").unwrap();
//! ```
//!
//! # Order
//! Handlers run on the session's own task. Events of a socket start in order of arrival and never
//! overtake each other up to their first `await`; a handler that waits holds up no other.
//!
//! # Arguments
//! Everywhere a Rust tuple is several arguments, `()` none, and anything else one; `Bytes` fields
//! are binary attachments, wherever they stand in a value.

mod ack;
mod answers;
mod broadcast;
mod by_id;
mod client_files;
mod collect;
mod compression;
mod config;
mod connection_error;
mod context;
mod cookie;
mod cors;
mod delivery;
mod denial;
mod dynamic;
mod emit;
mod extensions;
mod extract;
mod handler;
mod handshake;
mod headers;
mod hooks;
mod http;
mod io;
mod listeners;
mod listening;
mod meters;
mod namespace;
mod outbound;
mod packet_error;
mod polling;
mod receive;
mod recovery;
mod refusal;
mod reject_reason;
mod remote;
mod reply;
mod response;
mod rooms;
mod serve;
mod session;
mod sessions;
mod socket;
mod socket_id;
mod sse;
mod statistics;
mod stream;
mod upgrade;
mod wakers;

pub use ack::{Ack, AckError, Question};
pub use answers::{Answer, Answers, Gathered};
pub use broadcast::Broadcast;
pub use bytestring::ByteString;
pub use client_files::ClientFiles;
pub use compression::HttpCompression;
pub use config::{AtHardCap, Config};
pub use connection_error::ConnectionError;
pub use context::{
    ConnectContext, DisconnectContext, ErrorContext, EventContext, HasClient, HasEvent, HasSocket,
    IncomingContext, LookupContext, OutgoingContext,
};
pub use cookie::{SameSite, SessionCookie};
pub use cors::{AllowOrigin, Cors};
pub use emit::{EmitError, EmitWait, Emitter};
pub use extensions::Extensions;
#[doc(hidden)]
pub use extensions::States;
pub use extract::{Auth, Data, EventName, Extract, MissingState, NamespaceName, State};
pub use handler::{Admission, EventOutcome, Handler, IntoOutcome, Situation};
pub use handshake::{Encrypted, Handshake, PeerAddress};
pub use http::HttpService;
pub use io::{Io, IoBuilder};
pub use listeners::ListenerId;
pub use namespace::Namespace;
pub use packet_error::PacketError;
pub use receive::Event;
pub use recovery::ConnectionStateRecovery;
pub use refusal::Refusal;
pub use reject_reason::RejectReason;
pub use remote::RemoteSocket;
pub use reply::{IntoAdmission, IntoReply, Reply, ReplyBody};
pub use response::Body;
pub use rooms::JoinError;
pub use serve::{Beside, ConnectionLimits, Listener, NotFound, Serve};
pub use socket::Socket;
pub use socket_id::SocketId;
pub use spola_driver::{BoxFuture, Runtime, Timer};
pub use spola_socketio::server::{DisconnectReason, Violation};
#[cfg(feature = "msgpack")]
pub use spola_socketio_packet::MessagePack;
pub use spola_socketio_packet::{ArgsError, Arguments, Data as RawData, Value};
pub use statistics::{Sample, Statistics};

/// What a packet format of the application's own is made of: see [`IoBuilder::parser`].
pub mod parser {
    pub use spola_socketio_packet::{
        AckId, Data, Decode, DecodeError, Encoded, Limits, Namespace, Packet, Parser,
    };
}
