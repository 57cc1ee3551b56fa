//! The server's side of a connection.
//!
//! Each namespace goes its own way on a [`Connection`]:
//!
//! ```text
//!              CONNECT from the client            accept
//!   (unknown) ─────────────────────────▶ pending ────────▶ joined
//!       ▲ ▲                                 │               │  │
//!       │ └──────────────── refuse ─────────┘               │  │ disconnect
//!       └──────────── DISCONNECT from the client ───────────┘  ▼
//!                                        pending ◀─────────  ended
//!                                                 CONNECT    (what the client still sends
//!                                                             there is ignored)
//! ```
//!
//! For a client of [revision 4](Revision::V4) the root is pending from the beginning.

mod acks;
mod commands;
mod config;
mod connection;
mod error;
mod event;
mod legacy;
mod slots;

pub use config::Config;
pub use connection::Connection;
pub use error::SendError;
pub use event::{CloseReason, Declined, DisconnectReason, Event, Violation};
pub use legacy::Revision;
