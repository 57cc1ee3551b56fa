//! The server's side of a session.
//!
//! # How a session lives
//!
//! ```text
//!  GET ──► polling ──101──► upgrading ──"5"──► WebSocket ◄── WebSocket opened
//!             ▲                │                   │
//!             └─ failed, 10 s ─┘                   │
//!             │                                    │
//!     close() │ no GET pending                     │ close(), Close frame,
//!             ▼                                    │ any error, ping timeout
//!          closing ──GET, 30 s──► closed ◄─────────┘
//! ```
//!
//! In the place of the WebSocket may be an event stream (Server-Sent Events, a transport of our own;
//! `docs/guide/sse.md` describes it), with POSTs for the other direction. When it drops, the session
//! waits for another one that resumes it, 10 s, before it closes.
//!
//! A session that polls goes from every state to closed by an error, a ping timeout or the client's
//! close packet.
//!
//! # How to drive it
//!
//! Hand in what happened with `handle_*`, say what is wanted with [`Session::send`],
//! [`Session::close`] and [`Session::discard`], then poll [`Session::poll_transmit`] and
//! [`Session::poll_event`] until both are `None`, and wait until [`Session::poll_timeout`] at most.
//! [`Event::Opened`] comes first, [`Event::Closed`] once and last; transmits may follow it. A request
//! that is handed in after that is still answered, so that none hangs.
//!
//! Every GET and POST has a [`RequestId`] of the caller's choice and is answered at most once. Of a
//! POST, hand in first that it [started](Session::handle_post_started), then how its body ended.
//! What happens to a request after its answer may be handed in or not; it is ignored.

mod closing;
mod dialect;
mod heartbeat;
mod io;
mod kept;
mod polling;
mod queue;
mod session;
mod sse;
mod state;
mod upgrade;
mod websocket;

pub use dialect::Dialect;
pub use io::{
    BinaryMode, CloseReason, Event, Fault, Opening, Payload, PollResponse, PostMark, PostOutcome,
    RequestId, SendError, Transmit, UpgradeRefused, WebSocketEnd,
};
pub use session::Session;
