//! Sans-IO Engine.IO sessions, revisions 4 and 3: polling, WebSocket, upgrade, heartbeat.
//!
//! Engine.IO gives two ends a session that carries text and binary messages, over HTTP long-polling
//! at first and over WebSocket as soon as that works. This crate is the protocol alone: it reads no
//! socket and no clock, starts no task and draws no random number. A driver tells it what arrived and
//! what time it is, and writes what it is given.
//!
//! - [`request`] checks HTTP requests: which session they belong to, or how to refuse them.
//! - [`server::Session`] is one session of a server.
//! - [`Config`] has the times and limits, [`Sid`] is a session's id.
//!
//! Packets are in `spola-engineio-packet`, re-exported as [`packet`].
//!
//! ```
//! use std::time::{Duration, Instant};
//! use spola_engineio::{
//!     Config, Sid,
//!     packet::{EncodedMessage, WebSocketMessage},
//!     request::{Method, RequestHead, Verified, verify},
//!     server::{Event, Opening, Session, Transmit},
//! };
//!
//! // The driver's: a clock, and 15 bytes from the operating system's random source.
//! let now = Instant::now();
//! let sid = Sid::from_bytes([0; 15]);
//!
//! let config = Config::default();
//! let head = RequestHead {
//!     method: Method::Get,
//!     query: "EIO=4&transport=websocket",
//!     upgrade: true,
//!     origin: None,
//! };
//! let Verified::Open { dialect, .. } = verify(&head, &config, |_| None)? else {
//!     panic!("a request without sid opens a session");
//! };
//!
//! // The 101 went out: the session opens, and says so.
//! let mut session = Session::new(sid, Opening::WebSocket, dialect, &config, now);
//! let Some(Transmit::WebSocketMessage(open)) = session.poll_transmit() else { panic!() };
//! assert!(open.as_bytes().starts_with(br#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"#));
//! assert_eq!(session.poll_event(), Some(Event::Opened));
//!
//! // After every input: events, transmits, then the time to wait.
//! session.handle_websocket_message(now, WebSocketMessage::from_static("4hello"));
//! while let Some(event) = session.poll_event() {
//!     if let Event::Message(message) = event {
//!         session.send(EncodedMessage::from(message))?;
//!     }
//! }
//! while let Some(transmit) = session.poll_transmit() {
//!     let echo = WebSocketMessage::from_static("4hello");
//!     assert_eq!(transmit, Transmit::WebSocketMessage(echo));
//! }
//! assert_eq!(session.poll_timeout(), Some(now + Duration::from_secs(25)));
//!
//! // The first ping is due.
//! session.handle_timeout(now + Duration::from_secs(25));
//! let ping = WebSocketMessage::from_static("2");
//! assert_eq!(session.poll_transmit(), Some(Transmit::WebSocketMessage(ping)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
pub mod request;
mod revision;
pub mod server;
mod sid;

pub use config::{Config, Transport, Transports};
pub use revision::Revision;
pub use sid::{InvalidSid, Sid};
pub use spola_engineio_packet as packet;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
