//! Properties: however the bytes are cut, the connection says and sends the same; and a client and
//! a server understand each other.

mod common;

use common::{
    Clock, Got, client, fragment, masked, masked_close, raw_frame, receive, sent, server,
};
use proptest::{collection::vec, prelude::*};
use spola_frame::{Opcode, Rsv};
use spola_websocket::{CloseCode, Connection, Message};

/// What a client may put on the wire, rightly or wrongly.
#[derive(Clone, Debug)]
enum Step {
    Text(String),
    Binary(Vec<u8>),
    Fragmented(String, Vec<usize>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Stray(u8, u8, bool, Vec<u8>),
    Noise(Vec<u8>),
    Close(u16, String),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![4 => bytes(0..130), 1 => bytes(65_530..65_540)];
    prop_oneof![
        6 => ".{0,60}".prop_map(Step::Text),
        6 => bytes().prop_map(Step::Binary),
        6 => (".{0,60}", vec(0usize..60, 0..4)).prop_map(|(t, c)| Step::Fragmented(t, c)),
        3 => vec(0u8.., 0..=125).prop_map(Step::Ping),
        3 => vec(0u8.., 0..=125).prop_map(Step::Pong),
        1 => (0u8..16, 0u8..8, any::<bool>(), vec(0u8.., 0..130))
            .prop_map(|(o, r, m, p)| Step::Stray(o, r, m, p)),
        1 => vec(0u8.., 0..30).prop_map(Step::Noise),
        1 => (990u16..1020, ".{0,20}").prop_map(|(code, reason)| Step::Close(code, reason)),
    ]
}

fn wire(steps: &[Step]) -> Vec<u8> {
    steps.iter().flat_map(step_wire).collect()
}

fn step_wire(step: &Step) -> Vec<u8> {
    match step {
        Step::Text(text) => masked(Opcode::Text, text.as_bytes()),
        Step::Binary(bytes) => masked(Opcode::Binary, bytes),
        Step::Ping(payload) => masked(Opcode::Ping, payload),
        Step::Pong(payload) => masked(Opcode::Pong, payload),
        Step::Noise(noise) => noise.clone(),
        Step::Close(code, reason) => masked_close(*code, reason),
        Step::Stray(opcode, rsv, is_masked, payload) => {
            let Some(opcode) = Opcode::from_bits(*opcode) else {
                return vec![0x80 | opcode, 0x80];
            };
            let key = is_masked.then_some(common::KEY);
            let rsv = if rsv & 4 != 0 { Rsv::RSV1 } else { Rsv::NONE };
            raw_frame(rsv == Rsv::NONE, rsv, opcode, key, payload)
        }
        Step::Fragmented(text, cuts) => {
            let mut rest = text.as_bytes();
            let mut opcode = Opcode::Text;
            let mut out = Vec::new();
            for cut in cuts {
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                out.extend(fragment(opcode, head));
                (rest, opcode) = (tail, Opcode::Continuation);
            }
            out.extend(masked(opcode, rest));
            out
        }
    }
}

fn outcome(mut connection: Connection, wire: &[u8], size: usize) -> (Vec<Got>, Vec<u8>) {
    let clock = Clock::new();
    let mut got = Vec::new();
    for piece in wire.chunks(size) {
        got.extend(receive(&mut connection, clock.now(), piece));
    }
    connection.handle_eof(clock.now());
    got.extend(receive(&mut connection, clock.now(), &[]));
    let sent = sent(&mut connection);
    assert!(connection.is_closed());
    assert!(matches!(got.last(), Some(Got::Closed(_))), "no end");
    let ends = got
        .iter()
        .filter(|event| matches!(event, Got::Closed(_)))
        .count();
    assert_eq!(ends, 1);
    (got, sent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_chunking_gives_the_same_events_and_output(
        steps in vec(step(), 0..8),
        sizes in vec(1usize..300, 1..4),
    ) {
        let wire = wire(&steps);
        let whole = outcome(server(), &wire, wire.len().max(1));
        for size in sizes {
            prop_assert_eq!(&outcome(server(), &wire, size), &whole, "in pieces of {}", size);
        }
        if wire.len() < 2000 {
            prop_assert_eq!(&outcome(server(), &wire, 1), &whole, "byte by byte");
        }
    }

    #[test]
    fn noise_never_panics(bytes in vec(0u8.., 0..400), size in 1usize..50) {
        outcome(server(), &bytes, size);
        outcome(client(), &bytes, size);
    }

    #[test]
    fn a_damaged_stream_is_understood_alike_in_any_pieces(
        steps in vec(step(), 1..6),
        at in 0usize..500,
        bit in 0u8..8,
        size in 1usize..100,
    ) {
        let mut wire = wire(&steps);
        if let Some(byte) = wire.get_mut(at) {
            *byte ^= 1 << bit;
        }
        let whole = outcome(server(), &wire, wire.len().max(1));
        prop_assert_eq!(outcome(server(), &wire, size), whole);
    }

    #[test]
    fn client_and_server_understand_each_other(
        up in vec(message(), 0..6),
        down in vec(message(), 0..6),
        size in 1usize..5000,
        code in 3000u16..5000,
        reason in ".{0,30}",
    ) {
        let clock = Clock::new();
        let (mut server, mut client) = (server(), client());
        up.iter().for_each(|message| client.send(message.clone()).unwrap());
        down.iter().for_each(|message| server.send(message.clone()).unwrap());
        client.close(clock.now(), CloseCode::new(code).unwrap(), &reason).unwrap();
        let mut heard = (Vec::new(), Vec::new());
        for _ in 0..3 {
            for piece in sent(&mut client).chunks(size) {
                heard.0.extend(receive(&mut server, clock.now(), piece));
            }
            for piece in sent(&mut server).chunks(size) {
                heard.1.extend(receive(&mut client, clock.now(), piece));
            }
        }
        client.handle_eof(clock.now());
        heard.1.extend(receive(&mut client, clock.now(), &[]));
        let (at_server, at_client) = heard;
        for (got, messages) in [(at_server, up), (at_client, down)] {
            let (last, first) = got.split_last().unwrap();
            let expected: Vec<_> = messages.into_iter().map(Got::Message).collect();
            prop_assert_eq!(first, &expected[..]);
            let Got::Closed(closed) = last else { panic!("no end") };
            prop_assert_eq!(closed.close_code().get(), code);
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        ".{0,40}".prop_map(Message::from),
        bytes(0..200).prop_map(Message::from),
        bytes(4000..4200).prop_map(Message::from),
        bytes(65_530..70_000).prop_map(Message::from),
    ]
}

/// Bytes of some length, drawn by their first one only: quick to make, quick to shrink.
fn bytes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), len).prop_map(|(first, len)| {
        (0..len)
            .map(|i| first.wrapping_add((i % 251) as u8))
            .collect()
    })
}
