//! From polling to WebSocket (§7 of the wire text).

use crate::harness::{Frame, hex, masked, millis, recorder, secs, upgrade_request};

const PROBE: &str = "81 86 37 fa 21 3d 05 8a 53 52 55 9f";
const PROBE_ANSWER: &str = "81 06 33 70 72 6f 62 65";
const UPGRADE: &str = "81 81 37 fa 21 3d 02";
const CLOSE: &str = "88 00";
const MISMATCH: (u16, &str) = (400, r#"{"code":3,"message":"Bad request"}"#);

#[test]
fn an_upgrade_goes_as_in_the_transcript() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));

    world.advance(millis(99));
    get.expect_silence();
    world.advance(millis(1));
    assert_eq!(get.response().brief(), (200, "6"));

    websocket.write(hex(UPGRADE));
    websocket.send("42[\"hi\"]");
    assert_eq!(log.take(), ["connect", r#"["hi"]"#]);
    world.io().emit("over", "websocket").unwrap();
    assert_eq!(websocket.text(), r#"42["over","websocket"]"#);

    // 25 s after the handshake, not after the upgrade.
    world.advance(millis(24_899));
    websocket.expect_silence();
    world.advance(millis(1));
    assert_eq!(websocket.raw(), hex("81 01 32"));
    websocket.write(hex("81 81 37 fa 21 3d 04"));
    world.advance(millis(24_999));
    websocket.expect_silence();
    world.advance(millis(1));
    assert_eq!(websocket.raw(), hex("81 01 32"));
}

#[test]
fn data_goes_over_polling_until_the_upgrade_packet() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));
    world.io().emit("a", 1).unwrap();
    websocket.expect_silence();
    assert_eq!(session.get().response().brief(), (200, r#"42["a",1]"#));
    assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["b"]"#]);
}

#[test]
fn a_pending_get_is_released_every_100_ms() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    world.advance(millis(250));
    let mut get = session.get();
    world.advance(millis(49));
    get.expect_silence();
    world.advance(millis(1));
    assert_eq!(get.response().brief(), (200, "6"));
}

#[test]
fn what_waits_goes_out_over_the_websocket_in_order() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));
    for number in 0..3 {
        world.io().emit("n", number).unwrap();
    }
    websocket.write(hex(UPGRADE));
    world.io().emit("n", 3).unwrap();
    assert_eq!(websocket.texts(), [0, 1, 2, 3].map(|n| format!(r#"42["n",{n}]"#)));
}

#[test]
fn a_pending_get_is_closed_by_the_upgrade_packet() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    let mut websocket = session.websocket();
    let mut bytes = hex(PROBE);
    bytes.extend(hex(UPGRADE));
    websocket.write(bytes);
    assert_eq!(get.response().brief(), (200, "1"));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));
}

#[test]
fn the_upgrade_packet_needs_no_probe() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut websocket = session.websocket();
    websocket.write(hex(UPGRADE));
    world.io().emit("a", ()).unwrap();
    assert_eq!(websocket.text(), r#"42["a"]"#);
}

