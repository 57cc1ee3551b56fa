//! Properties: however the bytes are cut, the connection says and sends the same; and a client and
//! a server understand each other.

mod common;

use std::io::IoSlice;

use bytes::Buf;
use common::{
    Clock, Got, client, frame, receive, sent, server,
    steps::{bytes, step, wire},
};
use proptest::{collection::vec, prelude::*};
use spola_frame::Opcode;
use spola_websocket::{CloseCode, Connection, Message};

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
    let ends = got.iter().filter(|event| matches!(event, Got::Closed(_))).count();
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
    fn whatever_is_written_when_the_output_is_the_frames_in_order(
        commands in vec(command(), 0..120),
    ) {
        let mut server = server();
        let mut scratch = Vec::new();
        let (mut expected, mut written) = (Vec::new(), Vec::new());
        for command in commands {
            match command {
                Command::Copy(len) => {
                    server.send_binary(&vec![1; len]).unwrap();
                    expected.extend(frame(Opcode::Binary, &vec![1; len]));
                }
                Command::Queue(len) => {
                    server.send(Message::from(vec![2; len])).unwrap();
                    expected.extend(frame(Opcode::Binary, &vec![2; len]));
                }
                Command::Write(len) => {
                    let output = server.output();
                    let mut slices = [IoSlice::new(&[]); 3];
                    let filled = output.chunks_vectored(&mut slices);
                    let before = written.len();
                    written.extend(slices[..filled].iter().flat_map(|slice| slice.iter()));
                    written.truncate(before + len);
                    output.advance(written.len() - before);
                }
                Command::Lend => server.output().lend(&mut scratch),
                Command::Reclaim => server.output().reclaim(&mut scratch),
            }
            prop_assert_eq!(server.buffered_amount(), expected.len() - written.len());
        }
        written.extend(sent(&mut server));
        prop_assert!(written == expected);
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

#[derive(Clone, Debug)]
enum Command {
    Copy(usize),
    Queue(usize),
    Write(usize),
    Lend,
    Reclaim,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (0usize..9000).prop_map(Command::Copy),
        2 => (4000usize..9000).prop_map(Command::Queue),
        4 => (0usize..12_000).prop_map(Command::Write),
        1 => Just(Command::Lend),
        1 => Just(Command::Reclaim),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        ".{0,40}".prop_map(Message::from),
        bytes(0..200).prop_map(Message::from),
        bytes(4000..4200).prop_map(Message::from),
        bytes(65_530..70_000).prop_map(Message::from),
    ]
}
