//! Conversations of one connection with a peer that is written out by hand.

mod common;

use std::time::Duration;

use bytes::Buf;
use common::{
    Clock, Got, binary, client, close, fragment, frame, masked, masked_close, raw_frame, receive,
    receive_large, sent, server, text,
};
use spola_frame::{FrameError, Opcode, Rsv};
use spola_websocket::{
    CloseCode, CloseFrame, CloseReason, Config, Connection, Message, Prepared, SendError, Violation,
};

fn closed_by_peer(code: u16, reason: &str) -> Got {
    let code = CloseCode::new(code);
    Got::Closed(CloseReason::Peer(CloseFrame { code, reason: reason.into() }))
}

fn violated(violation: Violation) -> Got {
    Got::Closed(CloseReason::Violation(violation))
}

#[test]
fn an_idle_connection_is_small_and_owns_no_buffer() {
    assert!(size_of::<Connection>() <= 300, "{}", size_of::<Connection>());
    let clock = Clock::new();
    let mut server = server();
    receive(&mut server, clock.now(), &masked(Opcode::Text, b"a"));
    server.send_text("b").unwrap();
    sent(&mut server);
    assert_eq!(server.output().chunk(), b"");
    assert_eq!(server.poll_timeout(), None);
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
            raw_frame(true, Rsv::RSV1, Opcode::Text, Some(common::KEY), b"a"),
            Violation::ReservedBits,
            1002,
        ),
        (
            "reserved bit on ping",
            raw_frame(true, Rsv::RSV3, Opcode::Ping, Some(common::KEY), b""),
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
fn the_peers_close_is_echoed() {
    let clock = Clock::new();
    for (wire, reply, event) in [
        (masked_close(1000, "bye"), close(1000, ""), closed_by_peer(1000, "bye")),
        (masked_close(4999, ""), close(4999, ""), closed_by_peer(4999, "")),
        (masked(Opcode::Close, b""), frame(Opcode::Close, b""), closed_by_peer(0, "")),
    ] {
        let mut server = server();
        let wire = [&wire[..], &masked(Opcode::Text, b"late")].concat();
        assert_eq!(receive(&mut server, clock.now(), &wire), [event]);
        assert_eq!(sent(&mut server), reply);
        assert_eq!(server.ping(b""), Err(SendError::Closed));
        assert_eq!(server.poll_timeout(), None);
        server.handle_eof(clock.now());
        assert_eq!(receive(&mut server, clock.now(), b""), []);
    }
}

#[test]
fn our_close_waits_for_the_peers_and_delivers_what_comes_first() {
    let clock = Clock::new();
    let mut server = server();
    server.close(clock.now(), CloseCode::GOING_AWAY, "later").unwrap();
    assert_eq!(sent(&mut server), close(1001, "later"));
    assert_eq!(server.close_without_status(clock.now()), Err(SendError::Closed));
    assert_eq!(server.poll_timeout(), Some(clock.now() + Duration::from_secs(5)));
    let wire = [masked(Opcode::Text, b"a"), masked(Opcode::Ping, b"?"), masked_close(1001, "ok")];
    let got = receive(&mut server, clock.now(), &wire.concat());
    let frame = CloseFrame { code: Some(CloseCode::GOING_AWAY), reason: "ok".into() };
    assert_eq!(got, [text("a"), Got::Closed(CloseReason::Local(frame))]);
    assert_eq!(sent(&mut server), []);
}

#[test]
fn a_violation_after_our_close_sends_no_second_close() {
    let clock = Clock::new();
    let mut server = server();
    server.close(clock.now(), CloseCode::NORMAL, "").unwrap();
    assert_eq!(sent(&mut server), close(1000, ""));
    let got = receive(&mut server, clock.now(), &frame(Opcode::Text, b"unmasked"));
    assert_eq!(got, [violated(Violation::Masking)]);
    assert_eq!(sent(&mut server), []);
}

#[test]
fn a_close_that_is_not_answered_times_out() {
    let mut clock = Clock::new();
    let mut server = server();
    server.close_without_status(clock.now()).unwrap();
    assert_eq!(sent(&mut server), [0x88, 0x00]);
    server.handle_timeout(clock.advance(Duration::from_millis(4999)));
    assert_eq!(receive(&mut server, clock.now(), b""), []);
    server.handle_timeout(clock.advance(Duration::from_millis(1)));
    assert_eq!(receive(&mut server, clock.now(), b""), [Got::Closed(CloseReason::CloseTimeout)]);
    assert_eq!(CloseReason::CloseTimeout.close_code(), CloseCode::ABNORMAL);
}

#[test]
fn a_client_waits_for_the_server_to_hang_up() {
    let mut clock = Clock::new();
    for wait in [false, true] {
        let mut client = client();
        assert_eq!(receive(&mut client, clock.now(), &close(1000, "bye")), []);
        assert_eq!(sent(&mut client), masked_close(1000, ""));
        assert!(!client.can_send() && !client.is_closed());
        assert_eq!(receive(&mut client, clock.now(), &frame(Opcode::Text, b"late")), []);
        if wait {
            assert_eq!(client.poll_timeout(), Some(clock.now() + Duration::from_secs(5)));
            client.handle_timeout(clock.advance(Duration::from_secs(5)));
        } else {
            client.handle_eof(clock.now());
        }
        assert_eq!(receive(&mut client, clock.now(), b""), [closed_by_peer(1000, "bye")]);
        assert!(client.is_closed());
    }
}

#[test]
fn an_end_without_close_is_reported() {
    let clock = Clock::new();
    for begun in [&b""[..], &fragment(Opcode::Text, b"a"), &masked(Opcode::Text, b"a")[..5]] {
        let mut server = server();
        receive(&mut server, clock.now(), begun);
        server.handle_eof(clock.now());
        server.handle_eof(clock.now());
        assert_eq!(receive(&mut server, clock.now(), b""), [Got::Closed(CloseReason::Eof)]);
        assert_eq!(receive(&mut server, clock.now(), b""), []);
        assert_eq!((server.poll_timeout(), sent(&mut server)), (None, vec![]));
    }
}

#[test]
fn impossible_commands_are_refused_and_change_nothing() {
    let clock = Clock::new();
    let mut server = server();
    assert_eq!(server.ping(&[0; 126]), Err(SendError::ControlTooLong));
    let long = "x".repeat(124);
    assert_eq!(server.close(clock.now(), CloseCode::NORMAL, &long), Err(SendError::ControlTooLong));
    assert_eq!(
        server.close(clock.now(), CloseCode::NO_STATUS, ""),
        Err(SendError::InvalidCloseCode)
    );
    assert_eq!(sent(&mut server), []);
    server.ping(&[1; 125]).unwrap();
    server.close(clock.now(), CloseCode::NORMAL, &long[..123]).unwrap();
    let wire = [frame(Opcode::Ping, &[1; 125]), close(1000, &long[..123])].concat();
    assert_eq!(sent(&mut server), wire);
}

#[test]
fn large_payloads_are_queued_without_a_copy_and_in_order() {
    let large = bytes::Bytes::from(vec![9; 100_000]);
    let mut server = server();
    server.send_text("a").unwrap();
    server.send(Message::Binary(large.clone())).unwrap();
    server.send_text("b").unwrap();
    let wire =
        [frame(Opcode::Text, b"a"), frame(Opcode::Binary, &large), frame(Opcode::Text, b"b")]
            .concat();
    assert_eq!(server.buffered_amount(), wire.len());
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let output = server.output();
    assert_eq!(output.chunks_vectored(&mut slices[..2]), 2);
    assert_eq!(output.chunks_vectored(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), large.as_ptr());
    let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
    assert_eq!(joined, wire);
    server.output().advance(5);
    server.send_text("c").unwrap();
    let rest = [&wire[5..], &frame(Opcode::Text, b"c")].concat();
    assert_eq!(sent(&mut server), rest);
}

#[test]
fn a_client_masks_a_large_payload_whoever_holds_it() {
    let large = bytes::Bytes::from(vec![9; 100_000]);
    let expected = masked(Opcode::Binary, &large);
    let mut client = client();
    client.send(Message::Binary(large.clone())).unwrap();
    assert_eq!(sent(&mut client), expected);
    assert_eq!(large, vec![9; 100_000]);
    let own = large.as_ptr();
    client.send(Message::Binary(large)).unwrap();
    let mut slices = [std::io::IoSlice::new(&[]); 2];
    let output = client.output();
    assert_eq!(output.chunks_vectored(&mut slices), 2);
    assert_eq!(slices[1].as_ptr(), own);
    assert_eq!(sent(&mut client), expected);
}

#[test]
fn prepared_messages_look_like_sent_ones() {
    for message in [Message::from("a"), Message::from(vec![3; 70_000]), Message::from("")] {
        let prepared = Prepared::new(&message);
        assert_eq!(prepared.payload(), message.as_bytes());
        for mut connection in [server(), client()] {
            connection.send(message.clone()).unwrap();
            let expected = sent(&mut connection);
            connection.send_prepared(&prepared).unwrap();
            assert_eq!(sent(&mut connection), expected);
        }
    }
}

#[test]
fn a_lent_buffer_is_used_and_comes_back() {
    let mut server = server();
    let mut scratch = Vec::with_capacity(1000);
    scratch.extend_from_slice(b"stale");
    let place = scratch.as_ptr();
    server.output().lend(&mut scratch);
    assert_eq!(scratch.capacity(), 0);
    server.send_text("a").unwrap();
    assert_eq!(server.output().chunk().as_ptr(), place);
    assert_eq!(sent(&mut server), frame(Opcode::Text, b"a"));
    server.send_text("b").unwrap();
    server.send(Message::from(vec![1; 70_000])).unwrap();
    server.output().advance(1);
    server.output().reclaim(&mut scratch);
    assert_eq!((scratch.as_ptr(), scratch.len()), (place, 0));
    server.output().lend(&mut scratch);
    assert_eq!(scratch.as_ptr(), place, "an output in use takes no loan");
    server.output().reclaim(&mut scratch);
    assert_eq!(scratch.as_ptr(), place);
    let wire = [frame(Opcode::Text, b"b"), frame(Opcode::Binary, &[1; 70_000])].concat();
    assert_eq!(sent(&mut server), wire[1..]);
}

#[test]
fn an_output_that_never_empties_does_not_keep_what_is_written() {
    let mut server = server();
    let message = vec![5; 1000];
    server.send_binary(&message).unwrap();
    for _ in 0..2000 {
        server.send_binary(&message).unwrap();
        server.send(Message::from(vec![6; 70_000])).unwrap();
        server.output().advance(1004 + 70_010);
    }
    assert_eq!(server.buffered_amount(), 1004);
    let mut scratch = Vec::new();
    server.output().reclaim(&mut scratch);
    assert_eq!(scratch.capacity(), 0);
    assert_eq!(sent(&mut server).len(), 1004);
}

#[test]
fn the_rest_of_a_large_frame_is_read_straight_into_its_buffer() {
    let clock = Clock::new();
    let payload: Vec<u8> = (0..=255).cycle().take(900_001).collect();
    let whole = masked(Opcode::Binary, &payload);
    let fragments = [
        fragment(Opcode::Binary, &payload[..333_333]),
        masked(Opcode::Continuation, &payload[333_333..]),
    ]
    .concat();
    // At first the thread has no buffer to use again.
    for (wire, most) in [(whole, 64 * 1024), (fragments, 313_347)] {
        let mut server = server();
        assert!(server.large_read().is_none());
        let wire = [wire, masked(Opcode::Text, b"after")].concat();
        receive(&mut server, clock.now(), &wire[..20_000]);
        let room = server.large_read().map(|room| room.len());
        assert!(room.is_some_and(|room| room <= most), "{room:?}");
        let got = receive_large(&mut server, clock.now(), &wire[20_000..]);
        assert_eq!(got, [binary(&payload), text("after")]);
    }
}

#[test]
fn text_and_small_frames_are_not_read_that_way() {
    let clock = Clock::new();
    let payload = "x".repeat(200_000);
    let mut server = server();
    receive(&mut server, clock.now(), &masked(Opcode::Text, payload.as_bytes())[..100_000]);
    assert!(server.large_read().is_none());
    let got =
        receive(&mut server, clock.now(), &masked(Opcode::Text, payload.as_bytes())[100_000..]);
    assert_eq!(got, [text(&payload)]);
    receive(&mut server, clock.now(), &masked(Opcode::Binary, &[0; 20_000])[..18_000]);
    assert!(server.large_read().is_none());
}

#[test]
fn a_buffer_that_is_used_again_shows_nothing_of_what_it_held() {
    let clock = Clock::new();
    let mut server = server();
    for (len, byte) in [(900_000, 1), (700_000, 2), (300_000, 3), (900_000, 4)] {
        let payload = vec![byte; len];
        let got = receive_large(&mut server, clock.now(), &masked(Opcode::Binary, &payload));
        assert!(got == [binary(&payload)], "{len}");
    }
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
