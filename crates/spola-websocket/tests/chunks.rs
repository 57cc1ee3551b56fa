//! Messages read as they arrive, and messages sent in fragments.

mod common;

use bytes::Buf;
use common::{
    Clock, Got, Part::Chunk, Part::Other, client, fragment, frame, masked, raw_frame, receive,
    receive_chunks, sent, server, text,
};
use proptest::{collection::vec, prelude::*};
use spola_frame::{Opcode, Rsv};
use spola_websocket::{CloseReason, Config, Connection, Kind, Message, Part, SendError, Violation};

#[test]
fn a_message_is_handed_out_as_it_arrives() {
    let clock = Clock::new();
    let mut server = server();
    let wire = masked(Opcode::Binary, b"abcdef");
    assert_eq!(receive_chunks(&mut server, clock.now(), &wire[..6]), []);
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &wire[6..9]),
        [Chunk(Kind::Binary, b"abc".to_vec(), true, false)]
    );
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &wire[9..]),
        [Chunk(Kind::Binary, b"def".to_vec(), false, true)]
    );
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &masked(Opcode::Text, b"whole")),
        [Chunk(Kind::Text, b"whole".to_vec(), true, true)]
    );
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &masked(Opcode::Text, b"")),
        [Chunk(Kind::Text, Vec::new(), true, true)]
    );
}

#[test]
fn control_frames_and_empty_fragments_pass_between_chunks() {
    let clock = Clock::new();
    let mut server = server();
    let wire = [
        fragment(Opcode::Text, "é".as_bytes().split_at(1).0),
        masked(Opcode::Ping, b"p"),
        fragment(Opcode::Continuation, b""),
        masked(Opcode::Pong, b"q"),
        fragment(Opcode::Continuation, "é".as_bytes().split_at(1).1),
        masked(Opcode::Continuation, b""),
    ]
    .concat();
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &wire),
        [
            Chunk(Kind::Text, vec![0xc3], true, false),
            Other(Got::Pong(b"q".to_vec())),
            Chunk(Kind::Text, vec![0xa9], false, false),
            Chunk(Kind::Text, Vec::new(), false, true),
        ]
    );
    assert_eq!(sent(&mut server), frame(Opcode::Pong, b"p"));
}

#[test]
fn messages_in_chunks_have_no_limit_of_size_fragments_or_time() {
    let mut clock = Clock::new();
    let mut config = Config::default();
    config.max_message_size = 10;
    config.max_fragments = 2;
    let mut server = Connection::server(config);
    for turn in 0..50 {
        let opcode = if turn == 0 { Opcode::Text } else { Opcode::Continuation };
        let wire = fragment(opcode, b"twenty characters...");
        let got = receive_chunks(&mut server, clock.now(), &wire);
        assert_eq!(got.len(), 1);
        assert_eq!(server.poll_timeout(), None);
        clock.advance(std::time::Duration::from_secs(10));
        server.handle_timeout(clock.now());
    }
}

#[test]
fn text_in_chunks_is_validated_as_it_comes() {
    let clock = Clock::new();
    for (pieces, good_chunks) in
        [(vec![&b"ab\xff"[..]], 0), (vec![b"ab\xc3", b"x"], 1), (vec![b"ab", b"\xed", b"\xa0"], 2)]
    {
        let mut server = server();
        let mut got = Vec::new();
        for (turn, piece) in pieces.iter().enumerate() {
            let opcode = if turn == 0 { Opcode::Text } else { Opcode::Continuation };
            got.extend(receive_chunks(&mut server, clock.now(), &fragment(opcode, piece)));
        }
        let closed = got.pop();
        let reason = CloseReason::Violation(Violation::InvalidUtf8);
        assert_eq!(closed, Some(Other(Got::Closed(reason))), "{pieces:x?}");
        assert_eq!(got.len(), good_chunks, "{pieces:x?}");
    }
    // A text may not end inside a character.
    let mut server = server();
    let wire = [fragment(Opcode::Text, b"ab\xc3"), masked(Opcode::Continuation, b"")].concat();
    let got = receive_chunks(&mut server, clock.now(), &wire);
    let reason = CloseReason::Violation(Violation::InvalidUtf8);
    assert_eq!(got.last(), Some(&Other(Got::Closed(reason))));
}

#[test]
fn a_message_keeps_the_depth_it_began_at() {
    let clock = Clock::new();
    let mut server = server();
    // Begun whole, it is completed whole.
    receive(&mut server, clock.now(), &fragment(Opcode::Text, b"one "));
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &masked(Opcode::Continuation, b"two")),
        [Chunk(Kind::Text, b"one two".to_vec(), true, true)]
    );
    // Begun in chunks, its rest is skipped.
    assert_eq!(
        receive_chunks(&mut server, clock.now(), &fragment(Opcode::Binary, b"one ")),
        [Chunk(Kind::Binary, b"one ".to_vec(), true, false)]
    );
    let wire = [
        fragment(Opcode::Continuation, b"two"),
        masked(Opcode::Continuation, b"three"),
        masked(Opcode::Text, b"next"),
    ]
    .concat();
    assert_eq!(receive(&mut server, clock.now(), &wire), [text("next")]);
}

