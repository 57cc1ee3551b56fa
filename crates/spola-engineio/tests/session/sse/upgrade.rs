//! From polling to an event stream.

use spola_engineio::{
    Config, Transport,
    server::{Dialect, Opening, RequestId},
};

use crate::World;

use super::config;

/// A session that polls, and a stream that was probed; the answer is out.
fn probed() -> World {
    let mut world = World::polling_with(&config());
    world.stream(10, None);
    assert_eq!(world.out(), ["get 10: stream", "sse 10 opening"]);
    world.sse_post(11, 1, "2probe");
    assert_eq!(world.out(), ["post 11: ok", "sse 10 #1 3probe"]);
    world
}

/// A session that polls, of a client that knows event streams.
fn knowing(config: &Config) -> World {
    let dialect = Dialect { knows_sse: true, ..Dialect::default() };
    World::speaking(dialect, Opening::Polling(RequestId(0)), config)
}

#[test]
fn upgrade_is_offered_to_those_who_ask() {
    let mut on = config();
    let mut world = World::new(Opening::Polling(RequestId(0)), &on);
    assert!(world.out()[0].contains(r#""upgrades":["websocket"],"#));
    let mut world = knowing(&on);
    assert!(world.out()[0].contains(r#""upgrades":["websocket","sse"],"#));
    on.transports.websocket = false;
    let mut world = knowing(&on);
    assert!(world.out()[0].contains(r#""upgrades":["sse"],"#));
    let mut world = knowing(&Config::default());
    assert!(world.out()[0].contains(r#""upgrades":["websocket"],"#));
}

#[test]
fn upgrade_by_the_book() {
    let mut world = probed();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    assert_eq!(world.out(), ["get 1: 4a"]);
    world.get(2);
    world.advance(100);
    assert_eq!(world.out(), ["get 2: 6"]);
    assert_eq!(world.send("b"), Ok(()));
    assert!(world.out().is_empty());
    world.sse_post(12, 2, "5\x1e4hi");
    assert_eq!(world.events(), ["upgraded", "text hi"]);
    assert_eq!(world.session.transport(), Transport::Sse);
    assert_eq!(world.out(), ["post 12: ok", "sse 10 #2 4b"]);
    world.drop_stream(10);
    world.stream(13, Some(1));
    assert_eq!(world.out(), ["get 13: stream", "sse 13 opening", "sse 13 #2 4b"]);
}

#[test]
fn pending_requests_of_polling_end_with_the_upgrade() {
    let mut world = probed();
    world.get(1);
    world.start_post(2);
    world.sse_post(12, 2, "5");
    assert_eq!(world.out(), ["get 1: 1", "post 2: abort", "post 12: ok"]);
}

#[test]
fn upgrade_that_fails_leaves_polling_alive() {
    for body in ["4a", "2", "1", "9", ""] {
        let mut world = probed();
        world.get(1);
        world.sse_post(12, 2, body);
        world.sse_post(13, 3, "5");
        assert_eq!(world.out(), ["post 12: ok", "post 13: code 3", "sse 10 end"], "{body}");
        assert_eq!(world.send("a"), Ok(()));
        assert_eq!(world.out(), ["get 1: 4a"]);
        assert!(world.events().is_empty());
        world.stream(14, None);
        assert_eq!(world.out(), ["get 14: stream", "sse 14 opening"]);
    }
    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.drop_stream(10);
    assert_eq!(world.out(), ["post 12: abort"]);
    assert!(world.session.accepts_upgrade());

    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.advance(10_000);
    assert_eq!(world.out(), ["post 12: abort", "sse 10 end"]);
    assert!(world.session.accepts_upgrade());
}

#[test]
fn posts_that_break_the_rules_fail_the_upgrade() {
    let mut world = probed();
    world.start_sse_post(12, Some(3), None);
    assert_eq!(world.out(), ["post 12: 400", "sse 10 end"]);
    assert!(world.events().is_empty());
    let mut world = probed();
    world.start_sse_post(12, None, None);
    world.session.handle_post_aborted(RequestId(12));
    assert_eq!(world.out(), ["sse 10 end"]);
    assert!(world.events().is_empty());
}

#[test]
fn one_upgrade_at_a_time() {
    let mut world = probed();
    assert!(world.open_websocket().is_err());
    world.stream(12, None);
    assert_eq!(world.out(), ["get 12: code 3"]);
    let mut world = World::polling_with(&config());
    assert_eq!(world.open_websocket(), Ok(()));
    world.stream(1, None);
    world.start_sse_post(2, Some(1), None);
    assert_eq!(world.out(), ["get 1: code 3", "post 2: code 3"]);
    let mut world = World::polling();
    world.stream(1, None);
    assert_eq!(world.out(), ["get 1: code 3"], "not offered");
}

#[test]
fn session_that_closes_ends_the_probing_stream() {
    let mut world = probed();
    world.start_sse_post(12, Some(2), None);
    world.session.discard();
    world.assert_closed("forced close", &["post 12: abort", "sse 10 end"]);
}

#[test]
fn upgrade_completes_while_the_session_waits_to_close() {
    let mut world = probed();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.sse_post(12, 2, "5");
    let out = ["post 12: ok", "sse 10 #2 4a", "sse 10 #3 1", "sse 10 end"];
    world.assert_closed("forced close", &out);
}
