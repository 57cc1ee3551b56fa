//! tungstenite as an oracle: on the same bytes both say the same, and each can talk to the other.
//! Where the two differ on purpose, `allowed` says so.

#![allow(clippy::unwrap_used)]

mod common;

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Cursor, Read, Write},
    rc::Rc,
};

use common::{
    Clock, Got, client, receive, sent, server,
    steps::{bytes, step, wire},
};
use proptest::{collection::vec, prelude::*};
use spola_frame::FrameError;
use spola_websocket::{
    CloseReason, Connection, Message, Violation,
    handshake::{client::Request, server::RequestReader},
};
use tungstenite::{
    Error, HandshakeError, WebSocket,
    protocol::{Role, WebSocketConfig},
};

/// What became of a stream: the messages and pongs delivered, then its end.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    got: Vec<Got>,
    end: End,
}

#[derive(Clone, Debug, PartialEq)]
enum End {
    Closed(Option<u16>, String),
    Refused(Option<Violation>),
    Eof,
}

fn ours(wire: &[u8]) -> Outcome {
    let clock = Clock::new();
    let mut connection = server();
    let mut got = receive(&mut connection, clock.now(), wire);
    connection.handle_eof(clock.now());
    got.extend(receive(&mut connection, clock.now(), &[]));
    let end = match got.pop() {
        Some(Got::Closed(CloseReason::Peer(frame))) => {
            End::Closed(frame.code.map(|code| code.get()), frame.reason.to_string())
        }
        Some(Got::Closed(CloseReason::Violation(violation))) => End::Refused(Some(violation)),
        Some(Got::Closed(CloseReason::Eof)) => End::Eof,
        other => panic!("unexpected end: {other:?}"),
    };
    Outcome { got, end }
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

fn theirs(wire: &[u8]) -> Outcome {
    let config = WebSocketConfig::default()
        .max_message_size(Some(1_000_000))
        .max_frame_size(Some(1_000_000));
    let stream = Wire(Cursor::new(wire.to_vec()));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
    let mut got = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(tungstenite::Message::Close(frame)) => {
                break match frame {
                    None => End::Closed(None, String::new()),
                    // A code that must not be sent is reported in this disguise.
                    Some(frame) if &*frame.reason == "Protocol violation" => End::Refused(None),
                    Some(frame) => End::Closed(Some(frame.code.into()), frame.reason.to_string()),
                };
            }
            Ok(tungstenite::Message::Text(text)) => got.push(common::text(&text)),
            Ok(tungstenite::Message::Binary(bytes)) => got.push(common::binary(&bytes)),
            Ok(tungstenite::Message::Pong(payload)) => got.push(Got::Pong(payload.to_vec())),
            Ok(tungstenite::Message::Ping(_) | tungstenite::Message::Frame(_)) => {}
            Err(Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            ))
            | Err(Error::ConnectionClosed) => break End::Eof,
            Err(Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_)) => {
                break End::Refused(None);
            }
            Err(error) => panic!("unexpected error: {error}"),
        }
    };
    Outcome { got, end }
}

