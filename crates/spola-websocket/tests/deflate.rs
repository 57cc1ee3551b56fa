//! Compressed messages (RFC 7692), whole and in pieces, both ways.
#![cfg(feature = "deflate")]

mod common;

use common::{
    Clock, Got, KEY, Part::Chunk, masked, raw_frame, receive, receive_chunks, sent, text,
};
use proptest::{collection::vec, prelude::*};
use spola_frame::{Opcode, Rsv};
use spola_websocket::{
    CloseReason, Compression, Config, Connection, Kind, Message, Part, Prepared, Violation,
    deflate::{Agreement, Options},
    handshake::ExtensionOffer,
};

fn agreement(outgoing_takeover: bool, incoming_takeover: bool, threshold: usize) -> Agreement {
    let mut options = Options::default();
    options.outgoing_context_takeover = outgoing_takeover;
    options.incoming_context_takeover = incoming_takeover;
    options.threshold = threshold;
    let offer = ExtensionOffer { name: "permessage-deflate", parameters: Vec::new() };
    Agreement::accept(&[offer], &options).expect("accepted")
}

fn server(takeover: bool) -> Connection {
    Connection::server(Config::default()).with_deflate(&agreement(takeover, takeover, 0))
}

fn client(takeover: bool) -> Connection {
    Connection::client(Config::default(), |buf: &mut [u8]| buf.copy_from_slice(&KEY))
        .with_deflate(&agreement(takeover, takeover, 0))
}

fn compressed(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    raw_frame(true, Rsv::RSV1, opcode, Some(KEY), payload)
}

