//! From polling to WebSocket (§7).

use bytes::Bytes;
use spola_engineio::{
    Transport,
    packet::{EncodedMessage, WebSocketMessage},
    server::{BinaryMode, UpgradeRefused},
};

use crate::World;

#[test]
fn upgrade_by_the_book() {
    let mut world = World::polling();
    assert!(world.session.accepts_upgrade());
    world.get(1);
    assert_eq!(world.open_websocket(), Ok(()));
    assert!(!world.session.accepts_upgrade());
    world.ws("2probe");
    assert_eq!(world.out(), ["ws 3probe"]);
    world.advance(99);
    assert!(world.out().is_empty());
    world.advance(1);
    assert_eq!(world.out(), ["get 1: 6"]);
    world.ws("5");
    assert_eq!(world.events(), ["upgraded"]);
    assert_eq!(world.session.transport(), Transport::WebSocket);
    world.ws("4hi");
    assert_eq!(world.events(), ["text hi"]);
    assert_eq!(world.send("there"), Ok(()));
    assert_eq!(world.out(), ["ws 4there"]);
    // 25 s after the handshake, not after the upgrade.
    assert_eq!(world.timeout(), Some(24_900));
    world.advance(24_900);
    assert_eq!(world.out(), ["ws 2"]);
}

#[test]
fn messages_go_over_polling_until_the_upgrade() {
    let mut world = World::probed();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
    world.post(2, "4b");
    assert_eq!((world.out(), world.events()), (vec!["post 2: ok".into()], vec!["text b".into()]));
    assert_eq!(world.send("c"), Ok(()));
    assert!(world.out().is_empty());
    world.ws("5");
    assert_eq!(world.out(), ["ws 4c"]);
}

#[test]
fn pending_get_is_closed_by_the_upgrade_and_the_queue_moves() {
    let mut world = World::probed();
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.send("b"), Ok(()));
    world.get(1);
    world.ws("5");
    assert_eq!(world.out(), ["get 1: 1", "ws 4a", "ws 4b"]);
    world.get(2);
    world.post(3, "4late");
    assert_eq!(world.out(), ["get 2: code 3", "post 3: code 3"]);
}

#[test]
fn upgrade_without_a_probe_is_accepted() {
    let mut world = World::polling();
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("5");
    assert_eq!(world.events(), ["upgraded"]);
}

#[test]
fn probe_is_answered_before_the_queue_moves() {
    let mut world = World::polling();
    assert_eq!(world.open_websocket(), Ok(()));
    assert_eq!(world.send("a"), Ok(()));
    world.ws("2probe");
    world.ws("5");
    assert_eq!(world.out(), ["ws 3probe", "ws 4a"]);
}

#[test]
fn noop_comes_every_100_ms_and_only_to_a_pending_get() {
    let mut world = World::probed();
    assert_eq!(world.timeout(), Some(100));
    world.advance(100);
    assert!(world.out().is_empty());
    world.advance(50);
    world.get(1);
    assert!(world.out().is_empty());
    world.advance(50);
    assert_eq!(world.out(), ["get 1: 6"]);
    world.get(2);
    assert_eq!(world.send("a"), Ok(()));
    world.advance(100);
    assert_eq!(world.out(), ["get 2: 4a"]);
}

#[test]
fn noop_waits_for_the_probe() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.open_websocket(), Ok(()));
    assert_eq!(world.timeout(), Some(10_000));
    world.advance(500);
    assert!(world.out().is_empty());
}

#[test]
fn repeated_probes_are_answered_once_per_turn() {
    let mut world = World::probed();
    for _ in 0..1000 {
        world.ws("2probe");
    }
    assert_eq!(world.out(), ["ws 3probe"]);
}

#[test]
fn anything_else_fails_the_upgrade_and_not_the_session() {
    for text in ["2", "2prob", "3", "3probe", "4a", "0", "1", "6", "", "9", "bAQ=="] {
        for probe in [false, true] {
            let mut world = World::polling();
            world.get(1);
            assert_eq!(world.open_websocket(), Ok(()));
            if probe {
                world.ws("2probe");
                assert_eq!(world.out(), ["ws 3probe"]);
            }
            world.ws(text);
            assert_eq!(world.out(), ["ws close"], "{text:?}");
            world.ws("5");
            assert_eq!(world.timeout(), Some(25_000), "no timer of the upgrade is left");
            assert_eq!(world.send("a"), Ok(()));
            assert_eq!(world.out(), ["get 1: 4a"]);
            assert!(world.events().is_empty());
            assert_eq!(world.open_websocket(), Ok(()), "the client may try again");
        }
    }
}

