//! Long-polling (§§2.2, 5).

use bytes::Bytes;
use spola_engineio::{
    Config,
    packet::EncodedMessage,
    server::{Opening, RequestId, SendError},
};

use crate::World;

#[test]
fn session_opens_with_the_official_packet() {
    let mut world = World::new(Opening::Polling(RequestId(7)), &Config::default());
    assert_eq!(world.events(), ["opened"]);
    assert_eq!(
        world.out(),
        [concat!(
            r#"get 7: 0{"sid":"AAECAwQFBgcICQoLAAAA","upgrades":["websocket"],"#,
            r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
        )]
    );
}

#[test]
fn open_packet_offers_no_upgrade_that_is_not_allowed() {
    let mut config = Config::default();
    config.allow_upgrades = false;
    let mut world = World::new(Opening::Polling(RequestId(7)), &config);
    assert!(world.out()[0].contains(r#""upgrades":[],"#));
    assert!(world.open_websocket().is_err());
}

#[test]
fn open_packet_comes_alone() {
    let mut world = World::new(Opening::Polling(RequestId(0)), &Config::default());
    assert_eq!(world.send("early"), Ok(()));
    assert_eq!(world.out().len(), 1);
    world.get(1);
    assert_eq!(world.out(), ["get 1: 4early"]);
}

#[test]
fn initial_packet_shares_the_payload_of_the_open_packet() {
    let mut config = Config::default();
    config.initial_packet = Some(EncodedMessage::text("hello"));
    let mut world = World::new(Opening::Polling(RequestId(0)), &config);
    let out = world.out();
    assert!(out[0].starts_with("get 0: 0{") && out[0].ends_with("}|4hello"), "{out:?}");
    assert_eq!(out.len(), 1);

    config.initial_packet = Some(EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4])));
    let mut world = World::new(Opening::Polling(RequestId(0)), &config);
    assert!(world.out()[0].ends_with("}|bAQIDBA=="));
}

#[test]
fn initial_packet_that_no_payload_can_carry_is_left_out() {
    let mut config = Config::default();
    config.initial_packet = Some(EncodedMessage::text("a\u{1e}b"));
    let mut world = World::new(Opening::Polling(RequestId(0)), &config);
    assert!(world.out()[0].ends_with("}"));
}

