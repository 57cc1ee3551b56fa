//! Who closes, over what, and what goes over the wire (§9).

use spola_engineio::server::{Fault, RequestId, SendError};

use crate::World;

#[test]
fn server_closes_with_a_get_pending() {
    let mut world = World::polling();
    world.get(1);
    world.close();
    world.assert_closed("forced close", &["get 1: 1"]);
}

#[test]
fn server_closes_with_no_get_pending() {
    let mut world = World::polling();
    world.close();
    assert!(world.out().is_empty());
    assert!(world.events().is_empty());
    assert_eq!(world.send("late"), Err(SendError::Closed));
    assert!(!world.session.is_writable());
    assert!(!world.session.accepts_upgrade());
    assert!(world.session.status().is_some());
    assert_eq!(world.timeout(), Some(30_000));
    world.get(1);
    world.assert_closed("forced close", &["get 1: 6|1"]);
}

#[test]
fn server_closes_with_packets_queued() {
    let mut world = World::polling();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.get(1);
    assert_eq!(world.out(), ["get 1: 4a"]);
    assert!(world.events().is_empty());
    world.get(2);
    world.assert_closed("forced close", &["get 2: 6|1"]);
}

#[test]
fn server_closes_with_packets_on_their_way_to_a_get() {
    let mut world = World::polling();
    world.get(1);
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    assert_eq!(world.out(), ["get 1: 4a"]);
    assert!(world.events().is_empty());
    world.get(2);
    world.assert_closed("forced close", &["get 2: 6|1"]);
}

#[test]
fn close_is_forced_after_30_s() {
    let mut world = World::polling();
    assert_eq!(world.send("lost"), Ok(()));
    world.close();
    world.advance(29_999);
    assert!(world.events().is_empty());
    world.advance(1);
    world.assert_closed("forced close", &[]);
}

#[test]
fn packets_are_ignored_while_the_session_waits_to_close() {
    let mut world = World::polling();
    world.start_post(1);
    world.close();
    world.end_post(1, "4a\x1e2\x1e3");
    world.post(2, "4b\x1e9");
    assert_eq!(world.out(), ["post 1: ok", "post 2: ok"]);
    assert!(world.events().is_empty());
    // No heartbeat either.
    world.advance(25_000);
    assert!(world.out().is_empty());
    world.post(3, "1");
    world.assert_closed("transport close", &["post 3: ok"]);
}

#[test]
fn server_closes_over_a_websocket() {
    let mut world = World::websocket();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    assert_eq!(world.events(), ["closed: forced close"]);
    assert_eq!(world.out(), ["ws 4a", "ws close"]);
}

#[test]
fn shutdown_does_not_wait_for_a_get() {
    let mut world = World::polling();
    assert_eq!(world.send("lost"), Ok(()));
    world.session.discard();
    world.assert_closed("forced close", &[]);

    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    world.session.discard();
    world.assert_closed("forced close", &["get 1: 1", "post 2: abort"]);

    let mut world = World::polling();
    world.close();
    world.session.discard();
    world.assert_closed("forced close", &[]);

    let mut world = World::websocket();
    assert_eq!(world.send("a"), Ok(()));
    world.session.discard();
    world.assert_closed("forced close", &["ws 4a", "ws close"]);
}

#[test]
fn client_closes_over_polling() {
    let mut world = World::polling();
    world.get(1);
    world.post(2, "4a\x1e1");
    world.assert_closed("transport close", &["get 1: 6", "post 2: ok"]);
}

#[test]
fn client_closes_its_websocket() {
    let mut world = World::websocket();
    world.ws_closed();
    world.assert_closed("transport close", &[]);
}

#[test]
fn websocket_ends_after_the_server_closed() {
    let mut world = World::websocket();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.ws_closed();
    world.assert_closed("forced close", &[]);
}

#[test]
fn ping_timeout_during_a_post() {
    let mut world = World::polling();
    world.get(1);
    world.start_post(2);
    world.advance(25_000);
    assert_eq!(world.out(), ["get 1: 2"]);
    world.advance(20_000);
    world.end_post(2, "4late");
    assert_eq!(world.out(), ["post 2: abort"]);
    assert_eq!(world.events(), ["closed: ping timeout"]);
}

#[test]
fn get_aborted_while_the_session_waits_to_close() {
    let mut world = World::polling();
    assert_eq!(world.send("a"), Ok(()));
    world.close();
    world.get(1);
    world.session.handle_poll_aborted(RequestId(1));
    world.assert_closed("transport error", &[]);
}

#[test]
fn server_gives_up_a_client_that_does_not_read() {
    let mut world = World::websocket();
    assert_eq!(world.send("lost"), Ok(()));
    world.session.abort();
    assert_eq!(world.session.buffered_amount(), 0);
    world.assert_closed("transport error", &["ws close"]);

    let mut world = World::polling();
    assert_eq!(world.send("lost"), Ok(()));
    world.session.abort();
    world.assert_closed("transport error", &[]);
}

#[test]
fn what_the_client_did_is_told_and_nothing_else() {
    let faults: [(fn(&mut World), _); 8] = [
        (|world| (1..=2).for_each(|id| world.get(id)), Some(Fault::OverlappingRequest)),
        (|world| (1..=2).for_each(|id| world.start_post(id)), Some(Fault::OverlappingRequest)),
        (
            |world| {
                let content_type = Some(&b"application/octet-stream"[..]);
                world.session.handle_post_started(RequestId(1), content_type);
            },
            Some(Fault::ContentType),
        ),
        (|world| world.post(1, "4a\x1e9"), Some(Fault::Malformed)),
        (|world| world.post(1, "2"), Some(Fault::HeartbeatDirection)),
        (
            |world| [25_000, 20_000].into_iter().for_each(|ms| world.advance(ms)),
            Some(Fault::PingTimeout),
        ),
        (|world| world.post(1, "1"), None),
        (|world| world.session.discard(), None),
    ];
    for (act, fault) in faults {
        let mut world = World::polling();
        assert_eq!(world.session.fault(), None);
        act(&mut world);
        assert_eq!(world.session.status(), None, "{fault:?}");
        assert_eq!(world.session.fault(), fault);
        // It stays what it was.
        (8..=9).for_each(|id| world.get(id));
        assert_eq!(world.session.fault(), fault);
    }
}
