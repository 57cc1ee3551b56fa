//! The WebSocket as a transport (§6 of the wire text), and what a peer may not do with it.

use crate::harness::{
    Frame, World, announced, close_code, fragment, hex, masked, millis, recorder, secs, sid_of,
    upgrade_request,
};

#[test]
fn the_handshake_is_107_bytes_over_websocket() {
    let (world, _) = recorder();
    let mut client = world.upgrade("EIO=4&transport=websocket");
    assert_eq!(client.response().status, 101);
    let bytes = client.raw();
    assert_eq!(bytes[..4], hex("81 6b 30 7b"));
    let open = String::from_utf8(bytes[2..].to_vec()).unwrap();
    assert_eq!(open.len(), 107);
    let sid = sid_of(&open);
    assert_eq!(
        open,
        format!(
            r#"0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
        )
    );
}

#[test]
fn frames_sent_before_the_101_are_read() {
    let (world, log) = recorder();
    let mut client = world.connect();
    let mut bytes = upgrade_request("EIO=4&transport=websocket").into_bytes();
    bytes.extend(hex("81 82 37 fa 21 3d 03 ca"));
    bytes.extend(masked(1, b"42[\"a\"]"));
    client.write(bytes);
    assert_eq!(client.response().status, 101);
    assert_eq!(client.texts().len(), 2);
    assert_eq!(log.take(), ["connect", r#"["a"]"#]);
}

#[test]
fn what_a_write_waits_for_is_read() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.end.let_write_read();
    world.io().emit("n", ()).unwrap();
    world.runtime.run_until_idle();
    client.send("42[\"a\"]");
    assert_eq!(log.take(), [r#"["a"]"#]);
    assert_eq!(client.texts(), [r#"42["n"]"#]);
}

#[test]
fn binary_goes_as_it_is() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.send(r#"451-["upload",{"_placeholder":true,"num":0}]"#);
    client.write(hex("82 84 37 fa 21 3d 36 f8 22 39"));
    assert_eq!(log.take(), [r#"["upload",{"_placeholder":true,"num":0}]"#]);
    let data = bytes::Bytes::from_static(&[1, 2, 3, 4]);
    world.io().emit("download", data).unwrap();
    assert_eq!(
        client.frames(),
        [
            Frame::Text(r#"451-["download",{"_placeholder":true,"num":0}]"#.into()),
            Frame::Binary(vec![1, 2, 3, 4]),
        ]
    );
}

#[test]
fn binary_goes_as_base64_to_a_client_that_asked_for_it() {
    let (world, _) = recorder();
    let mut client = world.upgrade("EIO=4&transport=websocket&b64=1");
    assert_eq!(client.response().status, 101);
    client.send("40");
    assert_eq!(client.texts().len(), 2);
    let data = bytes::Bytes::from_static(&[1, 2, 3, 4]);
    world.io().emit("download", data).unwrap();
    let bytes = client.raw();
    assert!(bytes.ends_with(&hex("81 09 62 41 51 49 44 42 41 3d 3d")));
}

#[test]
fn a_bad_packet_is_a_parse_error_and_a_close_without_status() {
    for packet in ["", "7", "8", "9", "x", " 2", "b!!", "-1"] {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        client.send(packet);
        assert_eq!(client.raw(), hex("88 00"), "{packet:?}");
        assert_eq!(log.take(), ["parse error"], "{packet:?}");
        client.write(hex("88 80 37 fa 21 3d"));
        client.shut();
        assert!(client.is_closed(), "{packet:?}");
        assert_eq!(world.runtime.tasks(), 0, "{packet:?}");
    }
}

#[test]
fn open_close_and_upgrade_packets_are_ignored() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    for packet in ["0", "1", "5", "6"] {
        client.send(packet);
    }
    client.send("42[\"a\"]");
    assert_eq!(log.take(), [r#"["a"]"#]);
    client.expect_silence();
}

/// What a client does wrong, and the close code for it.
fn violations() -> Vec<(&'static str, Vec<u8>, u16)> {
    let too_many_fragments = {
        let mut bytes = fragment(0x01, b"4");
        bytes.extend(fragment(0x00, b"").repeat(1024));
        bytes
    };
    vec![
        ("invalid UTF-8", masked(1, b"42[\"\xff\"]"), 1007),
        ("UTF-8 that ends early", masked(1, b"42[\"\xe2\x82"), 1007),
        ("a surrogate in UTF-8", masked(1, b"4\xed\xa0\x80"), 1007),
        ("a message too long", announced(0x81, 1_000_001), 1009),
        ("2^63 - 1 bytes", announced(0x82, i64::MAX as u64), 1009),
        ("no mask", hex("81 01 33"), 1002),
        ("RSV1", fragment(0xc1, b"3"), 1002),
        ("opcode 3", fragment(0x83, b""), 1002),
        ("a long ping", fragment(0x89, &[0; 126]), 1002),
        ("a ping in fragments", fragment(0x09, b""), 1002),
        ("a continuation of nothing", fragment(0x80, b""), 1002),
        ("a length that could be shorter", hex("81 fe 00 01 37 fa 21 3d 04"), 1002),
        ("a close of one byte", masked(8, b"x"), 1002),
        ("close code 1005", masked(8, &close_code(1005)), 1002),
        ("a bad reason", masked(8, b"\x03\xe8\xff"), 1007),
        ("1025 fragments", too_many_fragments, 1008),
        ("a storm of pings", masked(9, b"").repeat(1000), 1008),
    ]
}

#[test]
fn violations_get_the_close_code_that_fits() {
    for (case, bytes, code) in violations() {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        client.write(bytes);
        let mut frames = client.frames();
        frames.retain(|frame| !matches!(frame, Frame::Pong(_)));
        assert!(
            matches!(&frames[..], [Frame::Close(payload)] if payload.starts_with(&close_code(code))),
            "{case}: {frames:?}"
        );
        assert_eq!(log.take(), ["transport error"], "{case}");
        // Nothing that comes now is looked at, and the connection ends.
        client.write(masked(1, b"42[\"late\"]"));
        client.shut();
        assert!(client.is_closed(), "{case}");
        assert!(!client.end.was_cut(), "{case}: input was left unread");
        assert!(log.take().is_empty(), "{case}");
        assert_eq!(world.runtime.tasks(), 0, "{case}");
    }
}

#[test]
fn a_message_of_the_limit_passes() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    let text = format!("42[\"a\",\"{}\"]", "x".repeat(1_000_000 - 10));
    client.send(&text);
    assert!(log.take() == [&text[2..]]);
    // The limit counts what fragments add up to.
    client.write(fragment(0x01, &text.as_bytes()[..600_000]));
    client.write(fragment(0x80, &text.as_bytes()[..400_001]));
    assert!(
        matches!(&client.frames()[..], [Frame::Close(payload)] if payload[..2] == close_code(1009))
    );
}

#[test]
fn what_a_peer_still_sends_is_read_so_that_our_last_words_arrive() {
    for (len, cut) in [(3 << 20, false), (8 << 20, true)] {
        let (world, _) = recorder();
        let mut client = world.join();
        client.write(announced(0x81, 1_000_001));
        assert!(matches!(&client.frames()[..], [Frame::Close(_)]));
        client.write(vec![b'x'; len]);
        assert_eq!(client.end.was_cut(), cut);
        // It does not wait for the peer's end for long, either.
        world.advance(millis(1999));
        assert_eq!(world.runtime.tasks(), usize::from(!cut));
        world.advance(millis(1));
        assert_eq!(world.runtime.tasks(), 0);
    }
}

#[test]
fn the_limit_can_be_set() {
    let mut config = spola_server::Config::default();
    config.engine.max_payload = 100;
    let (world, _) = crate::harness::recorder_with(config);
    let mut client = world.join();
    client.send(&format!("42[\"a\",\"{}\"]", "x".repeat(90)));
    client.expect_silence();
    client.write(announced(0x81, 101));
    assert!(
        matches!(&client.frames()[..], [Frame::Close(payload)] if payload[..2] == close_code(1009))
    );
}

#[test]
fn a_message_may_come_in_fragments_with_pings_between() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.write(fragment(0x01, b"42[\"\xe2"));
    client.write(masked(9, b"x"));
    client.write(fragment(0x00, b"\x82"));
    client.write(fragment(0x80, b"\xac\"]"));
    assert_eq!(client.frames(), [Frame::Pong(b"x".to_vec())]);
    assert_eq!(log.take(), [r#"["€"]"#]);
}

#[test]
fn a_message_has_30_seconds_to_become_whole() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.write(fragment(0x01, b"42[\""));
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    world.advance(millis(4999));
    client.expect_silence();
    world.advance(millis(1));
    let frames = client.frames();
    assert!(matches!(&frames[..], [Frame::Close(payload)] if payload[..2] == close_code(1008)));
    assert_eq!(log.take(), ["transport error"]);
}

#[test]
fn a_close_frame_is_answered_and_the_session_closes() {
    for (case, frame, answer) in [
        ("without status", hex("88 80 37 fa 21 3d"), Vec::new()),
        ("1000", masked(8, &close_code(1000)), close_code(1000).to_vec()),
        ("1001", masked(8, b"\x03\xe9bye"), close_code(1001).to_vec()),
    ] {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        client.write(frame);
        let frames = client.frames();
        assert!(
            matches!(&frames[..], [Frame::Close(payload)] if payload.starts_with(&answer)),
            "{case}: {frames:?}"
        );
        assert_eq!(log.take(), ["transport close"], "{case}");
        client.shut();
        assert!(client.is_closed(), "{case}");
        assert_eq!(world.runtime.tasks(), 0, "{case}");
    }
}

#[test]
fn a_lost_connection_is_a_transport_close() {
    for case in ["end", "reset", "end within a frame"] {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        match case {
            "end" => client.shut(),
            "reset" => client.reset(),
            _ => {
                client.write(&masked(1, b"42[\"a\"]")[..5]);
                client.shut();
            }
        }
        assert_eq!(log.take(), ["transport close"], "{case}");
        assert_eq!(world.io().session_count(), 0, "{case}");
        assert_eq!(world.runtime.tasks(), 0, "{case}");
    }
}

/// A world with a client whose session the server has just closed.
fn closed_by_server(world: &World) -> crate::harness::Client {
    let mut client = world.join();
    for socket in world.io().sockets() {
        socket.disconnect_session();
    }
    assert_eq!(client.frames(), [Frame::Text("41".into()), Frame::Close(Vec::new())]);
    client
}

#[test]
fn a_peer_that_never_answers_our_close_is_cut_after_5_seconds() {
    let (world, _) = recorder();
    let mut client = closed_by_server(&world);
    world.advance(millis(4999));
    assert!(!client.is_closed());
    world.advance(millis(1));
    assert!(client.is_closed());
    // It lingers for the peer's end, but not for long.
    world.advance(secs(2));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn after_our_close_packets_are_ignored() {
    let (world, log) = recorder();
    let mut client = closed_by_server(&world);
    log.take();
    client.send("42[\"a\"]");
    client.send("9");
    client.send("40");
    client.expect_silence();
    assert!(log.take().is_empty());
    client.write(hex("88 80 37 fa 21 3d"));
    client.shut();
    assert!(client.is_closed());
    assert_eq!(world.runtime.tasks(), 0);
}