#[test]
fn fragments_leave_as_they_are_given() {
    let mut server = server();
    server.send_fragment(Kind::Text, "é".as_bytes().split_at(1).0, Part::More).unwrap();
    server.ping(b"between").unwrap();
    server.send_fragment(Kind::Text, "é".as_bytes().split_at(1).1, Part::More).unwrap();
    server.send_fragment(Kind::Text, b"", Part::Last).unwrap();
    server.send_text("after").unwrap();
    let expected = [
        raw_frame(false, Rsv::NONE, Opcode::Text, None, &[0xc3]),
        frame(Opcode::Ping, b"between"),
        raw_frame(false, Rsv::NONE, Opcode::Continuation, None, &[0xa9]),
        frame(Opcode::Continuation, b""),
        frame(Opcode::Text, b"after"),
    ];
    assert_eq!(sent(&mut server), expected.concat());
}

#[test]
fn fragments_that_do_not_fit_are_refused_and_change_nothing() {
    let mut server = server();
    assert_eq!(
        server.send_fragment(Kind::Text, b"ab\xff", Part::More),
        Err(SendError::InvalidUtf8)
    );
    server.send_text("still whole").unwrap();
    server.send_fragment(Kind::Text, b"ab\xc3", Part::More).unwrap();
    assert_eq!(server.send_text("x"), Err(SendError::Fragmented));
    assert_eq!(server.send(Message::from(vec![0; 9000])), Err(SendError::Fragmented));
    assert_eq!(server.send_fragment(Kind::Binary, b"x", Part::Last), Err(SendError::Fragmented));
    assert_eq!(server.send_fragment(Kind::Text, b"x", Part::More), Err(SendError::InvalidUtf8));
    assert_eq!(server.send_fragment(Kind::Text, b"", Part::Last), Err(SendError::InvalidUtf8));
    server.send_fragment(Kind::Text, b"\xa9", Part::Last).unwrap();
    let expected = [
        frame(Opcode::Text, b"still whole"),
        raw_frame(false, Rsv::NONE, Opcode::Text, None, b"ab\xc3"),
        frame(Opcode::Continuation, b"\xa9"),
    ];
    assert_eq!(sent(&mut server), expected.concat());
}

fn cut_at(size: usize, mut config: Config) -> Config {
    config.fragment_size = std::num::NonZeroUsize::new(size);
    config
}

#[test]
fn large_messages_leave_in_frames_and_control_frames_pass_between() {
    let clock = Clock::new();
    let mut server = Connection::server(cut_at(8, Config::default()));
    server.send_binary(b"twenty bytes of data").unwrap();
    server.send_text("behind").unwrap();
    server.send_text("and behind that").unwrap();
    assert!(server.buffered_amount() >= 41);
    // The first frame is under way.
    let mut wire = Vec::new();
    let output = server.output();
    let first = output.chunk().to_vec();
    wire.extend_from_slice(&first);
    output.advance(first.len());
    receive(&mut server, clock.now(), &masked(Opcode::Ping, b"now"));
    server.close(clock.now(), spola_websocket::CloseCode::NORMAL, "").unwrap();
    wire.extend(sent(&mut server));
    let expected = [
        raw_frame(false, Rsv::NONE, Opcode::Binary, None, b"twenty b"),
        frame(Opcode::Pong, b"now"),
        raw_frame(false, Rsv::NONE, Opcode::Continuation, None, b"ytes of "),
        frame(Opcode::Continuation, b"data"),
        frame(Opcode::Text, b"behind"),
        raw_frame(false, Rsv::NONE, Opcode::Text, None, b"and behi"),
        frame(Opcode::Continuation, b"nd that"),
        common::close(1000, ""),
    ];
    assert_eq!(wire, expected.concat());
}

#[test]
fn more_frames_are_cut_at_once_while_the_socket_takes_all_of_them() {
    let mut server = Connection::server(cut_at(100, Config::default()));
    server.send_binary(&[7; 2000]).unwrap();
    // A frame of 100 bytes has a header of two. What a write takes, and what the next one finds.
    for (taken, waiting) in
        [(102, 3 * 102), (3 * 102, 3 * 102), (3 * 102 - 1, 102 + 1), (102, 102 + 1)]
    {
        let output = server.output();
        assert!(output.remaining() >= taken);
        output.advance(taken);
        assert_eq!(server.output().remaining(), waiting, "after {taken}");
    }
}

