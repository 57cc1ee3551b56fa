//! Sans-IO Socket.IO connections (protocol revisions 5, 4 and 3): namespaces, events, acknowledgements.
//!
//! [`server::Connection`] is one client's Engine.IO session as the server sees it, with any
//! number of namespaces on it. It owns no socket, clock or task: messages and the time go in, and
//! messages, events and the next deadline come out. What carries the messages is not its concern;
//! `spola-engineio` is made for it, and [`server::Config::prefix`] spares the two a copy.
//!
//! ```
//! use std::time::Instant;
//! use bytestring::ByteString;
//! use spola_socketio::server::{Config, Connection, Event};
//! use spola_socketio_packet::{encode_ack, encode_event};
//!
//! # fn run(now: Instant) -> Result<(), Box<dyn std::error::Error>> {
//! let mut connection = Connection::new(Config::default(), now);
//! let mut sent = Vec::new();
//! for message in ["0", r#"21["ping","€"]"#] {
//!     connection.handle_text(now, ByteString::from(message));
//!     while let Some(event) = connection.poll_event() {
//!         match event {
//!             Event::ConnectRequested { namespace, .. } => {
//!                 connection.accept(&namespace, "wZX3oN0bSVIhsaknAAAI")?;
//!                 let hello = encode_event("", &namespace, None, "hello", &())?;
//!                 connection.emit(&namespace, hello)?;
//!             }
//!             Event::Received { namespace, ack: Some(ack), data } => {
//!                 let text: String = data.extract()?;
//!                 let reply = encode_ack("", &namespace, ack, &text)?;
//!                 connection.acknowledge(&namespace, reply)?;
//!             }
//!             Event::Closed(reason) => println!("over: {reason}"),
//!             _ => {}
//!         }
//!     }
//!     while let Some(packet) = connection.poll_transmit() {
//!         sent.push(packet.text); // and then each of packet.attachments, as binary messages
//!     }
//! }
//! assert_eq!(sent, [r#"0{"sid":"wZX3oN0bSVIhsaknAAAI"}"#, r#"2["hello"]"#, r#"31["€"]"#]);
//! let _wake_me_at = connection.poll_timeout(); // then: connection.handle_timeout(now)
//! # Ok(())
//! # }
//! # #[allow(clippy::disallowed_methods)]
//! # run(Instant::now()).unwrap();
//! ```

mod queue;
pub mod server;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