/// Whether two outcomes agree, or differ as they may.
fn allowed(ours: &Outcome, theirs: &Outcome) -> bool {
    match (&ours.end, &theirs.end) {
        // They accept lengths not in their shortest form, and go on.
        (End::Refused(Some(Violation::Frame(FrameError::NonMinimalLength))), _) => {
            theirs.got.starts_with(&ours.got)
        }
        // We do not wait for the rest of a frame whose header, or text, is already wrong; nor for
        // the end of a fragmented text.
        (End::Refused(_), End::Refused(_) | End::Eof) => ours.got == theirs.got,
        // "Bad gateway" was registered after they wrote their table.
        (End::Closed(Some(1014), _), End::Refused(None)) => ours.got == theirs.got,
        _ => ours == theirs,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_decode_the_same_streams(steps in vec(step(), 0..10)) {
        let wire = wire(&steps);
        let (ours, theirs) = (ours(&wire), theirs(&wire));
        prop_assert!(allowed(&ours, &theirs), "{:?}\n{:?}", ours, theirs);
    }

    #[test]
    fn both_refuse_the_same_damage(
        steps in vec(step(), 1..6),
        damage in vec((0usize..400, 0u8..8), 1..4),
        length in 0usize..2000,
    ) {
        let mut wire = wire(&steps);
        for (at, bit) in damage {
            if let Some(byte) = wire.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        wire.truncate(length.max(wire.len() / 2));
        let (ours, theirs) = (ours(&wire), theirs(&wire));
        prop_assert!(allowed(&ours, &theirs), "{:?}\n{:?}", ours, theirs);
    }

    #[test]
    fn our_server_talks_to_their_client(messages in vec(message(), 0..6), chunk in 1usize..3000) {
        let clock = Clock::new();
        let pipe = Pipe::default();
        let attempt = tungstenite::client("ws://h/p?q=1", pipe.clone());
        let Err(HandshakeError::Interrupted(waiting)) = attempt else {
            panic!("no request was written");
        };
        let request = pipe.drain();
        let mut reader = RequestReader::new();
        let request = reader.read(&request).unwrap().unwrap();
        prop_assert_eq!(request.target, "/p?q=1");
        pipe.give(&request.upgrade.accept().to_bytes());
        let (their_end, _) = waiting.handshake().map_err(|_| "refused").unwrap();
        exchange(server(), their_end, &pipe, &messages, chunk, &clock);
    }

    #[test]
    fn our_client_talks_to_their_server(messages in vec(message(), 0..6), chunk in 1usize..3000) {
        let clock = Clock::new();
        let pipe = Pipe::default();
        let mut entropy = |buf: &mut [u8]| buf.fill(42);
        let (request, mut handshake) = Request::new("h", "/").unwrap().start(&mut entropy);
        pipe.give(&request);
        let their_end = tungstenite::accept(pipe.clone()).map_err(|_| "refused").unwrap();
        let response = pipe.drain();
        let head_len = handshake.read(&response).unwrap().unwrap().head_len;
        prop_assert_eq!(head_len, response.len());
        exchange(client(), their_end, &pipe, &messages, chunk, &clock);
    }
}

/// Sends each message from us to them and back, then closes from our side.
fn exchange(
    mut our_end: Connection,
    mut their_end: WebSocket<Pipe>,
    pipe: &Pipe,
    messages: &[Message],
    chunk: usize,
    clock: &Clock,
) {
    for message in messages {
        our_end.send(message.clone()).unwrap();
        our_end.ping(b"p").unwrap();
        pipe.give(&sent(&mut our_end));
        let echo = their_end.read().unwrap();
        assert!(their_end.read().unwrap().is_ping());
        their_end.send(echo).unwrap();
        their_end.flush().unwrap();
        let mut got = Vec::new();
        for piece in pipe.drain().chunks(chunk) {
            got.extend(receive(&mut our_end, clock.now(), piece));
        }
        got.sort_by_key(|event| matches!(event, Got::Pong(_)));
        assert_eq!(got, [Got::Message(message.clone()), Got::Pong(b"p".to_vec())]);
    }
    our_end.close(clock.now(), spola_websocket::CloseCode::NORMAL, "done").unwrap();
    pipe.give(&sent(&mut our_end));
    assert!(their_end.read().unwrap().is_close());
    let _ = their_end.flush();
    let mut got = receive(&mut our_end, clock.now(), &pipe.drain());
    our_end.handle_eof(clock.now());
    got.extend(receive(&mut our_end, clock.now(), &[]));
    assert!(
        matches!(&got[..], [Got::Closed(CloseReason::Local(frame))]
            if frame.code == Some(spola_websocket::CloseCode::NORMAL)),
        "{got:?}"
    );
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        ".{0,40}".prop_map(Message::from),
        bytes(0..200).prop_map(Message::from),
        bytes(65_000..70_000).prop_map(Message::from),
    ]
}

/// Their side of a pipe; ours gives and takes.
#[derive(Clone, Default)]
struct Pipe(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    to_them: VecDeque<u8>,
    from_them: Vec<u8>,
}

impl Pipe {
    fn give(&self, bytes: &[u8]) {
        self.0.borrow_mut().to_them.extend(bytes);
    }

    fn drain(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().from_them)
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.borrow_mut().to_them.read(buf)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().from_them.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
