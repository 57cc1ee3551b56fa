//! Revision 3 (§11): its payloads, its heartbeat, JSONP.

use bytes::Bytes;
use spola_engineio::{
    Config, Revision,
    packet::{EncodedMessage, WebSocketMessage},
    server::{BinaryMode, Dialect, Opening, RequestId},
};

use crate::World;

const V3: Dialect =
    Dialect { revision: Revision::V3, binary: BinaryMode::Native, jsonp: None, knows_sse: false };

fn polling(dialect: Dialect) -> World {
    let mut world = World::speaking(dialect, Opening::Polling(RequestId(0)), &Config::default());
    assert_eq!((world.out().len(), world.events()), (1, vec!["opened".to_owned()]));
    world
}

fn websocket(dialect: Dialect) -> World {
    let mut world = World::speaking(dialect, Opening::WebSocket, &Config::default());
    assert_eq!((world.out().len(), world.events()), (1, vec!["opened".to_owned()]));
    world
}

impl World {
    fn send_binary(&mut self, data: &'static [u8]) {
        let message = EncodedMessage::binary(Bytes::from_static(data));
        assert_eq!(self.session.send(message), Ok(()));
    }

    fn ws_binary(&mut self, data: &'static [u8]) {
        let message = WebSocketMessage::Binary(Bytes::from_static(data));
        self.session.handle_websocket_message(self.now, message);
    }

    fn post_as(&mut self, id: u64, content_type: &str, body: &'static [u8]) {
        let id = RequestId(id);
        self.session.handle_post_started(id, Some(content_type.as_bytes()));
        self.session.handle_post(self.now, id, Bytes::from_static(body));
    }
}

#[test]
fn handshake_has_its_length_in_front() {
    let open = concat!(
        r#"0{"sid":"AAECAwQFBgcICQoLAAAA","upgrades":["websocket"],"#,
        r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#
    );
    let opening = || Opening::Polling(RequestId(7));
    let mut world = World::speaking(V3, opening(), &Config::default());
    assert_eq!(world.out(), [format!("get 7: 118:{open}")]);

    let jsonp = Dialect { jsonp: Some(3), ..V3 };
    let mut world = World::speaking(jsonp, opening(), &Config::default());
    let script = open.replace('"', "\\\"");
    assert_eq!(world.out(), [format!("get 7: ___eio[3](\"118:{script}\");")]);

    let mut world = World::speaking(V3, Opening::WebSocket, &Config::default());
    assert_eq!(world.out(), [format!("ws {}", open.replace("\"websocket\"", ""))]);
}

#[test]
fn initial_packet_shares_the_payload_of_the_open_packet() {
    let mut config = Config::default();
    config.initial_packet = Some(EncodedMessage::text("€\u{1e}"));
    let mut world = World::speaking(V3, Opening::Polling(RequestId(0)), &config);
    let out = world.out();
    assert!(out[0].starts_with("get 0: 118:0{") && out[0].ends_with("}3:4€|"), "{out:?}");
    config.initial_packet = Some(EncodedMessage::binary(Bytes::from_static(&[1, 2])));
    let mut world = World::speaking(V3, Opening::WebSocket, &config);
    assert_eq!(world.out()[1], "ws [4, 1, 2]");
}

