//! Conversations of one connection with a peer that is written out by hand.

#[path = "../common/mod.rs"]
mod common;

mod buffers;
mod closing;
mod limits;
mod sending;

use bytes::Buf;
use common::{
    Clock, Got, binary, client, close, fragment, frame, masked, receive, sent, server, text,
};
use spola_frame::Opcode;
use spola_websocket::{CloseCode, CloseFrame, CloseReason, Message, Violation};

fn closed_by_peer(code: u16, reason: &str) -> Got {
    let code = CloseCode::new(code);
    Got::Closed(CloseReason::Peer(CloseFrame { code, reason: reason.into() }))
}

fn violated(violation: Violation) -> Got {
    Got::Closed(CloseReason::Violation(violation))
}

#[test]
fn messages_are_received_and_sent() {
    let clock = Clock::new();
    let (mut server, mut client) = (server(), client());
    let wire = [masked(Opcode::Text, b"Hello"), masked(Opcode::Binary, &[0, 159])].concat();
    assert_eq!(receive(&mut server, clock.now(), &wire), [text("Hello"), binary(&[0, 159])]);
    server.send_text("a").unwrap();
    server.send(Message::from(vec![1])).unwrap();
    let wire = [frame(Opcode::Text, b"a"), frame(Opcode::Binary, &[1])].concat();
    assert_eq!(sent(&mut server), wire);
    assert_eq!(receive(&mut client, clock.now(), &wire), [text("a"), binary(&[1])]);
    client.send_binary(&[2; 300]).unwrap();
    client.send(Message::from("b")).unwrap();
    let wire = [masked(Opcode::Binary, &[2; 300]), masked(Opcode::Text, b"b")].concat();
    assert_eq!(sent(&mut client), wire);
}

#[test]
fn a_message_can_be_answered_while_it_is_borrowed() {
    let clock = Clock::new();
    let mut server = server();
    let mut read = masked(Opcode::Text, b"echo");
    let mut input = &mut read[..];
    let Some(spola_websocket::Event::Text(text)) = server.poll_event(clock.now(), &mut input)
    else {
        panic!("no text");
    };
    server.send_text(&text).unwrap();
    assert!(matches!(text, spola_websocket::Text::Borrowed("echo")));
    assert_eq!(sent(&mut server), frame(Opcode::Text, b"echo"));
}

#[test]
fn fragments_are_joined_and_control_frames_come_between() {
    let clock = Clock::new();
    let mut server = server();
    let wire = [
        fragment(Opcode::Text, b"Hel"),
        masked(Opcode::Ping, b"?"),
        fragment(Opcode::Continuation, b""),
        masked(Opcode::Pong, b"!"),
        masked(Opcode::Continuation, b"lo"),
        masked(Opcode::Binary, b"x"),
    ];
    let got = receive(&mut server, clock.now(), &wire.concat());
    assert_eq!(got, [Got::Pong(b"!".to_vec()), text("Hello"), binary(b"x")]);
    assert_eq!(sent(&mut server), frame(Opcode::Pong, b"?"));
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn a_character_may_be_cut_anywhere() {
    let clock = Clock::new();
    let message = "κόσμε𝄞é";
    for cut in 0..=message.len() {
        let mut server = server();
        let (head, tail) = message.as_bytes().split_at(cut);
        let wire = [fragment(Opcode::Text, head), masked(Opcode::Continuation, tail)].concat();
        assert_eq!(receive(&mut server, clock.now(), &wire), [text(message)], "{cut}");
    }
}

#[test]
fn wrong_utf8_fails_at_the_first_wrong_byte() {
    let clock = Clock::new();
    let good = "κόσμε".as_bytes();
    for bad in [&b"\xf4\x90"[..], b"\xed\xa0", b"\xc0", b"\xf8", b"\xe2x"] {
        let payload = [good, bad, b"never arrives"].concat();
        let wire = masked(Opcode::Text, &payload);
        let upto = wire.len() - b"never arrives".len();
        let mut server = server();
        for (at, byte) in wire[..upto].iter().enumerate() {
            let got = receive(&mut server, clock.now(), &[*byte]);
            let expected =
                if at + 1 == upto { vec![violated(Violation::InvalidUtf8)] } else { vec![] };
            assert_eq!(got, expected, "{bad:x?} at {at}");
        }
        assert_eq!(sent(&mut server), close(1007, ""));
    }
    for wire in [
        masked(Opcode::Text, b"\xff"),
        masked(Opcode::Text, b"ab\xc3"),
        [fragment(Opcode::Text, b"ab\xc3"), masked(Opcode::Continuation, b"")].concat(),
    ] {
        let mut server = server();
        let got = receive(&mut server, clock.now(), &wire);
        assert_eq!(got, [violated(Violation::InvalidUtf8)]);
    }
}

#[test]
fn pings_are_answered_in_order() {
    let clock = Clock::new();
    let mut server = server();
    let pings: Vec<u8> = (0..10).flat_map(|i| masked(Opcode::Ping, &[i])).collect();
    let pongs: Vec<u8> = (0..10).flat_map(|i| frame(Opcode::Pong, &[i])).collect();
    receive(&mut server, clock.now(), &pings);
    assert_eq!(sent(&mut server), pongs);
}

#[test]
fn a_peer_that_does_not_read_gets_only_its_latest_ping_answered() {
    let clock = Clock::new();
    let mut server = server();
    let pings: Vec<u8> = (0..100).flat_map(|i| masked(Opcode::Ping, &[i])).collect();
    receive(&mut server, clock.now(), &pings);
    assert!(server.buffered_amount() < 100);
    let expected: Vec<u8> = (0..16).chain([99]).flat_map(|i| frame(Opcode::Pong, &[i])).collect();
    assert_eq!(sent(&mut server), expected);
    receive(&mut server, clock.now(), &masked(Opcode::Ping, &[100]));
    assert_eq!(sent(&mut server), frame(Opcode::Pong, &[100]));
}

#[test]
fn an_older_ping_is_not_answered_after_a_newer_one() {
    let clock = Clock::new();
    let mut server = server();
    let pings: Vec<u8> = (0..20).flat_map(|i| masked(Opcode::Ping, &[i])).collect();
    receive(&mut server, clock.now(), &pings);
    let output = server.output();
    output.advance(output.remaining());
    receive(&mut server, clock.now(), &masked(Opcode::Ping, &[20]));
    assert_eq!(sent(&mut server), frame(Opcode::Pong, &[20]));
}
