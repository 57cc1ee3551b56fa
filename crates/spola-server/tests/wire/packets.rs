//! Socket.IO packets at the wire (§14, §15, §17 of the wire text).

use crate::harness::{hex, recorder};

#[test]
fn events_arrive_as_they_were_sent() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    for (packet, event) in [
        (r#"42["a"]"#, r#"["a"]"#),
        (r#"42/,["a"]"#, r#"["a"]"#),
        (r#"420["a"]"#, r#"["a"]"#),
        (r#"4200["a"]"#, r#"["a"]"#),
        (r#"42["hello",1,"€"]"#, r#"["hello",1,"€"]"#),
        (r#"42["connection"]"#, r#"["connection"]"#),
        (r#"42[1]"#, "[1]"),
        (r#"42["a",{"_placeholder":true,"num":0}]"#, r#"["a",{"_placeholder":true,"num":0}]"#),
    ] {
        client.send(packet);
        assert_eq!(log.take(), [event], "{packet}");
    }
    client.expect_silence();
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn an_event_is_the_frame_of_the_specification() {
    let (world, _) = recorder();
    let mut client = world.join();
    world.io().emit("hello", (1, "€")).unwrap();
    assert_eq!(client.raw(), hex("81 13 34 32 5b 22 68 65 6c 6c 6f 22 2c 31 2c 22 e2 82 ac 22 5d"));
}

#[test]
fn unknown_acks_are_ignored() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    for packet in ["43999[]", "432", "430[\"x\"]"] {
        client.send(packet);
    }
    client.send("42[\"a\"]");
    assert_eq!(log.take(), [r#"["a"]"#]);
}

#[test]
fn malformed_packets_end_the_session() {
    for packets in [
        &[r#"42[]"#] as &[_],
        &["42{}"],
        &[r#"42"a""#],
        &[r#"42["connect"]"#],
        &[r#"42["disconnecting"]"#],
        &["42[null]"],
        &["42[true]"],
        &[r#"42["a""#],
        &[r#"42["a"]x"#],
        &["431{}"],
        &["41{}"],
        &["41[]"],
        &["40[]"],
        &["40null"],
        &["47"],
        &["4a"],
        &["4"],
        // Six bytes, with a character of three inside.
        &["451€-"],
        &[r#"45["a"]"#],
        &[r#"45-["a"]"#],
        &[r#"45x-["a"]"#],
        &[r#"45-1-["a"]"#],
        &[r#"451.5-["a"]"#],
        &[r#"4511-["a"]"#],
        &[r#"451-["a",{"_placeholder":true,"num":0}]"#, r#"42["b"]"#],
        &[r#"451-["a",{"_placeholder":true,"num":1}]"#, "bAA=="],
        &[r#"42/a,b,["c"]"#],
        &["bAA=="],
    ] {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        for packet in packets {
            client.send(packet);
        }
        assert_eq!(client.raw(), hex("88 00"), "{packets:?}");
        assert_eq!(log.take(), ["forced close"], "{packets:?}");
    }
}

#[test]
fn a_binary_message_without_a_packet_ends_the_session() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.send_binary(b"\0");
    assert_eq!(client.raw(), hex("88 00"));
    assert_eq!(log.take(), ["forced close"]);
}

#[test]
fn attachments_have_30_seconds() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    client.send(r#"452-["a",{"_placeholder":true,"num":0}]"#);
    client.send_binary(b"x");
    world.advance(crate::harness::secs(25));
    assert_eq!(client.text(), "2");
    client.send("3");
    world.advance(crate::harness::millis(4999));
    client.expect_silence();
    world.advance(crate::harness::millis(1));
    assert_eq!(client.raw(), hex("88 00"));
    assert_eq!(log.take(), ["forced close"]);
}

#[test]
fn namespaces_are_joined_by_their_names() {
    let (world, _) = recorder();
    world.io().namespace("/admin");
    world.io().namespace("chat");
    for (packet, reply) in [
        ("40", "40{\"sid\":\""),
        ("40/admin,", "40/admin,{\"sid\":\""),
        ("40/admin", "40/admin,{\"sid\":\""),
        ("40/chat,{\"token\":1}", "40/chat,{\"sid\":\""),
        ("407{\"a\":1}", "40{\"sid\":\""),
        ("40/,", "40{\"sid\":\""),
        ("40/admin?token=1,", "44/admin?token=1,{\"message\":\"Invalid namespace\"}"),
        ("40/unknown,", "44/unknown,{\"message\":\"Invalid namespace\"}"),
        ("40/Admin,", "44/Admin,{\"message\":\"Invalid namespace\"}"),
    ] {
        let mut client = world.open_websocket();
        client.send(packet);
        let text = client.text();
        assert!(text.starts_with(reply), "{packet}: {text}");
        client.expect_silence();
    }
}

#[test]
fn public_ids_are_20_characters_and_new_for_each_namespace() {
    let (world, _) = recorder();
    world.io().namespace("/admin");
    let (mut client, root) = world.join_with_id();
    client.send("40/admin,");
    let admin = crate::harness::sid_of(&client.text());
    assert_ne!(root, admin);
    assert_eq!((root.len(), admin.len()), (20, 20));
    let session = world.join_polling();
    let sockets = world.io().sockets();
    assert!(sockets.iter().all(|socket| socket.id() != session.sid));
}

#[test]
fn at_most_64_namespaces_are_joined() {
    let (world, _) = recorder();
    for n in 0..70 {
        world.io().namespace(&format!("/{n}"));
    }
    let mut client = world.open_websocket();
    for n in 0..64 {
        client.send(&format!("40/{n},"));
        assert!(client.text().starts_with(&format!("40/{n},{{")));
    }
    client.send("40/64,");
    assert_eq!(client.text(), r#"44/64,{"message":"too many namespaces"}"#);
    client.send("41/3,");
    client.send("40/64,");
    assert!(client.text().starts_with("40/64,{\"sid\""));
}

#[test]
fn packets_have_limits() {
    let long = |len: usize| "x".repeat(len);
    let deep = |depth: usize| format!(r#"42["a",{}1{}]"#, "[".repeat(depth), "]".repeat(depth));
    for (case, fits, too_much) in [
        (
            "the name of an event",
            format!(r#"42["{}"]"#, long(1024)),
            format!(r#"42["{}"]"#, long(1025)),
        ),
        ("nesting", deep(127), deep(128)),
        (
            "the id of an acknowledgement",
            r#"429007199254740991["a"]"#.to_owned(),
            r#"429007199254740992["a"]"#.to_owned(),
        ),
        ("the name of a namespace", format!("40/{},", long(254)), format!("40/{},", long(255))),
        (
            "the payload of a CONNECT",
            format!(r#"40/x,{{"a":"{}"}}"#, long(65_536 - 8)),
            format!(r#"40/x,{{"a":"{}"}}"#, long(65_536 - 7)),
        ),
    ] {
        let (world, _) = recorder();
        let mut client = world.join();
        client.send(&fits);
        assert_eq!(world.io().session_count(), 1, "{case}");
        client.raw();
        client.send(&too_much);
        assert_eq!(client.raw(), hex("88 00"), "{case}");
    }
}

#[test]
fn half_an_emoji_costs_nobody_a_connection() {
    let (world, _) = recorder();
    let mut client = world.join();
    client.send(r#"420["echo","a\ud83d"]"#);
    assert_eq!(client.text(), "430[\"a\u{fffd}\"]");
    client.send(r#"420["echo","\ud83d\ude00"]"#);
    assert_eq!(client.text(), r#"430["😀"]"#);
}