#[test]
fn pings_in_plenty_during_a_large_message_are_answered_by_the_latest_at_the_next_boundary() {
    let clock = Clock::new();
    let mut server = Connection::server(cut_at(8, Config::default()));
    server.send_binary(&[7; 64]).unwrap();
    let _ = server.output();
    for ping in 0..40 {
        receive(&mut server, clock.now(), &masked(Opcode::Ping, &[ping]));
    }
    let mut client = client();
    let wire = sent(&mut server);
    let got = receive(&mut client, clock.now(), &wire);
    let pongs: Vec<_> = got.iter().filter(|got| matches!(got, Got::Pong(_))).collect();
    assert_eq!(pongs.len(), 17);
    assert_eq!(pongs.last(), Some(&&Got::Pong(vec![39])));
    // The message is complete only after the last of them.
    assert_eq!(got.last(), Some(&Got::Message(vec![7; 64].into())));
}

#[test]
fn a_violation_drops_what_was_not_begun() {
    let clock = Clock::new();
    let mut server = Connection::server(cut_at(8, Config::default()));
    server.send_binary(&[7; 800]).unwrap();
    let _ = server.output();
    receive(&mut server, clock.now(), &frame(Opcode::Text, b"unmasked"));
    let wire = sent(&mut server);
    assert!(wire.len() < 40, "{} bytes", wire.len());
    assert!(wire.ends_with(&common::close(1002, "")));
}

proptest! {
    #[test]
    fn chunks_add_up_to_the_messages_however_the_bytes_are_cut(
        messages in vec((any::<bool>(), ".{0,200}", vec(0usize..50, 0..4)), 1..6),
        size in 1usize..200,
        cut in 1usize..60,
    ) {
        let clock = Clock::new();
        let mut client = Connection::client(cut_at(cut, Config::default()), |buf: &mut [u8]| buf.fill(9));
        for (is_text, text, cuts) in &messages {
            let kind = if *is_text { Kind::Text } else { Kind::Binary };
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                client.send_fragment(kind, head, Part::More).unwrap();
                rest = tail;
            }
            client.send_fragment(kind, rest, Part::Last).unwrap();
        }
        let wire = sent(&mut client);
        let mut server = server();
        let mut got = Vec::new();
        for piece in wire.chunks(size) {
            for part in receive_chunks(&mut server, clock.now(), piece) {
                let Chunk(kind, data, first, last) = part else {
                    panic!("{part:?}");
                };
                if first {
                    got.push((kind, Vec::new(), false));
                }
                let (of, bytes, over) = got.last_mut().expect("a first chunk");
                prop_assert!(*of == kind && !*over);
                bytes.extend(data);
                *over = last;
            }
        }
        let expected: Vec<_> = messages
            .into_iter()
            .map(|(is_text, text, _)| {
                (if is_text { Kind::Text } else { Kind::Binary }, text.into_bytes(), true)
            })
            .collect();
        prop_assert_eq!(got, expected);
    }
}

#[test]
fn limits_hold_for_a_message_that_becomes_whole_after_its_header() {
    let clock = Clock::new();
    let mut config = Config::default();
    config.max_message_size = 10;
    let too_big = [Got::Closed(CloseReason::Violation(Violation::MessageTooBig))];
    for header in [
        // One frame, and the first of several.
        &masked(Opcode::Binary, &[7; 20])[..6],
        &fragment(Opcode::Binary, &[7; 20])[..6],
    ] {
        let mut server = Connection::server(config.clone());
        assert_eq!(receive_chunks(&mut server, clock.now(), header), []);
        assert_eq!(receive(&mut server, clock.now(), &[0; 20]), too_big);
    }
    // Within the limits, nothing of it is lost.
    let mut server = Connection::server(config);
    let wire = [fragment(Opcode::Text, b"one "), masked(Opcode::Continuation, b"two")].concat();
    assert_eq!(receive_chunks(&mut server, clock.now(), &wire[..6]), []);
    assert_eq!(receive(&mut server, clock.now(), &wire[6..]), [text("one two")]);
}

#[test]
fn pings_of_a_slow_reader_are_answered_again_once_the_former_pongs_are_written() {
    let clock = Clock::new();
    let mut server = server();
    let mut pongs = 0;
    let mut wire = Vec::new();
    for ping in 0..100 {
        server.send_binary(&[0; 1000]).unwrap();
        receive(&mut server, clock.now(), &masked(Opcode::Ping, &[ping]));
        // The output never runs empty.
        let output = server.output();
        let len = output.chunk().len().min(1000);
        wire.extend_from_slice(&output.chunk()[..len]);
        output.advance(len);
    }
    wire.extend(sent(&mut server));
    let mut client = client();
    for got in receive(&mut client, clock.now(), &wire) {
        pongs += usize::from(matches!(got, Got::Pong(_)));
    }
    assert!(pongs > 60, "{pongs}");
}
