//! A sans-IO WebSocket (RFC 6455): the opening handshake and the connection, of both roles.
//!
//! Bytes go in, events come out, and what is to be written waits in an output. There is no socket,
//! clock, task or random source in here: the driver has them, and brings the time as an argument.
//! So it runs under any runtime, or none, and a test drives it with a clock of its own.
//!
//! - [`handshake`] turns HTTP heads into an agreement to speak WebSocket.
//! - [`client`] goes a client's way to there: URLs, proxies, redirects.
//! - [`Connection`] speaks it: fragments, pings, the closing handshake, and the limits of
//!   [`Config`], which no peer can exceed.
//! - [`Output`] is what to write, a [`bytes::Buf`].
//!
//! # The loop around a connection
//!
//! Read; take events until there are none; write; wait for input, room or the timeout. Here an echo
//! server on anything that reads and writes:
//!
//! ```
//! use std::{io::{self, Read, Write}, time::Instant};
//! use bytes::Buf;
//! use spola_websocket::{Config, Connection, Event, handshake::server::RequestReader};
//!
//! fn serve(mut socket: impl Read + Write, now: impl Fn() -> Instant) -> io::Result<()> {
//!     let mut buffer = vec![0; 16 * 1024];
//!     let mut end = 0;
//!     let mut reader = RequestReader::new();
//!     let rest = loop {
//!         let read = socket.read(&mut buffer[end..])?;
//!         end += read;
//!         match reader.read(&buffer[..end]) {
//!             Ok(Some(request)) => {
//!                 socket.write_all(&request.upgrade.accept().to_bytes())?;
//!                 break request.head_len..end;
//!             }
//!             Ok(None) if read > 0 => {}
//!             Ok(None) => return Ok(()),
//!             Err(rejection) => return socket.write_all(&rejection.to_bytes()),
//!         }
//!     };
//!     let mut connection = Connection::server(Config::default());
//!     let mut input = &mut buffer[rest];
//!     loop {
//!         while let Some(event) = connection.poll_event(now(), &mut input) {
//!             // Sending fails when the peer is closing; the echo is then of no interest.
//!             let _ = match event {
//!                 Event::Text(text) => connection.send_text(&text),
//!                 Event::Binary(payload) => connection.send_binary(&payload),
//!                 Event::Pong(_) | Event::Closed(_) => Ok(()),
//!             };
//!         }
//!         while connection.output().has_remaining() {
//!             let written = socket.write(connection.output().chunk())?;
//!             connection.output().advance(written);
//!         }
//!         if connection.is_closed() {
//!             return Ok(());
//!         }
//!         // A driver with a timer also wakes at `connection.poll_timeout()`.
//!         let read = socket.read(&mut buffer)?;
//!         if read == 0 {
//!             connection.handle_eof(now());
//!         }
//!         input = &mut buffer[..read];
//!     }
//! }
//! # struct Pipe(io::Cursor<Vec<u8>>, Vec<u8>);
//! # impl Read for Pipe {
//! #     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> { self.0.read(buf) }
//! # }
//! # impl Write for Pipe {
//! #     fn write(&mut self, buf: &[u8]) -> io::Result<usize> { self.1.write(buf) }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # let mut nonce = |buf: &mut [u8]| buf.fill(1);
//! # let request = spola_websocket::handshake::client::Request::new("h", "/").unwrap();
//! # let (mut bytes, mut handshake) = request.start(&mut nonce);
//! # bytes.extend_from_slice(b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0");
//! # let mut pipe = Pipe(io::Cursor::new(bytes), Vec::new());
//! # serve(&mut pipe, Instant::now).unwrap();
//! # let head_len = handshake.read(&pipe.1).unwrap().unwrap().head_len;
//! # assert_eq!(pipe.1[head_len..], *b"\x81\x02hi\x88\x00");
//! ```
//!
//! # What costs nothing
//!
//! A message that lies whole in the input is unmasked in place, validated in one pass and lent out:
//! no allocation, no copy. A connection between messages owns no buffer at all. A message in pieces
//! grows one buffer by what has arrived, never by what was announced; or it is handed out in chunks as
//! it arrives, by [`Connection::poll_chunk`], and needs no buffer at all.

mod assembly;
pub mod client;
mod config;
mod connection;
mod control_payload;
mod control_rate;
mod copy;
#[cfg(feature = "deflate")]
pub mod deflate;
mod deflation;
mod event;
pub mod handshake;
mod incoming;
mod inflation;
mod liveness;
mod message;
mod output;
mod prepared;
mod reader;
mod recycle;
mod text;
mod writer;

pub use config::Config;
pub use connection::Connection;
pub use event::{Chunk, ChunkEvent, CloseFrame, CloseReason, Event, Payload, Text, Violation};
pub use message::{Compression, Entropy, Kind, Message, Part, SendError};
pub use output::Output;
pub use prepared::Prepared;
pub use reader::Whole;
pub use spola_frame::{CloseCode, FrameError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