#[test]
fn text_goes_as_text_and_binary_makes_the_payload_binary() {
    let mut world = polling(V3);
    world.get(1);
    assert_eq!(world.send("€😀"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4:4€😀"]);
    assert_eq!(world.send("hello"), Ok(()));
    world.send_binary(&[1, 2, 3, 4]);
    world.get(2);
    assert_eq!(world.out(), ["get 2: [0, 6, ff, 34, 68, 65, 6c, 6c, 6f, 1, 5, ff, 4, 1, 2, 3, 4]"]);

    let base64 = Dialect { binary: BinaryMode::Base64, ..V3 };
    let mut world = polling(base64);
    assert_eq!(world.send("hello"), Ok(()));
    world.send_binary(&[1, 2, 3, 4]);
    world.get(1);
    assert_eq!(world.out(), ["get 1: 6:4hello10:b4AQIDBA=="]);
}

#[test]
fn text_may_hold_what_separates_packets_in_revision_4() {
    let mut world = polling(V3);
    world.get(1);
    assert_eq!(world.send("a\u{1e}b"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4:4a|b"]);
}

#[test]
fn posts_of_both_formats_are_taken() {
    let mut world = polling(V3);
    world.post(1, "6:4hello2:4€10:b4AQIDBA==");
    assert_eq!(world.events(), ["text hello", "text €", "binary [1, 2, 3, 4]"]);
    let body = b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04";
    world.post_as(2, "application/octet-stream", body);
    assert_eq!(world.events(), ["text hello", "binary [1, 2, 3, 4]"]);
    // Any other type means text, an almost right one too.
    world.post_as(3, "application/octet-stream; charset=UTF-8", b"2:4a0:");
    assert_eq!(world.events(), ["text a"]);
    assert_eq!(world.out(), ["post 1: ok", "post 2: ok", "post 3: ok"]);
}

#[test]
fn malformed_payload_is_taken_up_to_its_fault() {
    for (content_type, body) in [
        ("text/plain", &b"2:4a2:4"[..]),
        ("text/plain", b"2:4a-1:4b"),
        ("text/plain", b"2:4a1:9"),
        ("application/octet-stream", b"\x00\x02\xff4a\x00\x02"),
        ("application/octet-stream", b"\x00\x02\xff4a2:4b"),
    ] {
        let mut world = polling(V3);
        world.get(1);
        world.post_as(2, content_type, body);
        assert_eq!(world.events()[0], "text a", "{body:x?}");
        assert_eq!(world.out(), ["get 1: 1:1", "post 2: ok"]);
        assert_eq!(world.session.status(), None);
    }
    let mut world = polling(V3);
    world.post(1, "4a\u{1e}4b");
    world.assert_closed("parse error", &["post 1: ok"]);
}

#[test]
fn client_pings_and_server_answers_at_once() {
    let mut world = websocket(V3);
    assert_eq!(world.timeout(), Some(45_000));
    world.advance(25_000);
    assert!(world.out().is_empty(), "the server does not ping");
    assert_eq!(world.send("a"), Ok(()));
    world.ws("2");
    assert_eq!(world.out(), ["ws 3", "ws 4a"], "the pong does not wait behind data");
    assert_eq!(world.timeout(), Some(45_000));
    world.ws("2probe");
    assert_eq!(world.out(), ["ws 3"], "what a ping says is not echoed");

    let mut world = polling(V3);
    world.get(1);
    world.post(2, "1:2");
    assert_eq!(world.out(), ["post 2: ok", "get 1: 1:3"]);
    world.post(3, "1:2");
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["post 3: ok"]);
    world.get(4);
    assert_eq!(world.out(), ["get 4: 1:32:4a"]);
}

#[test]
fn pings_that_nobody_reads_the_answer_of_pile_nothing_up() {
    let mut world = polling(V3);
    for id in 1..1000 {
        world.post(id, "1:21:21:21:2");
    }
    assert_eq!(world.out().len(), 999);
    world.get(1000);
    assert_eq!(world.out(), ["get 1000: 1:3"]);
}

#[test]
fn session_closes_when_no_ping_comes() {
    let mut world = websocket(V3);
    world.advance(25_000);
    world.ws("2");
    world.advance(44_999);
    // Only pings count.
    world.ws("4a");
    world.ws("6");
    assert_eq!((world.out(), world.events()), (vec!["ws 3".to_owned()], vec!["text a".to_owned()]));
    world.advance(1);
    world.assert_closed("ping timeout", &["ws close"]);

    let mut world = polling(V3);
    world.get(1);
    world.advance(45_000);
    assert_eq!(world.out(), ["get 1: 1:1"]);
    assert_eq!(world.events(), ["closed: ping timeout"]);
}

#[test]
fn pong_from_the_client_is_an_error() {
    let mut world = websocket(V3);
    world.ws("3");
    world.assert_closed("transport error", &["ws close"]);
    let mut world = polling(V3);
    world.post(1, "1:32:4a");
    assert_eq!(world.events(), ["closed: transport error"]);
    assert_eq!(world.out(), ["post 1: ok"]);
}

#[test]
fn binary_on_a_websocket_has_its_type_in_front() {
    let mut world = websocket(V3);
    world.send_binary(&[1, 2, 3, 4]);
    assert_eq!(world.out(), ["ws [4, 1, 2, 3, 4]"]);
    world.ws_binary(&[4, 1, 2]);
    world.ws("b4AQI=");
    assert_eq!(world.events(), ["binary [1, 2]", "binary [1, 2]"]);
    // Bytes of an unknown type, and none, are ignored; such text is not.
    world.ws_binary(&[7, 1]);
    world.ws_binary(b"4a");
    world.ws_binary(&[]);
    world.ws_binary(&[2]);
    assert_eq!(world.out(), ["ws 3"]);
    assert!(world.events().is_empty());
    world.ws("7");
    world.assert_closed("parse error", &["ws close"]);

    let mut world = websocket(Dialect { binary: BinaryMode::Base64, ..V3 });
    world.send_binary(&[1, 2, 3, 4]);
    assert_eq!(world.out(), ["ws b4AQIDBA=="]);
}

#[test]
fn upgrade_and_close_have_lengths_in_front() {
    let mut world = polling(V3);
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("2probe");
    assert_eq!(world.out(), ["ws 3probe"]);
    world.get(1);
    world.advance(100);
    assert_eq!(world.out(), ["get 1: 1:6"]);
    world.get(2);
    world.ws("5");
    assert_eq!(world.out(), ["get 2: 1:1"]);
    world.send_binary(&[1]);
    assert_eq!(world.out(), ["ws [4, 1]"]);
    assert_eq!(world.events(), ["upgraded"]);
    // A ping on its way since before the upgrade is answered here, and its deadline goes on.
    assert_eq!(world.timeout(), Some(44_900));
    world.ws("2");
    assert_eq!(world.out(), ["ws 3"]);

    let mut world = polling(V3);
    world.close();
    world.get(1);
    assert_eq!(world.out(), ["get 1: 1:61:1"]);

    let mut world = polling(V3);
    world.get(1);
    world.post(2, "1:1");
    assert_eq!(world.out(), ["get 1: 1:6", "post 2: ok"]);
    assert_eq!(world.events(), ["closed: transport close"]);
}

#[test]
fn jsonp_wraps_answers_and_unwraps_forms() {
    let jsonp = Dialect { jsonp: Some(0), ..V3 };
    let mut world = polling(jsonp);
    world.get(1);
    assert_eq!(world.send("0"), Ok(()));
    assert_eq!(world.out(), [r#"get 1: ___eio[0]("2:40");"#]);
    // A script is text, binary in it base64.
    assert_eq!(world.send("\"\u{2028}"), Ok(()));
    world.send_binary(&[1]);
    world.get(2);
    assert_eq!(world.out(), [r#"get 2: ___eio[0]("3:4\"\u20286:b4AQ==");"#]);

    let form = "application/x-www-form-urlencoded";
    world.post_as(3, form, b"d=7%3A4a%5Cnb%5C%5Cnc");
    assert_eq!(world.events(), ["text a\nb\\nc"]);
    // A form without a payload is none; a form is a form whatever its type says.
    world.post_as(4, form, b"x=2%3A4a");
    world.post_as(5, "application/octet-stream", b"d=2%3A4a");
    assert_eq!(world.events(), ["text a"]);
    assert_eq!(world.out(), ["post 3: ok", "post 4: ok", "post 5: ok"]);
    world.post_as(6, form, b"d=");
    world.assert_closed("parse error", &["post 6: ok"]);
}

#[test]
fn jsonp_serves_revision_4_too() {
    let mut world = polling(Dialect { jsonp: Some(2), ..Dialect::default() });
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    world.send_binary(&[1]);
    assert_eq!(world.out(), [r#"get 1: ___eio[2]("4a\u001ebAQ==");"#]);
    world.post_as(2, "application/x-www-form-urlencoded", b"d=4a%1E4b");
    assert_eq!(world.events(), ["text a", "text b"]);
    world.post_as(3, "application/octet-stream", b"d=4a");
    world.assert_closed("transport error", &["post 2: ok", "post 3: 400"]);
}
