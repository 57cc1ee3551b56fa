//! tungstenite as an oracle: what each of us makes of a stream of bytes, in the same terms.
//!
//! It needs nothing else of the tests, for the fuzz target that compares the two includes it too.

use std::{
    io::{self, Cursor, Read, Write},
    time::Instant,
};

use spola_frame::FrameError;
use spola_websocket::{CloseReason, Connection, Event, Violation};
use tungstenite::{
    Error, Message, WebSocket,
    error::ProtocolError,
    protocol::{Role, WebSocketConfig},
};

/// What became of a stream: the messages and pongs delivered, then its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub got: Vec<Received>,
    pub end: End,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Closed(Option<u16>, String),
    Refused(Refusal),
    Eof,
}

/// A rule broken, as the one or the other tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal {
    Ours(Violation),
    Theirs(u16),
}

impl Refusal {
    /// The close code that fits.
    pub fn code(self) -> u16 {
        match self {
            Self::Ours(violation) => violation.close_code().get(),
            Self::Theirs(code) => code,
        }
    }
}

/// What `connection` makes of `wire` and the end of the stream after it.
pub fn ours(mut connection: Connection, now: Instant, wire: &[u8]) -> Outcome {
    let mut read = wire.to_vec();
    let mut input = &mut read[..];
    let mut got = Vec::new();
    let mut eof = false;
    let end = loop {
        match connection.poll_event(now, &mut input) {
            Some(Event::Text(text)) => got.push(Received::Text(text.to_string())),
            Some(Event::Binary(payload)) => got.push(Received::Binary(payload.to_vec())),
            Some(Event::Pong(payload)) => got.push(Received::Pong(payload.to_vec())),
            Some(Event::Closed(CloseReason::Peer(frame))) => {
                let code = frame.code.map(|code| code.get());
                break End::Closed(code, frame.reason.to_string());
            }
            Some(Event::Closed(CloseReason::Violation(violation))) => {
                break End::Refused(Refusal::Ours(violation));
            }
            Some(Event::Closed(CloseReason::Eof)) => break End::Eof,
            Some(Event::Closed(reason)) => panic!("unexpected end: {reason}"),
            None if eof => panic!("no end"),
            None => {
                connection.handle_eof(now);
                eof = true;
            }
        }
    };
    Outcome { got, end }
}

/// What tungstenite makes of `wire` and the end of the stream after it.
pub fn theirs(role: Role, max_message_size: usize, wire: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .max_message_size(Some(max_message_size))
        .max_frame_size(Some(max_message_size));
    let stream = Wire(Cursor::new(wire.to_vec()));
    let mut socket = WebSocket::from_raw_socket(stream, role, Some(config));
    let mut got = Vec::new();
    let refused = |code| End::Refused(Refusal::Theirs(code));
    let end = loop {
        match socket.read() {
            Ok(Message::Close(None)) => break End::Closed(None, String::new()),
            // A code that must not be sent is reported in this disguise.
            Ok(Message::Close(Some(frame))) if &*frame.reason == DISGUISE => break refused(1002),
            Ok(Message::Close(Some(frame))) => {
                break End::Closed(Some(frame.code.into()), frame.reason.to_string());
            }
            Ok(Message::Text(text)) => got.push(Received::Text(text.to_string())),
            Ok(Message::Binary(bytes)) => got.push(Received::Binary(bytes.to_vec())),
            Ok(Message::Pong(payload)) => got.push(Received::Pong(payload.to_vec())),
            Ok(Message::Ping(_) | Message::Frame(_)) => {}
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))
            | Err(Error::ConnectionClosed) => break End::Eof,
            Err(Error::Protocol(_)) => break refused(1002),
            Err(Error::Utf8(_)) => break refused(1007),
            Err(Error::Capacity(_)) => break refused(1009),
            Err(error) => panic!("unexpected error: {error}"),
        }
    };
    Outcome { got, end }
}

const DISGUISE: &str = "Protocol violation";

/// Whether two outcomes agree, or differ as they may.
pub fn allowed(ours: &Outcome, theirs: &Outcome) -> bool {
    let same = ours.got == theirs.got;
    match (&ours.end, &theirs.end) {
        // They accept lengths not in their shortest form, and go on. (In a control frame, all but
        // the shortest form is too long for us, whatever the length.)
        (
            End::Refused(Refusal::Ours(Violation::Frame(
                FrameError::NonMinimalLength | FrameError::ControlTooLong,
            ))),
            End::Closed(..) | End::Refused(_) | End::Eof,
        ) => theirs.got.starts_with(&ours.got),
        // We do not wait for the rest of a frame whose header, or text, is already wrong; nor for
        // the end of a fragmented text.
        (End::Refused(_), End::Refused(_) | End::Eof) => same,
        // "Bad gateway" was registered after they wrote their table.
        (End::Closed(Some(1014), _), End::Refused(_)) => same,
        // Nothing forbids a peer to close with the text that they report a bad code in.
        (End::Closed(Some(_), reason), End::Refused(_)) if reason == DISGUISE => same,
        (End::Closed(..), End::Closed(..)) | (End::Eof, End::Eof) => ours == theirs,
        (End::Closed(..) | End::Refused(_) | End::Eof, _) => false,
    }
}

/// Reads from memory, writes to nowhere.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
