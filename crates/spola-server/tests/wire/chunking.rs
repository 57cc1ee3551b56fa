//! How bytes are cut on the way changes nothing, and no bytes do harm.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::harness::{Client, Frame, Log, World, fragment, masked, recorder, upgrade_request};

/// What the server made of the bytes: what it wrote, and what the application heard.
#[derive(Debug, PartialEq)]
struct Outcome {
    response: String,
    frames: Vec<Frame>,
    log: Vec<String>,
}

/// Writes `bytes`, cut into pieces of these lengths over and over, to a client whose end of the
/// pipe holds `capacity` bytes.
fn write_in_pieces(client: &mut Client, bytes: &[u8], lens: &[usize], capacity: usize) {
    client.end.set_capacity(capacity);
    let mut lens = lens.iter().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = lens.next().map_or(rest.len(), |len| *len).min(rest.len());
        client.write(&rest[..len]);
        rest = &rest[len..];
    }
}

fn converse(bytes: &[u8], lens: &[usize], capacity: usize) -> Outcome {
    let (world, log) = recorder();
    let mut client = world.connect();
    write_in_pieces(&mut client, bytes, lens, capacity);
    let response = client.response().head;
    let mut frames = client.frames();
    // Of several pings the last may be answered for all.
    frames.retain(|frame| !matches!(frame, Frame::Pong(_)));
    end(&world, client);
    Outcome { response, frames, log: log.take() }
}

/// The client goes, and nothing of it stays.
fn end(world: &World, mut client: Client) {
    client.shut();
    client.reset();
    world.advance(crate::harness::secs(60));
    assert_eq!(world.runtime.tasks(), 0);
    assert_eq!(world.io().session_count(), 0);
}

