//! The WebSocket transport (§6).

use bytes::Bytes;
use spola_engineio::{
    Config, Transport,
    packet::{EncodedMessage, WebSocketMessage},
    server::{BinaryMode, Dialect, Opening, WebSocketEnd},
};

use crate::World;

#[test]
fn session_opens_with_the_official_packet() {
    let mut world = World::new(Opening::WebSocket, &Config::default());
    assert_eq!(world.send("early"), Ok(()));
    assert_eq!(world.events(), ["opened"]);
    assert_eq!(
        world.out(),
        [
            concat!(
                r#"ws 0{"sid":"AAECAwQFBgcICQoLAAAA","upgrades":[],"#,
                r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
            ),
            "ws 4early"
        ]
    );
}

#[test]
fn initial_packet_follows_the_open_packet() {
    let mut config = Config::default();
    config.initial_packet = Some(EncodedMessage::text("hello"));
    let mut world = World::new(Opening::WebSocket, &config);
    assert_eq!(world.send("early"), Ok(()));
    let out = world.out();
    assert!(out[0].starts_with("ws 0{"));
    assert_eq!(out[1..], ["ws 4hello", "ws 4early"]);
}

#[test]
fn messages_go_both_ways() {
    let mut world = World::websocket();
    world.ws("4hello");
    let binary = WebSocketMessage::Binary(Bytes::from_static(&[1, 2]));
    world.session.handle_websocket_message(world.now, binary);
    world.session.handle_websocket_message(world.now, WebSocketMessage::Binary(Bytes::new()));
    world.ws("bAQI=");
    world.ws("4");
    assert_eq!(
        world.events(),
        ["text hello", "binary [1, 2]", "binary []", "binary [1, 2]", "text "]
    );
    assert!(world.session.is_writable());
    assert_eq!(world.send("hi"), Ok(()));
    assert!(!world.session.is_writable());
    let binary = EncodedMessage::binary(Bytes::from_static(&[1, 2]));
    assert_eq!(world.session.send(binary), Ok(()));
    assert_eq!(world.session.buffered_amount(), 5);
    assert_eq!(world.out(), ["ws 4hi", "ws [1, 2]"]);
    assert!(world.session.is_writable());
}

#[test]
fn binary_goes_as_text_to_a_client_that_asked_for_it() {
    let dialect = Dialect { binary: BinaryMode::Base64, ..Dialect::default() };
    let mut world = World::speaking(dialect, Opening::WebSocket, &Config::default());
    assert_eq!(world.out().len(), 1);
    let binary = EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(world.session.send(binary), Ok(()));
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["ws bAQIDBA==", "ws 4a"]);
}

#[test]
fn packets_that_close() {
    for (text, reason) in [
        ("", "parse error"),
        ("9", "parse error"),
        ("hello", "parse error"),
        ("b!", "parse error"),
        ("2", "transport error"),
        ("2probe", "transport error"),
    ] {
        let mut world = World::websocket();
        assert_eq!(world.send("a"), Ok(()));
        world.ws(text);
        world.ws("4ignored");
        world.assert_closed(reason, &["ws 4a", "ws close"]);
    }
}

#[test]
fn packets_that_do_nothing() {
    let mut world = World::websocket();
    for text in ["0", "1", "3", "3probe", "5", "6"] {
        world.ws(text);
    }
    assert!(world.out().is_empty());
    assert!(world.events().is_empty());
    assert_eq!(world.timeout(), Some(25_000));
}

#[test]
fn end_of_the_websocket_closes() {
    for (end, reason) in
        [(WebSocketEnd::Closed, "transport close"), (WebSocketEnd::Failed, "transport error")]
    {
        let mut world = World::websocket();
        assert_eq!(world.send("lost"), Ok(()));
        world.session.handle_websocket_closed(end);
        assert_eq!(world.session.buffered_amount(), 0);
        world.assert_closed(reason, &[]);
    }
}

#[test]
fn session_opened_over_a_websocket_cannot_be_taken_over() {
    let mut world = World::websocket();
    assert!(!world.session.accepts_upgrade());
    assert!(world.open_websocket().is_err());
    let status = world.session.status().unwrap();
    assert_eq!((status.transport, status.accepts_upgrade), (Transport::WebSocket, false));
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["ws 4a"]);
}

#[test]
fn http_requests_are_refused() {
    let mut world = World::websocket();
    world.get(1);
    world.post(2, "4a");
    assert_eq!(world.out(), ["get 1: code 3", "post 2: code 3"]);
    assert!(world.events().is_empty());
}
