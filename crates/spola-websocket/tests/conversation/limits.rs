//! Violations, and what is bounded.

use std::time::Duration;

use crate::common::{
    Clock, binary, client, close, fragment, frame, masked, masked_close, raw_frame, receive, sent,
    server, text,
};
use spola_frame::{FrameError, Opcode, Rsv};
use spola_websocket::{Config, Connection, SendError, Violation};

use crate::{closed_by_peer, violated};

#[test]
fn violations_close_with_their_code_after_what_came_before() {
    let cases: &[(&str, Vec<u8>, Violation, u16)] = &[
        ("unmasked", frame(Opcode::Text, b"a"), Violation::Masking, 1002),
        ("reserved opcode", vec![0x83, 0x80], FrameError::ReservedOpcode(3).into(), 1002),
        ("long ping", vec![0x89, 0xfe], FrameError::ControlTooLong.into(), 1002),
        ("fragmented ping", vec![0x09, 0x80], FrameError::FragmentedControl.into(), 1002),
        ("long form", vec![0x82, 0xfe, 0, 9], FrameError::NonMinimalLength.into(), 1002),
        (
            "top bit",
            vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
            FrameError::LengthTopBit.into(),
            1002,
        ),
        (
            "reserved bit",
            raw_frame(true, Rsv::RSV1, Opcode::Text, Some(crate::common::KEY), b"a"),
            Violation::ReservedBits,
            1002,
        ),
        (
            "reserved bit on ping",
            raw_frame(true, Rsv::RSV3, Opcode::Ping, Some(crate::common::KEY), b""),
            Violation::ReservedBits,
            1002,
        ),
        (
            "continuation of nothing",
            masked(Opcode::Continuation, b"a"),
            Violation::UnexpectedContinuation,
            1002,
        ),
        (
            "message inside a message",
            [fragment(Opcode::Text, b"a"), masked(Opcode::Text, b"b")].concat(),
            Violation::ExpectedContinuation,
            1002,
        ),
        ("body of one byte", masked(Opcode::Close, b"a"), Violation::CloseBody, 1002),
        ("reserved close code", masked_close(1005, ""), Violation::CloseCode(1005), 1002),
        ("unknown close code", masked_close(2999, ""), Violation::CloseCode(2999), 1002),
        ("close reason", masked(Opcode::Close, b"\x03\xe8\xff"), Violation::InvalidUtf8, 1007),
        (
            "too big at the header",
            vec![0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x41, 1, 2, 3, 4],
            Violation::MessageTooBig,
            1009,
        ),
        (
            "absurdly big",
            vec![0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4],
            Violation::MessageTooBig,
            1009,
        ),
        (
            "too big over fragments",
            [
                fragment(Opcode::Binary, &[0; 600_000]),
                masked(Opcode::Continuation, &[0; 400_001])[..14].to_vec(),
                vec![0; 10],
            ]
            .concat(),
            Violation::MessageTooBig,
            1009,
        ),
    ];
    let clock = Clock::new();
    for (name, wire, violation, code) in cases {
        let mut server = server();
        let wire = [&masked(Opcode::Text, b"before")[..], wire, &masked(Opcode::Text, b"after")];
        let got = receive(&mut server, clock.now(), &wire.concat());
        assert_eq!(got, [text("before"), violated(*violation)], "{name}");
        assert_eq!(sent(&mut server), close(*code, ""), "{name}");
        assert_eq!(server.send_text("late"), Err(SendError::Closed), "{name}");
        assert_eq!(receive(&mut server, clock.now(), &masked(Opcode::Text, b"late")), []);
        assert!(server.is_closed(), "{name}");
    }
    let mut client = client();
    let got = receive(&mut client, clock.now(), &masked(Opcode::Text, b"a"));
    assert_eq!(got, [violated(Violation::Masking)]);
    assert_eq!(sent(&mut client), masked_close(1002, ""));
}

#[test]
fn a_message_of_exactly_the_limit_passes() {
    let clock = Clock::new();
    let payload = vec![7; 1_000_000];
    for wire in [
        masked(Opcode::Binary, &payload),
        [
            fragment(Opcode::Binary, &payload[..999_999]),
            fragment(Opcode::Continuation, &payload[..1]),
            masked(Opcode::Continuation, b""),
        ]
        .concat(),
    ] {
        let mut server = server();
        assert_eq!(receive(&mut server, clock.now(), &wire), [binary(&payload)]);
    }
}