/// A step of a conversation over WebSocket.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let text = "[a-z€😀]{0,200}";
    prop_oneof![
        8 => (text, any::<Option<u8>>()).prop_map(|(text, ack)| {
            let ack = ack.map(|ack| ack.to_string()).unwrap_or_default();
            masked(1, format!(r#"42{ack}["echo","{text}"]"#).as_bytes())
        }),
        2 => vec(any::<u8>(), 0..300).prop_map(|data| {
            let mut bytes = masked(1, br#"451-["bytes",{"_placeholder":true,"num":0}]"#);
            bytes.extend(masked(2, &data));
            bytes
        }),
        2 => (text, 0..20_usize).prop_map(|(text, at)| {
            let message = format!(r#"42["fragments","{text}"]"#).into_bytes();
            let (head, tail) = message.split_at(at.min(message.len()));
            [fragment(0x01, head), masked(9, b"ping"), fragment(0x80, tail)].concat()
        }),
        2 => Just(masked(9, b"")),
        1 => Just(masked(1, b"3")),
    ]
}

/// How it may end: well, by leaving, or by a fault.
fn last_step() -> impl Strategy<Value = Vec<u8>> {
    let texts = prop::sample::select(vec!["41", "40", "4x", "9", "2", "42[\"a\""]);
    prop_oneof![
        4 => Just(Vec::new()),
        6 => texts.prop_map(|text| masked(1, text.as_bytes())),
        1 => Just(masked(1, b"42[\"\xff\"]")),
        1 => Just(masked(8, b"\x03\xe8")),
        1 => Just(vec![0x81, 0x00]),
    ]
}

/// Takes the answers to events out. A client that leaves in the same breath may miss some of the
/// last, and that is all that may differ.
fn take_answers(outcome: &mut Outcome) -> Vec<Frame> {
    let is_answer =
        |frame: &mut Frame| matches!(frame, Frame::Text(text) if text.starts_with("43"));
    outcome.frames.extract_if(.., is_answer).collect()
}

/// Posts the payloads over one connection, then fetches, and tells what came.
fn post_all(payloads: &[String], lens: &[usize], capacity: usize) -> (String, Vec<String>) {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut client = world.connect();
    let mut bytes = String::new();
    for payload in payloads {
        bytes += &session.post_bytes(payload);
    }
    bytes += &format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", session.target());
    write_in_pieces(&mut client, bytes.as_bytes(), lens, capacity);
    let received = String::from_utf8(client.raw()).unwrap();
    end(&world, client);
    (received, log.take())
}

fn payload() -> impl Strategy<Value = String> {
    let packet = prop_oneof![
        6 => ("[a-z€]{0,50}", any::<u8>())
            .prop_map(|(text, ack)| format!(r#"42{ack}["echo","{text}"]"#)),
        2 => Just("451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID".to_owned()),
        1 => Just("3".to_owned()),
        1 => Just("6".to_owned()),
    ];
    vec(packet, 1..5).prop_map(|packets| packets.join("\x1e"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn chunking_changes_nothing_over_websocket(
        steps in vec(step(), 0..20),
        last in last_step(),
        lens in vec(1..100_usize, 1..10),
        capacity in 1..300_usize,
    ) {
        let mut bytes = upgrade_request("EIO=4&transport=websocket").into_bytes();
        bytes.extend(masked(1, b"40"));
        bytes.extend(steps.concat());
        bytes.extend(&last);
        let mut whole = converse(&bytes, &[], usize::MAX);
        let mut pieces = converse(&bytes, &lens, capacity);
        let (few, all) = (take_answers(&mut whole), take_answers(&mut pieces));
        prop_assert!(all.starts_with(&few));
        prop_assert!(few == all || !last.is_empty());
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn chunking_changes_nothing_over_polling(
        mut payloads in vec(payload(), 1..5),
        last in prop::sample::select(vec!["", "", "\x1e", "\x1e9", "\x1e1", "\x1e41"]),
        lens in vec(1..100_usize, 1..10),
        capacity in 1..300_usize,
    ) {
        payloads.last_mut().unwrap().push_str(last);
        let whole = post_all(&payloads, &[], usize::MAX);
        let pieces = post_all(&payloads, &lens, capacity);
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn no_bytes_harm_the_http_side(bytes in vec(any::<u8>(), 0..500)) {
        let (world, _) = recorder();
        let client = world.request(&bytes);
        end(&world, client);
    }

    #[test]
    fn no_query_harms_the_http_side(query in "(EIO|transport|sid|b64|j|t|=|&|%|4|polling|websocket|[ -~&&[^ ]]){0,12}") {
        let (world, log) = recorder();
        for request in ["GET", "POST", "PUT"] {
            world.plain(&format!("{request} /socket.io/?{query}")).raw();
        }
        world.upgrade(&query).raw();
        prop_assert_eq!(log.take(), Vec::<String>::new());
    }

    #[test]
    fn no_bytes_harm_the_websocket(bytes in vec(any::<u8>(), 0..500)) {
        let (world, _) = recorder();
        let mut client = world.join();
        client.write(&bytes);
        end(&world, client);
    }

    #[test]
    fn no_messages_harm_the_session(
        messages in vec("(0|1|2|3|4|5|6|7|-|/|,|\\[|\\]|\\{|\\}|\"|a|:|_placeholder|num|true|null|€){0,20}", 0..8),
        binary in any::<bool>(),
    ) {
        let (world, _) = recorder();
        let mut client = world.join();
        let session = world.join_polling();
        for message in &messages {
            let opcode = if binary { 2 } else { 1 };
            client.write(masked(opcode, format!("4{message}").as_bytes()));
            session.post(&format!("4{message}"));
        }
        end(&world, client);
    }
}

#[test]
fn the_log_is_the_same_for_both_transports() {
    let events = [r#"42["a"]"#, r#"42["b",{"c":[1,2]}]"#, r#"420["d"]"#];
    let heard = |log: &Log| {
        let mut lines = log.take();
        lines.retain(|line| line.starts_with('['));
        lines
    };
    let (world, log) = recorder();
    let session = world.join_polling();
    session.post(&events.join("\x1e"));
    let polled = heard(&log);
    let mut client = world.join();
    events.iter().for_each(|event| client.send(event));
    assert_eq!(polled, heard(&log));
    assert_eq!(polled.len(), 3);
}