#[test]
fn binary_fails_the_upgrade() {
    let mut world = World::probed();
    let binary = WebSocketMessage::Binary(Bytes::from_static(b"5"));
    world.session.handle_websocket_message(world.now, binary);
    assert_eq!(world.out(), ["ws close"]);
}

#[test]
fn end_of_the_websocket_fails_the_upgrade() {
    let mut world = World::probed();
    world.ws_closed();
    assert!(world.out().is_empty());
    assert!(world.events().is_empty());
    assert_eq!(world.timeout(), Some(25_000));
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("5");
    assert_eq!(world.events(), ["upgraded"]);
}

#[test]
fn upgrade_has_ten_seconds_from_the_101() {
    let mut world = World::polling();
    assert_eq!(world.open_websocket(), Ok(()));
    world.advance(9_999);
    world.ws("2probe");
    assert_eq!(world.out(), ["ws 3probe"]);
    world.advance(1);
    assert_eq!(world.out(), ["ws close"]);
    assert!(world.session.accepts_upgrade());
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
}

#[test]
fn second_websocket_is_refused() {
    let mut world = World::probed();
    assert_eq!(world.open_websocket(), Err(UpgradeRefused));
    world.ws("5");
    assert_eq!(world.open_websocket(), Err(UpgradeRefused));
    assert_eq!(world.events(), ["upgraded"]);
}

#[test]
fn session_that_closes_closes_the_probing_websocket() {
    let mut world = World::probed();
    world.get(1);
    world.get(2);
    world.assert_closed("transport error", &["get 1: 1", "get 2: 400", "ws close"]);

    let mut world = World::probed();
    world.session.discard();
    world.assert_closed("forced close", &["ws close"]);
}

#[test]
fn upgrade_completes_while_the_session_waits_to_close() {
    let mut world = World::probed();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    assert!(world.out().is_empty());
    world.ws("5");
    world.assert_closed("forced close", &["ws 4a", "ws close"]);
}

#[test]
fn post_in_progress_is_cut_by_the_upgrade() {
    let mut world = World::probed();
    world.start_post(1);
    world.ws("5");
    world.end_post(1, "4late");
    assert_eq!(world.out(), ["post 1: abort"]);
    assert_eq!(world.events(), ["upgraded"]);
}

#[test]
fn pong_deadline_outlives_the_upgrade() {
    let mut world = World::polling();
    world.get(1);
    world.advance(25_000);
    assert_eq!(world.out(), ["get 1: 2"]);
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("2probe");
    world.ws("5");
    assert_eq!(world.out(), ["ws 3probe"]);
    assert_eq!(world.timeout(), Some(20_000));
    world.advance(20_000);
    world.assert_closed("ping timeout", &["ws close"]);
}

#[test]
fn ping_over_polling_is_answered_over_the_websocket() {
    let mut world = World::polling();
    world.get(1);
    world.advance(25_000);
    assert_eq!(world.out(), ["get 1: 2"]);
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("5");
    world.ws("3");
    assert_eq!(world.timeout(), Some(25_000));
}

#[test]
fn ping_that_no_get_took_goes_over_the_websocket() {
    let mut world = World::polling();
    world.advance(25_000);
    assert!(world.out().is_empty());
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("5");
    assert_eq!(world.out(), ["ws 2"]);
}

#[test]
fn binary_mode_is_the_upgrade_requests() {
    let mut world = World::polling();
    let opened = world.session.handle_websocket_opened(world.now, BinaryMode::Base64);
    assert_eq!(opened, Ok(()));
    let binary = EncodedMessage::binary(Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(world.session.send(binary), Ok(()));
    world.ws("5");
    assert_eq!(world.out(), ["ws bAQIDBA=="]);
}