/// RFC 7692 §7.2.3.
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn the_examples_of_the_rfc_are_understood() {
    let clock = Clock::new();
    let mut server = server(true);
    let fragments = [
        raw_frame(false, Rsv::RSV1, Opcode::Text, Some(KEY), &HELLO[..3]),
        raw_frame(true, Rsv::NONE, Opcode::Continuation, Some(KEY), &HELLO[3..]),
    ]
    .concat();
    for (name, wire) in [
        ("one block", compressed(Opcode::Text, &HELLO)),
        ("two fragments", fragments),
        ("sharing the window", compressed(Opcode::Text, &[0xf2, 0x00, 0x11, 0x00, 0x00])),
        (
            "no compression",
            compressed(
                Opcode::Text,
                &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            ),
        ),
        (
            "a final block",
            compressed(Opcode::Text, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
        ),
        (
            "two blocks",
            compressed(
                Opcode::Text,
                &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
            ),
        ),
        ("uncompressed", masked(Opcode::Text, b"Hello")),
    ] {
        assert_eq!(receive(&mut server, clock.now(), &wire), [text("Hello")], "{name}");
    }
}

#[test]
fn messages_below_the_threshold_and_on_request_leave_as_they_are() {
    let mut server =
        Connection::server(Config::default()).with_deflate(&agreement(false, false, 10));
    let long = "a".repeat(10);
    server.send_text("short").unwrap();
    server.send_with(Message::from(long.as_str()), Compression::Never).unwrap();
    let plain = [
        raw_frame(true, Rsv::NONE, Opcode::Text, None, b"short"),
        raw_frame(true, Rsv::NONE, Opcode::Text, None, long.as_bytes()),
    ];
    assert_eq!(sent(&mut server), plain.concat());
    for compression in [Compression::Auto, Compression::Always] {
        server.send_with(Message::from(long.as_str()), compression).unwrap();
        assert_eq!(sent(&mut server)[0], 0xc1);
    }
    server.send_with(Message::from("short"), Compression::Always).unwrap();
    assert_eq!(sent(&mut server)[0], 0xc1);
    // The empty message is a byte that the RFC gives (§7.2.3.6).
    server.send_with(Message::from(""), Compression::Always).unwrap();
    assert_eq!(sent(&mut server), [0xc1, 0x01, 0x00]);
}

#[test]
fn rsv1_is_refused_without_an_agreement_and_where_it_does_not_belong() {
    let clock = Clock::new();
    let violation = [Got::Closed(CloseReason::Violation(Violation::ReservedBits))];
    let mut plain = common::server();
    assert_eq!(receive(&mut plain, clock.now(), &compressed(Opcode::Text, &HELLO)), violation);
    for opcode in [Opcode::Ping, Opcode::Pong, Opcode::Close, Opcode::Continuation] {
        let mut server = server(true);
        receive(&mut server, clock.now(), &common::fragment(Opcode::Text, b"x"));
        assert_eq!(receive(&mut server, clock.now(), &compressed(opcode, b"")), violation);
    }
    for rsv in [Rsv::RSV2, Rsv::RSV3, Rsv::RSV1.union(Rsv::RSV2)] {
        let mut server = server(true);
        let wire = raw_frame(true, rsv, Opcode::Text, Some(KEY), &HELLO);
        assert_eq!(receive(&mut server, clock.now(), &wire), violation);
    }
}

#[test]
fn what_does_not_inflate_or_is_no_text_closes_with_1007() {
    let clock = Clock::new();
    for (payload, violation) in [
        (&[0xff, 0xff, 0xff, 0xff][..], Violation::Inflate),
        // Cut inside a block.
        (&HELLO[..3], Violation::Inflate),
        // Stored, and no UTF-8.
        (&[0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00], Violation::InvalidUtf8),
    ] {
        let mut whole = server(false);
        let wire = compressed(Opcode::Text, payload);
        let closed = Got::Closed(CloseReason::Violation(violation));
        assert_eq!(receive(&mut whole, clock.now(), &wire), std::slice::from_ref(&closed));
        assert!(sent(&mut whole).ends_with(&common::close(1007, "")));
        let mut chunks = server(false);
        let got = receive_chunks(&mut chunks, clock.now(), &wire);
        assert_eq!(got.last(), Some(&common::Part::Other(closed)));
    }
}

#[test]
fn the_limit_counts_what_comes_out() {
    let clock = Clock::new();
    let max = Config::default().max_message_size;
    let mut sender = client(false);
    for (len, accepted) in [(max, true), (max + 1, false), (50 << 20, false)] {
        sender.send_binary(&vec![0; len]).unwrap();
        let wire = sent(&mut sender);
        assert!(wire.len() < 1_000_000);
        let mut server = server(false);
        let got = receive(&mut server, clock.now(), &wire);
        let expected = if accepted {
            Got::Message(vec![0; len].into())
        } else {
            Got::Closed(CloseReason::Violation(Violation::MessageTooBig))
        };
        assert!(got == [expected], "{len}");
    }
}

#[test]
fn compressed_frames_that_come_to_nothing_are_limited_too() {
    let clock = Clock::new();
    let mut server = server(false);
    // Empty stored blocks, a great many.
    let nothing = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(20_000);
    let first = raw_frame(false, Rsv::RSV1, Opcode::Binary, Some(KEY), &nothing);
    let more = common::fragment(Opcode::Continuation, &nothing);
    let mut got = receive(&mut server, clock.now(), &first);
    for _ in 0..20 {
        got.extend(receive(&mut server, clock.now(), &more));
    }
    assert_eq!(got, [Got::Closed(CloseReason::Violation(Violation::MessageTooBig))]);
}

#[test]
fn a_bomb_read_in_chunks_comes_in_small_ones() {
    let clock = Clock::new();
    let len = 20 << 20;
    let mut sender = client(false);
    sender.send_binary(&vec![7; len]).unwrap();
    let mut server = server(false);
    let mut total = 0;
    for piece in sent(&mut sender).chunks(50_000) {
        for part in receive_chunks(&mut server, clock.now(), piece) {
            let Chunk(Kind::Binary, data, first, last) = part else {
                panic!("{part:?}");
            };
            assert!(data.len() <= 64 << 10);
            assert_eq!(first, total == 0);
            total += data.len();
            assert_eq!(last, total == len);
        }
    }
    assert_eq!(total, len);
}

#[test]
fn a_skipped_message_keeps_the_window_right() {
    let clock = Clock::new();
    let (mut client, mut server) = (client(true), server(true));
    let words = "some words that come again ".repeat(10);
    client.send_fragment(Kind::Text, words.as_bytes(), Part::More).unwrap();
    let got = receive_chunks(&mut server, clock.now(), &sent(&mut client));
    assert!(matches!(got[..], [Chunk(Kind::Text, _, true, false)]));
    client.send_fragment(Kind::Text, words.as_bytes(), Part::Last).unwrap();
    client.send_text(&words).unwrap();
    assert_eq!(receive(&mut server, clock.now(), &sent(&mut client)), [text(&words)]);
}

#[test]
fn prepared_messages_go_compressed_to_those_who_agreed() {
    let clock = Clock::new();
    let words = "some words that come again ".repeat(10);
    let prepared = Prepared::new(&Message::from(words.as_str())).compress(6, 12);
    assert_eq!(prepared.payload(), words.as_bytes());
    let mut plain = common::server();
    plain.send_prepared(&prepared).unwrap();
    assert!(sent(&mut plain).len() > words.len());
    let (mut server, mut client) = (server(true), client(true));
    // Between messages that share a window, too.
    for _ in 0..3 {
        server.send_text(&words).unwrap();
        server.send_prepared(&prepared).unwrap();
    }
    let wire = sent(&mut server);
    assert!(wire.len() < 2 * words.len());
    assert_eq!(receive(&mut client, clock.now(), &wire), vec![text(&words); 6]);
}

#[test]
fn an_idle_connection_without_takeover_owns_no_context() {
    let clock = Clock::new();
    let mut server = server(false);
    receive(&mut server, clock.now(), &compressed(Opcode::Text, &HELLO));
    server.send_text("Hello").unwrap();
    sent(&mut server);
    assert!(size_of::<Connection>() <= 300, "{}", size_of::<Connection>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_ends_understand_each_other_in_any_pieces(
        messages in vec((any::<bool>(), ".{0,80}", 1usize..40, 0usize..3), 1..8),
        takeover: bool,
        size in 1usize..400,
        cut in 1usize..300,
    ) {
        let clock = Clock::new();
        let mut config = Config::default();
        config.fragment_size = std::num::NonZeroUsize::new(cut);
        let mut sender = Connection::server(config)
            .with_deflate(&agreement(takeover, takeover, 20));
        let mut expected = Vec::new();
        for (is_text, text, times, fragments) in messages {
            let text = text.repeat(times);
            let kind = if is_text { Kind::Text } else { Kind::Binary };
            let bytes = text.as_bytes();
            for turn in 0..fragments {
                let (start, end) = (bytes.len() * turn / 3, bytes.len() * (turn + 1) / 3);
                sender.send_fragment(kind, &bytes[start..end], Part::More).unwrap();
            }
            let rest = &bytes[bytes.len() * fragments / 3..];
            if fragments > 0 {
                sender.send_fragment(kind, rest, Part::Last).unwrap();
            } else if is_text {
                sender.send_text(&text).unwrap();
            } else {
                sender.send_binary(bytes).unwrap();
            }
            expected.push(match kind {
                Kind::Text => Message::from(text),
                Kind::Binary => Message::from(text.into_bytes()),
            });
        }
        let wire = sent(&mut sender);
        let mut whole = client(takeover);
        let mut got = Vec::new();
        for piece in wire.chunks(size) {
            got.extend(receive(&mut whole, clock.now(), piece));
        }
        let expected_events: Vec<_> = expected.iter().cloned().map(Got::Message).collect();
        prop_assert_eq!(got, expected_events);
        let mut chunked = client(takeover);
        let mut joined: Vec<Vec<u8>> = Vec::new();
        for piece in wire.chunks(size) {
            for part in receive_chunks(&mut chunked, clock.now(), piece) {
                let Chunk(_, data, first, _) = part else { panic!("{part:?}") };
                if first {
                    joined.push(Vec::new());
                }
                joined.last_mut().expect("a first chunk").extend(data);
            }
        }
        prop_assert!(joined.iter().map(Vec::as_slice).eq(expected.iter().map(Message::as_bytes)));
    }
}

#[test]
fn a_full_chunk_with_nothing_behind_it_does_not_stop_the_reading() {
    let clock = Clock::new();
    let (mut client, mut server) = (client(false), server(false));
    client.send_fragment(Kind::Binary, &vec![0; 64 << 10], Part::More).unwrap();
    client.send_fragment(Kind::Binary, b"end", Part::Last).unwrap();
    let got = receive_chunks(&mut server, clock.now(), &sent(&mut client));
    let [Chunk(_, first, true, false), Chunk(_, last, false, true)] = &got[..] else {
        panic!("{} chunks", got.len());
    };
    assert_eq!((first.len(), &last[..]), (64 << 10, &b"end"[..]));
}

#[test]
fn a_full_chunk_may_be_the_last_that_is_wanted() {
    let clock = Clock::new();
    for takeover in [false, true] {
        for complete in [false, true] {
            let (mut client, mut server) = (client(takeover), server(takeover));
            let words = "some words that come again ".repeat(10);
            let part = if complete { Part::Last } else { Part::More };
            let long = [words.as_bytes(), &vec![b'x'; 300_000]].concat();
            client.send_fragment(Kind::Text, &long, part).unwrap();
            let mut wire = sent(&mut client);
            let mut input = &mut wire[..];
            assert!(server.poll_chunk(clock.now(), &mut input).is_some());
            assert!(input.is_empty());
            if !complete {
                client.send_fragment(Kind::Text, words.as_bytes(), Part::Last).unwrap();
            }
            client.send_text(&words).unwrap();
            let got = receive(&mut server, clock.now(), &sent(&mut client));
            assert_eq!(got, [text(&words)], "takeover {takeover}, complete {complete}");
        }
    }
}

#[test]
fn what_does_not_compress_is_within_the_limit_all_the_same() {
    let clock = Clock::new();
    let mut random = 1_u32;
    let payload: Vec<u8> = (0..1_000_000)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8 | 0x90
        })
        .collect();
    let (mut client, mut server) = (client(false), server(false));
    client.send_binary(&payload).unwrap();
    let wire = sent(&mut client);
    assert!(wire.len() > payload.len() / 2);
    assert!(receive(&mut server, clock.now(), &wire) == [Got::Message(payload.into())]);
}

#[test]
fn no_limit_is_no_limit() {
    let clock = Clock::new();
    let mut config = Config::default();
    config.max_message_size = usize::MAX;
    let mut server = Connection::server(config).with_deflate(&agreement(false, false, 0));
    let got = receive(&mut server, clock.now(), &compressed(Opcode::Text, &HELLO));
    assert_eq!(got, [text("Hello")]);
}
