//! The heartbeat (§8.1, and the limits' stricter rules).

use std::time::Duration;

use spola_engineio::{Config, server::Opening};

use crate::World;

#[test]
fn first_ping_comes_after_the_interval() {
    let mut world = World::websocket();
    assert_eq!(world.timeout(), Some(25_000));
    world.advance(24_999);
    assert!(world.out().is_empty());
    world.advance(1);
    assert_eq!(world.out(), ["ws 2"]);
    assert_eq!(world.timeout(), Some(20_000));
}

#[test]
fn next_ping_is_counted_from_the_pong() {
    let mut world = World::websocket();
    world.advance(25_000);
    assert_eq!(world.out(), ["ws 2"]);
    world.advance(10_000);
    world.ws("3");
    assert_eq!(world.timeout(), Some(25_000));
    world.advance(25_000);
    assert_eq!(world.out(), ["ws 2"]);
}

#[test]
fn session_closes_when_the_pong_misses_its_deadline() {
    let mut world = World::websocket();
    world.advance(25_000);
    assert_eq!(world.out(), ["ws 2"]);
    world.advance(19_999);
    assert!(world.events().is_empty());
    assert_eq!(world.send("lost"), Ok(()));
    world.advance(1);
    world.assert_closed("ping timeout", &["ws close"]);
}

#[test]
fn ping_and_pong_over_polling() {
    let mut world = World::polling();
    world.get(1);
    world.advance(25_000);
    assert_eq!(world.out(), ["get 1: 2"]);
    world.get(2);
    world.post(3, "3");
    assert_eq!(world.out(), ["post 3: ok"]);
    assert_eq!(world.timeout(), Some(25_000));
    world.advance(25_000);
    assert_eq!(world.out(), ["get 2: 2"]);
    world.get(4);
    world.advance(20_000);
    world.assert_closed("ping timeout", &["get 4: 1"]);
}

#[test]
fn ping_does_not_wait_behind_data() {
    let mut world = World::websocket();
    assert_eq!(world.send("a"), Ok(()));
    world.advance(25_000);
    assert_eq!(world.out(), ["ws 2", "ws 4a"]);

    let mut world = World::polling();
    assert_eq!(world.send("a"), Ok(()));
    world.advance(25_000);
    world.get(1);
    assert_eq!(world.out(), ["get 1: 2|4a"]);
}

#[test]
fn session_without_a_poll_is_removed() {
    let mut world = World::polling();
    world.advance(25_000);
    assert!(world.out().is_empty());
    world.advance(20_000);
    world.assert_closed("ping timeout", &[]);
}

#[test]
fn unsolicited_pong_changes_nothing() {
    let mut world = World::websocket();
    world.advance(10_000);
    world.ws("3");
    assert_eq!(world.timeout(), Some(15_000));
    world.advance(15_000);
    // Due, but not sent: this pong answers nothing.
    world.ws("3");
    assert_eq!(world.out(), ["ws 2"]);
    world.ws("3");
    world.advance(10_000);
    world.ws("3");
    assert_eq!(world.timeout(), Some(15_000));
}

#[test]
fn other_traffic_extends_the_deadline_once() {
    for traffic in ["4a", "6", "bAQ=="] {
        let mut world = World::websocket();
        world.advance(25_000);
        assert_eq!(world.out(), ["ws 2"]);
        world.advance(19_000);
        world.ws(traffic);
        assert_eq!(world.timeout(), Some(20_000));
        world.advance(19_000);
        world.ws(traffic);
        assert_eq!(world.timeout(), Some(1_000));
        world.ws("3");
        world.advance(25_000);
        assert_eq!(world.out(), ["ws 2"]);
        world.advance(1_000);
        world.ws(traffic);
        assert_eq!(world.timeout(), Some(20_000), "once for each ping");
    }
}

#[test]
fn traffic_is_no_pong() {
    let mut world = World::polling();
    world.get(1);
    world.advance(25_000);
    assert_eq!(world.out(), ["get 1: 2"]);
    world.post(2, "4a");
    world.get(3);
    assert_eq!(world.out(), ["post 2: ok"]);
    world.advance(20_000);
    world.assert_closed("ping timeout", &["get 3: 1"]);
}

#[test]
fn early_late_and_repeated_timeouts_are_harmless() {
    let mut world = World::websocket();
    for _ in 0..5 {
        world.advance(4_000);
        world.advance(0);
    }
    assert!(world.out().is_empty());
    // So late that the pong would be overdue as well: the client still gets its time.
    world.advance(100_000);
    world.advance(0);
    assert_eq!(world.out(), ["ws 2"]);
    assert_eq!(world.timeout(), Some(20_000));
}

#[test]
fn span_too_long_for_the_clock_means_never() {
    let mut config = Config::default();
    config.ping_interval = Duration::MAX;
    config.upgrade_timeout = Duration::MAX;
    config.polling_close_timeout = Duration::MAX;
    config.noop_interval = Duration::MAX;
    let world = World::new(Opening::WebSocket, &config);
    assert_eq!(world.timeout(), None);
    let mut world = World::polling_with(&config);
    assert_eq!(world.open_websocket(), Ok(()));
    world.ws("2probe");
    world.advance(1_000_000);
    world.close();
    assert_eq!(world.timeout(), None);
    world.get(1);
    assert_eq!(world.out(), ["get 1: 6|1", "ws close"]);
}