#[test]
fn fragments_are_counted() {
    let clock = Clock::new();
    let wire = |middle: usize| {
        let mut wire = fragment(Opcode::Text, b"");
        for _ in 0..middle {
            wire.extend(fragment(Opcode::Continuation, b""));
        }
        wire.extend(masked(Opcode::Continuation, b"a"));
        wire
    };
    assert_eq!(receive(&mut server(), clock.now(), &wire(1022)), [text("a")]);
    let mut server = server();
    let got = receive(&mut server, clock.now(), &wire(1023));
    assert_eq!(got, [violated(Violation::TooManyFragments)]);
    assert_eq!(sent(&mut server), close(1008, ""));
}

#[test]
fn a_message_must_be_completed_in_time() {
    let begun: [&[u8]; 3] = [
        &fragment(Opcode::Text, b"slow"),
        &masked(Opcode::Text, b"slow")[..8],
        &masked(Opcode::Text, b"slow")[..1],
    ];
    for begun in begun {
        let mut clock = Clock::new();
        let mut server = server();
        assert_eq!(receive(&mut server, clock.now(), begun), []);
        let deadline = clock.now() + Duration::from_secs(30);
        assert_eq!(server.poll_timeout(), Some(deadline));
        server.handle_timeout(clock.advance(Duration::from_secs(29)));
        assert_eq!(receive(&mut server, clock.now(), b""), []);
        assert_eq!(server.poll_timeout(), Some(deadline));
        server.handle_timeout(clock.advance(Duration::from_secs(1)));
        let got = receive(&mut server, clock.now(), b"");
        assert_eq!(got, [violated(Violation::MessageTimeout)]);
        assert_eq!(sent(&mut server), close(1008, ""));
        assert_eq!(server.poll_timeout(), None);
    }
}

#[test]
fn each_message_has_its_own_time() {
    let mut clock = Clock::new();
    let mut server = server();
    receive(&mut server, clock.now(), &masked(Opcode::Text, b"a")[..3]);
    clock.advance(Duration::from_secs(20));
    let rest = [&masked(Opcode::Text, b"a")[3..], &masked(Opcode::Text, b"b")[..3]].concat();
    assert_eq!(receive(&mut server, clock.now(), &rest), [text("a")]);
    assert_eq!(server.poll_timeout(), Some(clock.now() + Duration::from_secs(30)));
    receive(&mut server, clock.now(), &masked(Opcode::Text, b"b")[3..]);
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn control_frames_between_fragments_do_not_buy_time() {
    let mut clock = Clock::new();
    let mut server = server();
    receive(&mut server, clock.now(), &fragment(Opcode::Text, b"a"));
    let deadline = server.poll_timeout();
    clock.advance(Duration::from_secs(10));
    receive(&mut server, clock.now(), &masked(Opcode::Ping, b""));
    assert_eq!(server.poll_timeout(), deadline);
    assert!(deadline.is_some());
}

#[test]
fn what_is_kept_of_a_message_is_told_until_it_is_whole() {
    let clock = Clock::new();
    let mut server = server();
    assert_eq!(server.incomplete_len(), None);
    let message = masked(Opcode::Text, b"a whole message");
    for (at, kept) in [(1, 1), (6, 0), (16, 10)] {
        let (first, rest) = message.split_at(at);
        receive(&mut server, clock.now(), first);
        let len = server.incomplete_len();
        assert!(len.is_some_and(|len| len >= kept && len <= at), "{at}: {len:?}");
        assert_eq!(receive(&mut server, clock.now(), rest).len(), 1);
        assert_eq!(server.incomplete_len(), None);
    }
    receive(&mut server, clock.now(), &message[..10]);
    server.handle_eof(clock.now());
    assert_eq!(server.incomplete_len(), None);
}

#[test]
fn floods_of_control_frames_are_cut_off() {
    let mut clock = Clock::new();
    let mut server = server();
    let pongs = |count| masked(Opcode::Pong, b"").repeat(count);
    assert_eq!(receive(&mut server, clock.now(), &pongs(200)).len(), 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(receive(&mut server, clock.now(), &pongs(50)).len(), 50);
    let got = receive(&mut server, clock.now(), &pongs(1));
    assert_eq!(got, [violated(Violation::ControlFlood)]);
    assert_eq!(sent(&mut server), close(1008, ""));
    let mut unlimited = Config::default();
    unlimited.control_frames_per_second = 0;
    let mut server = Connection::server(unlimited);
    assert_eq!(receive(&mut server, clock.now(), &pongs(1000)).len(), 1000);
}

#[test]
fn a_close_frame_is_never_one_control_frame_too_many() {
    let clock = Clock::new();
    let mut server = server();
    let pings = masked(Opcode::Ping, b"").repeat(200);
    assert_eq!(receive(&mut server, clock.now(), &pings), []);
    let got = receive(&mut server, clock.now(), &masked_close(1000, ""));
    assert_eq!(got, [closed_by_peer(1000, "")]);
}
