//! Binary messages whose base64 was made ahead, once for many sessions.

use bytes::Bytes;
use spola_engineio::{
    Config, Revision,
    packet::{EncodedMessage, WebSocketMessage},
    server::{BinaryMode, Dialect, Opening, RequestId, Transmit},
};

use crate::World;

const NATIVE: BinaryMode = BinaryMode::Native;
const BASE64: BinaryMode = BinaryMode::Base64;

const V4: Dialect =
    Dialect { revision: Revision::V4, binary: NATIVE, jsonp: None, knows_sse: false };
const V3: Dialect = Dialect { revision: Revision::V3, ..V4 };
const POLLING: Opening = Opening::Polling(RequestId(0));

fn opened(dialect: Dialect, opening: Opening) -> World {
    let mut config = Config::default();
    config.transports.sse = true;
    let mut world = World::speaking(dialect, opening, &config);
    assert_eq!(world.events(), ["opened"]);
    world.out();
    world
}

fn message() -> EncodedMessage {
    EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4]))
}

impl World {
    /// Sends a binary message between two texts, as text if it goes so.
    fn send_three(&mut self, ahead: bool) {
        let binary = match self.session.binary_mode() {
            BinaryMode::Base64 if ahead => message().into_text(),
            _ => message(),
        };
        assert_eq!(self.send("€"), Ok(()));
        assert_eq!(self.session.send(binary), Ok(()));
        assert_eq!(self.send("b"), Ok(()));
    }
}

#[test]
fn it_goes_out_as_if_the_session_had_made_it() {
    let v3_base64 = Dialect { binary: BASE64, ..V3 };
    let v4_base64 = Dialect { binary: BASE64, ..V4 };
    let (v4_jsonp, v3_jsonp) = (Dialect { jsonp: Some(1), ..V4 }, Dialect { jsonp: Some(1), ..V3 });
    for (dialect, opening, mode, out) in [
        (V4, POLLING, BASE64, &["get 1: 4€|bAQIDBA==|4b"][..]),
        (v4_jsonp, POLLING, BASE64, &[r#"get 1: ___eio[1]("4€\u001ebAQIDBA==\u001e4b");"#]),
        (
            V3,
            POLLING,
            NATIVE,
            &["get 1: [0, 4, ff, 34, e2, 82, ac, 1, 5, ff, 4, 1, 2, 3, 4, 0, 2, ff, 34, 62]"],
        ),
        (v3_base64, POLLING, BASE64, &["get 1: 2:4€10:b4AQIDBA==2:4b"]),
        (v3_jsonp, POLLING, BASE64, &[r#"get 1: ___eio[1]("2:4€10:b4AQIDBA==2:4b");"#]),
        (V4, Opening::WebSocket, NATIVE, &["ws 4€", "ws [1, 2, 3, 4]", "ws 4b"]),
        (v4_base64, Opening::WebSocket, BASE64, &["ws 4€", "ws bAQIDBA==", "ws 4b"]),
        (V3, Opening::WebSocket, NATIVE, &["ws 4€", "ws [4, 1, 2, 3, 4]", "ws 4b"]),
        (v3_base64, Opening::WebSocket, BASE64, &["ws 4€", "ws b4AQIDBA==", "ws 4b"]),
        (
            V4,
            Opening::Sse(RequestId(0)),
            BASE64,
            &["sse 0 #2 4€", "sse 0 #3 bAQIDBA==", "sse 0 #4 4b"],
        ),
    ] {
        for ahead in [false, true] {
            let mut world = opened(dialect, opening);
            assert_eq!(world.session.binary_mode(), mode, "{dialect:?} {opening:?}");
            world.send_three(ahead);
            if opening == POLLING {
                world.get(1);
            }
            assert_eq!(world.out(), out, "{dialect:?} {opening:?}");
        }
    }
}

#[test]
fn it_is_binary_again_after_an_upgrade_to_a_websocket_that_takes_it() {
    for (dialect, binary, out) in [
        (V4, NATIVE, ["ws 4€", "ws [1, 2, 3, 4]", "ws 4b"]),
        (V4, BASE64, ["ws 4€", "ws bAQIDBA==", "ws 4b"]),
        (Dialect { binary: BASE64, ..V3 }, NATIVE, ["ws 4€", "ws [4, 1, 2, 3, 4]", "ws 4b"]),
        (Dialect { binary: BASE64, ..V3 }, BASE64, ["ws 4€", "ws b4AQIDBA==", "ws 4b"]),
    ] {
        let mut world = opened(dialect, POLLING);
        world.send_three(true);
        assert_eq!(world.session.buffered_amount(), "4€bAQIDBA==4b".len());
        assert_eq!(world.session.handle_websocket_opened(world.now, binary), Ok(()));
        world.ws("5");
        assert_eq!(world.session.binary_mode(), binary);
        let waiting = if binary == NATIVE { 4 } else { "bAQIDBA==".len() };
        assert_eq!(world.session.buffered_amount(), "4€4b".len() + waiting);
        assert_eq!(world.out(), out);
        assert_eq!(world.session.buffered_amount(), 0);
    }
}

#[test]
fn an_upgrade_keeps_order_and_flags() {
    let mut world = opened(V4, POLLING);
    let uncompressed = message().compress(false).into_text();
    assert_eq!(world.session.send(uncompressed), Ok(()));
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("5");
    let binary = WebSocketMessage::Binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(world.session.poll_transmit(), Some(Transmit::Uncompressed(binary)));
}

#[test]
fn a_websocket_of_text_sends_the_very_text() {
    let shared = message().into_text();
    let mut world = opened(Dialect { binary: BASE64, ..V4 }, Opening::WebSocket);
    assert_eq!(world.session.send(shared.clone()), Ok(()));
    let Some(Transmit::WebSocketMessage(sent)) = world.session.poll_transmit() else {
        panic!("nothing sent");
    };
    assert_eq!(sent.as_bytes().as_ptr(), shared.as_wire().as_bytes().as_ptr());
}

#[test]
fn one_response_takes_as_many_as_without() {
    for ahead in [false, true] {
        let mut config = Config::default();
        config.max_poll_response = "bAQIDBA==".len() * 2 + 1;
        let mut world = World::polling_with(&config);
        for _ in 0..3 {
            let one = if ahead { message().into_text() } else { message() };
            assert_eq!(world.session.send(one), Ok(()));
        }
        for (id, response) in [(1, "get 1: bAQIDBA==|bAQIDBA=="), (2, "get 2: bAQIDBA==")] {
            world.get(id);
            assert_eq!(world.out(), [response]);
        }
    }
}