#[test]
fn get_is_held_until_there_is_a_packet() {
    let mut world = World::polling();
    world.get(1);
    assert!(world.out().is_empty());
    assert_eq!(world.send("abcd"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4abcd"]);
}

#[test]
fn get_takes_all_that_is_queued() {
    let mut world = World::polling();
    for message in ["a", "", "€"] {
        assert_eq!(world.send(message), Ok(()));
    }
    let binary = EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(world.session.send(binary), Ok(()));
    assert_eq!(world.session.buffered_amount(), 2 + 1 + 4 + 4);
    assert!(world.out().is_empty());
    world.get(1);
    assert_eq!(world.out(), ["get 1: 4a|4|4€|bAQIDBA=="]);
    assert_eq!(world.session.buffered_amount(), 0);
    world.get(2);
    assert!(world.out().is_empty());
}

#[test]
fn session_is_writable_while_a_get_is_pending() {
    let mut world = World::polling();
    assert!(!world.session.is_writable());
    world.get(1);
    assert!(world.session.is_writable());
    assert_eq!(world.send("a"), Ok(()));
    assert!(!world.session.is_writable());
    assert_eq!(world.out().len(), 1);
    assert!(!world.session.is_writable());
}

#[test]
fn post_delivers_its_messages_in_order() {
    let mut world = World::polling();
    world.start_post(1);
    assert!(world.out().is_empty());
    world.end_post(1, "4a\x1ebAQIDBA==\x1e4\x1eb");
    assert_eq!(world.out(), ["post 1: ok"]);
    assert_eq!(world.events(), ["text a", "binary [1, 2, 3, 4]", "text ", "binary []"]);
}

#[test]
fn get_and_post_overlap() {
    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
    world.get(3);
    world.end_post(2, "4b");
    assert_eq!(world.out(), ["post 2: ok"]);
    assert_eq!(world.events(), ["text b"]);
}

/// A body, what is written and delivered, and why the session closed if it did.
type PostRow<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Option<&'a str>);

/// The table of §5.2.
#[test]
fn packets_in_a_post() {
    let table: [PostRow<'static>; 12] = [
        ("4a\x1e4b", &["post 2: ok"], &["text a", "text b"], None),
        ("3", &["post 2: ok"], &[], None),
        ("0\x1e5\x1e6\x1e4a", &["post 2: ok"], &["text a"], None),
        ("2", &["get 1: 1", "post 2: ok"], &[], Some("transport error")),
        ("4a\x1e2probe\x1e4b", &["get 1: 1", "post 2: ok"], &["text a"], Some("transport error")),
        ("1", &["get 1: 6", "post 2: ok"], &[], Some("transport close")),
        ("4a\x1e1\x1e4b", &["get 1: 6", "post 2: ok"], &["text a"], Some("transport close")),
        ("4a\x1e9\x1e4b", &["get 1: 1", "post 2: ok"], &["text a"], Some("parse error")),
        ("4a\x1e", &["get 1: 1", "post 2: ok"], &["text a"], Some("parse error")),
        ("", &["get 1: 1", "post 2: ok"], &[], Some("parse error")),
        ("b!!", &["get 1: 1", "post 2: ok"], &[], Some("parse error")),
        ("\u{feff}4a", &["get 1: 1", "post 2: ok"], &[], Some("parse error")),
    ];
    for (body, out, messages, reason) in table {
        let mut world = World::polling();
        world.get(1);
        world.post(2, body);
        let closed = reason.map(|reason| format!("closed: {reason}"));
        let events: Vec<_> = messages.iter().map(ToString::to_string).chain(closed).collect();
        assert_eq!(world.events(), events, "{body:?}");
        assert_eq!(world.out(), out, "{body:?}");
        assert_eq!(world.timeout().is_none(), reason.is_some());
    }
}

#[test]
fn invalid_utf8_becomes_replacement_characters() {
    let mut world = World::polling();
    world.start_post(1);
    let body = Bytes::from_static(b"4a\xffb\x1e4c");
    world.session.handle_post(world.now, RequestId(1), body);
    assert_eq!(world.out(), ["post 1: ok"]);
    assert_eq!(world.events(), ["text a\u{fffd}b", "text c"]);
}

#[test]
fn binary_content_type_is_refused() {
    let table: [(Option<&[u8]>, bool); 5] = [
        (None, false),
        (Some(b"text/plain"), false),
        (Some(b"application/octet-stream; x=1"), false),
        (Some(b"Application/Octet-Stream"), false),
        (Some(b"application/octet-stream"), true),
    ];
    for (content_type, refused) in table {
        let mut world = World::polling();
        world.get(1);
        world.session.handle_post_started(RequestId(2), content_type);
        if refused {
            world.assert_closed("transport error", &["get 1: 1", "post 2: 400"]);
        } else {
            assert!(world.out().is_empty());
        }
    }
}

#[test]
fn body_of_exactly_the_limit_passes() {
    let mut config = Config::default();
    config.max_payload = 5;
    let mut world = World::polling_with(&config);
    world.post(1, "4abcd");
    world.post(2, "4abcde");
    world.start_post(3);
    world.session.handle_post_too_large(RequestId(3));
    world.post(4, "4d");
    assert_eq!(world.out(), ["post 1: ok", "post 2: 413", "post 3: 413", "post 4: ok"]);
    assert_eq!(world.events(), ["text abcd", "text d"]);
}

#[test]
fn overlapping_get_closes() {
    let mut world = World::polling();
    world.get(1);
    world.get(2);
    world.assert_closed("transport error", &["get 1: 1", "get 2: 400"]);
}

#[test]
fn get_that_has_its_answer_does_not_overlap() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    // Not polled yet, but the first GET's answer is certain.
    world.get(2);
    assert_eq!(world.send("b"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a", "get 2: 4b"]);
    assert!(world.events().is_empty());
}

#[test]
fn overlapping_post_closes() {
    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    world.start_post(3);
    world.end_post(2, "4lost");
    world.end_post(3, "4lost");
    assert_eq!(world.events(), ["closed: transport error"]);
    assert_eq!(world.out(), ["get 1: 1", "post 2: abort", "post 3: 400"]);
}

#[test]
fn aborted_get_closes() {
    let mut world = World::polling();
    world.get(1);
    world.session.handle_poll_aborted(RequestId(1));
    world.assert_closed("transport error", &[]);
}

#[test]
fn aborted_post_closes() {
    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    world.session.handle_post_aborted(RequestId(2));
    world.assert_closed("transport error", &["get 1: 1"]);
}

#[test]
fn requests_that_have_their_answer_can_do_no_harm() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
    world.session.handle_poll_aborted(RequestId(1));
    world.post(2, "4a");
    world.end_post(2, "4again");
    world.session.handle_post_aborted(RequestId(2));
    world.session.handle_post_too_large(RequestId(2));
    world.end_post(3, "4never started");
    assert_eq!(world.out(), ["post 2: ok"]);
    assert_eq!(world.events(), ["text a"]);
}

#[test]
fn text_with_the_separator_cannot_go_over_polling() {
    let mut world = World::polling();
    assert_eq!(world.send("a\x1eb"), Err(SendError::Separator));
    assert_eq!(world.session.buffered_amount(), 0);

    let mut world = World::websocket();
    assert_eq!(world.send("a\x1eb"), Ok(()));
    assert_eq!(world.out(), ["ws 4a\x1eb"]);
}
