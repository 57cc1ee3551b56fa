//! Pings and pongs (§8 of the wire text).

use std::future::poll_fn;

use spola_driver::Runtime as _;

use crate::harness::{Frame, hex, masked, millis, recorder, secs};

#[test]
fn the_first_ping_comes_25_seconds_after_opening() {
    let (world, _) = recorder();
    let mut client = world.join();
    world.advance(millis(24_999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(client.raw(), hex("81 01 32"));
}

#[test]
fn what_is_sent_at_the_moment_of_a_ping_holds_none_up() {
    let (world, _) = recorder();
    let (mut timer, io) = (world.runtime.timer(), world.io().clone());
    timer.set(Some(world.runtime.now() + secs(25)));
    let sent = world.run(async move {
        poll_fn(|cx| timer.poll_expired(cx)).await;
        io.emit("now", ()).unwrap()
    });
    let mut client = world.join();
    world.io().emit("before", ()).unwrap();
    assert_eq!(client.text(), r#"42["before"]"#);
    world.advance(secs(25));
    assert_eq!(sent.output(), Some(1));
    assert_eq!([client.text(), client.text()], [r#"42["now"]"#, "2"]);
}

#[test]
fn a_missing_pong_closes_after_20_seconds() {
    let (world, log) = recorder();
    let mut client = world.join();
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    log.take();
    world.advance(millis(19_999));
    client.expect_silence();
    assert!(log.take().is_empty());
    world.advance(millis(1));
    assert_eq!(log.take(), ["ping timeout"]);
    assert_eq!(client.frames(), [Frame::Close(Vec::new())]);
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn the_next_ping_counts_from_the_pong() {
    let (world, _) = recorder();
    let mut client = world.join();
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    world.advance(secs(7));
    client.send("3");
    world.advance(millis(24_999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(client.text(), "2");
}

#[test]
fn an_hour_of_heartbeats() {
    let (world, log) = recorder();
    let mut client = world.join();
    log.take();
    for _ in 0..144 {
        world.advance(secs(25));
        assert_eq!(client.text(), "2");
        client.send("3");
    }
    assert!(log.take().is_empty());
}

#[test]
fn other_traffic_extends_the_deadline_once() {
    let (world, log) = recorder();
    let mut client = world.join();
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    log.take();
    for _ in 0..2 {
        world.advance(secs(15));
        client.send("42[\"a\"]");
    }
    assert_eq!(log.take(), [r#"["a"]"#; 2]);
    world.advance(millis(4999));
    assert!(log.take().is_empty());
    world.advance(millis(1));
    assert_eq!(log.take(), ["ping timeout"]);
}

#[test]
fn an_unsolicited_pong_changes_nothing() {
    let (world, _) = recorder();
    let mut client = world.join();
    world.advance(secs(20));
    client.send("3");
    world.advance(secs(5));
    assert_eq!(client.text(), "2");
}

#[test]
fn websocket_pings_are_answered_and_are_no_heartbeats() {
    let (world, log) = recorder();
    let mut client = world.join();
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    client.write(masked(9, b"hello"));
    assert_eq!(client.frames(), [Frame::Pong(b"hello".to_vec())]);
    client.write(masked(10, b"unasked"));
    client.expect_silence();
    log.take();
    world.advance(secs(20));
    assert_eq!(log.take(), ["ping timeout"]);
}

#[test]
fn a_client_must_not_ping() {
    let (world, log) = recorder();
    let mut client = world.join();
    client.send("2");
    assert_eq!(client.frames(), [Frame::Close(Vec::new())]);
    assert_eq!(log.take(), ["connect", "transport error"]);

    let session = world.join_polling();
    let mut get = session.get();
    log.take();
    assert_eq!(session.post("2").response().brief(), (200, "ok"));
    assert_eq!(get.response().brief(), (200, "1"));
    assert_eq!(log.take(), ["transport error"]);
}

#[test]
fn over_polling_the_ping_answers_the_get_and_the_pong_is_posted() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    world.advance(millis(24_999));
    get.expect_silence();
    world.advance(millis(1));
    assert_eq!(get.response().brief(), (200, "2"));
    world.advance(secs(3));
    assert_eq!(session.post("3").response().brief(), (200, "ok"));
    let mut get = session.get();
    world.advance(millis(24_999));
    get.expect_silence();
    world.advance(millis(1));
    assert_eq!(get.response().brief(), (200, "2"));
    let mut get = session.get();
    log.take();
    world.advance(secs(20));
    assert_eq!(log.take(), ["ping timeout"]);
    assert_eq!(get.response().brief(), (200, "1"));
}

#[test]
fn a_ping_that_no_get_takes_closes_the_session_all_the_same() {
    let (world, log) = recorder();
    let _session = world.join_polling();
    log.take();
    world.advance(millis(44_999));
    assert!(log.take().is_empty());
    world.advance(millis(1));
    assert_eq!(log.take(), ["ping timeout"]);
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn an_idle_session_wakes_for_its_heartbeat_only() {
    let (world, _) = recorder();
    let mut client = world.join();
    world.runtime.run_until_idle();
    assert_eq!(world.runtime.advance(millis(24_999)), 0);
    assert!(world.runtime.advance(millis(1)) <= 2);
    assert_eq!(client.text(), "2");
}
