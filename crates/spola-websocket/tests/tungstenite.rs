//! tungstenite as an oracle: on the same bytes both say the same, and each can talk to the other.
//! Where the two differ on purpose, `oracle::allowed` says so.

#![allow(clippy::unwrap_used)]

mod common;

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, Read, Write},
    rc::Rc,
};

use common::{
    Clock, Got, client,
    oracle::{self, Outcome, allowed},
    receive, sent, server,
    steps::{bytes, step, wire},
};
use proptest::{collection::vec, prelude::*};
use spola_websocket::{
    CloseReason, Connection, Message,
    handshake::{client::Request, server::RequestReader},
};
use tungstenite::{HandshakeError, WebSocket, protocol::Role};

fn outcomes(wire: &[u8]) -> (Outcome, Outcome) {
    let ours = oracle::ours(server(), Clock::new().now(), wire);
    (ours, oracle::theirs(Role::Server, 1_000_000, wire))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_decode_the_same_streams(steps in vec(step(), 0..10)) {
        let wire = wire(&steps);
        let (ours, theirs) = outcomes(&wire);
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
        let (ours, theirs) = outcomes(&wire);
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