#[test]
fn polling_requests_after_the_upgrade_are_a_bad_request() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut websocket = session.websocket();
    websocket.write(hex(UPGRADE));
    assert_eq!(session.get().response().brief(), MISMATCH);
    assert_eq!(session.post("42[\"a\"]").response().brief(), MISMATCH);
    websocket.send("42[\"b\"]");
    assert_eq!(log.take(), [r#"["b"]"#]);
}

#[test]
fn a_failed_probe_closes_the_websocket_and_leaves_polling_alive() {
    for (case, bytes) in [
        ("a bare ping", masked(1, b"2")),
        ("a ping with other data", masked(1, b"2prob")),
        ("a message", masked(1, b"42[\"a\"]")),
        ("a pong", masked(1, b"3probe")),
        ("a close", masked(1, b"1")),
        ("no packet", masked(1, b"9")),
        ("an empty text", masked(1, b"")),
        ("binary", masked(2, b"2probe")),
    ] {
        let (world, log) = recorder();
        let session = world.join_polling();
        log.take();
        let mut websocket = session.websocket();
        websocket.write(bytes);
        assert_eq!(websocket.raw(), hex(CLOSE), "{case}");
        assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
        assert_eq!(log.take(), [r#"["b"]"#], "{case}");
        websocket.write(hex("88 80 37 fa 21 3d"));
        assert!(websocket.is_closed(), "{case}");
        // And the client may try again.
        let mut again = session.websocket();
        again.write(hex(PROBE));
        assert_eq!(again.raw(), hex(PROBE_ANSWER), "{case}");
        again.write(hex(UPGRADE));
        world.io().emit("c", ()).unwrap();
        assert_eq!(again.text(), r#"42["c"]"#, "{case}");
    }
}

#[test]
fn a_probe_that_breaks_leaves_polling_alive() {
    for case in ["reset", "end", "bad frame", "close frame"] {
        let (world, log) = recorder();
        let session = world.join_polling();
        log.take();
        let mut websocket = session.websocket();
        websocket.write(hex(PROBE));
        match case {
            "reset" => websocket.reset(),
            "end" => websocket.shut(),
            "bad frame" => websocket.write(hex("81 01 32")),
            _ => websocket.write(hex("88 80 37 fa 21 3d")),
        }
        assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
        assert_eq!(log.take(), [r#"["b"]"#], "{case}");
        let mut again = session.websocket();
        again.write(hex(PROBE));
        assert_eq!(again.raw(), hex(PROBE_ANSWER), "{case}");
    }
}

#[test]
fn a_probe_has_10_seconds_from_the_101() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut websocket = session.websocket();
    world.advance(secs(5));
    websocket.write(hex(PROBE));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));
    world.advance(millis(4999));
    websocket.expect_silence();
    world.advance(millis(1));
    assert_eq!(websocket.raw(), hex(CLOSE));
    websocket.send("5");
    assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["b"]"#]);
}

#[test]
fn a_second_websocket_gets_101_and_is_closed() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut first = session.websocket();
    first.write(hex(PROBE));
    assert_eq!(first.raw(), hex(PROBE_ANSWER));
    let mut second = session.websocket();
    assert_eq!(second.raw(), hex(CLOSE));
    second.write(hex(PROBE));
    second.write(hex("88 80 37 fa 21 3d"));
    assert!(second.is_closed());

    first.write(hex(UPGRADE));
    let mut third = session.websocket();
    assert_eq!(third.raw(), hex(CLOSE));
    first.send("42[\"a\"]");
    assert_eq!(log.take(), [r#"["a"]"#]);
    // A rejected WebSocket whose client stays is not kept for ever.
    world.advance(secs(10));
    assert!(third.is_closed());
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn a_websocket_whose_101_is_still_on_its_way_is_the_first() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut first = world.connect();
    first.end.set_capacity(0);
    first.write(upgrade_request(&session.upgrade_query()));
    let mut second = session.websocket();
    assert_eq!(second.raw(), hex(CLOSE));
    first.end.set_capacity(usize::MAX);
    assert_eq!(first.response().status, 101);
    first.write(hex(PROBE));
    assert_eq!(first.raw(), hex(PROBE_ANSWER));
}

#[test]
fn a_session_opened_over_websocket_cannot_be_taken_over() {
    let (world, log) = recorder();
    let mut client = world.upgrade("EIO=4&transport=websocket");
    assert_eq!(client.response().status, 101);
    let sid = crate::harness::sid_of(&client.text());
    client.send("40");
    client.text();
    log.take();
    let mut thief = world.upgrade(&format!("EIO=4&transport=websocket&sid={sid}"));
    assert_eq!(thief.response().status, 101);
    assert_eq!(thief.raw(), hex(CLOSE));
    thief.write(hex(UPGRADE));
    world.io().emit("secret", ()).unwrap();
    assert_eq!(client.text(), r#"42["secret"]"#);
    thief.expect_silence();
    assert_eq!(log.take(), Vec::<String>::new());
}

#[test]
fn the_websocket_is_closed_when_the_session_closes_during_the_probe() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    assert_eq!(websocket.raw(), hex(PROBE_ANSWER));
    log.take();
    assert_eq!(session.post("1").response().brief(), (200, "ok"));
    assert_eq!(websocket.frames(), [Frame::Close(Vec::new())]);
    assert_eq!(log.take(), ["transport close"]);
}

#[test]
fn a_post_in_progress_at_the_switch_is_cut_off() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut post = world.request(session.post_head(7));
    post.write("42[");
    let mut websocket = session.websocket();
    websocket.write(hex(UPGRADE));
    assert_eq!(post.response().status, 400);
    assert!(post.is_closed());
    websocket.send("42[\"b\"]");
    assert_eq!(log.take(), [r#"["b"]"#]);
}

#[test]
fn a_ping_over_polling_may_be_answered_over_the_websocket() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    world.advance(secs(25));
    assert_eq!(get.response().brief(), (200, "2"));
    let mut websocket = session.websocket();
    websocket.write(hex(PROBE));
    websocket.write(hex(UPGRADE));
    websocket.raw();
    world.advance(secs(19));
    websocket.send("3");
    world.advance(millis(24_999));
    websocket.expect_silence();
    world.advance(millis(1));
    assert_eq!(websocket.text(), "2");
    // The deadline survived the switch, and comes again.
    log.take();
    world.advance(secs(20));
    assert_eq!(log.take(), ["ping timeout"]);
}

#[test]
fn upgrades_can_be_forbidden() {
    let mut config = spola_server::Config::default();
    config.engine.allow_upgrades = false;
    let (world, log) = crate::harness::recorder_with(config);
    let session = world.join_polling();
    log.take();
    let mut websocket = session.websocket();
    assert_eq!(websocket.raw(), hex(CLOSE));
    assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["b"]"#]);
}
