//! HTTP long-polling (§2, §5 of the wire text).

use spola_server::Config;

use crate::harness::{millis, recorder, recorder_with, secs, sid_of};

const CLOSED: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);

#[test]
fn the_handshake_is_118_bytes_over_polling() {
    let (world, _) = recorder();
    let mut client = world.plain("GET /socket.io/?EIO=4&transport=polling");
    let response = client.response();
    let sid = sid_of(&response.body);
    assert_eq!(sid.len(), 20);
    assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert_eq!(
        response.body,
        format!(
            r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
        )
    );
    assert_eq!(response.body.len(), 118);
    assert_eq!(
        response.head,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=UTF-8\r\ncache-control: no-store\r\n\
         content-length: 118\r\n\r\n"
    );
}

#[test]
fn options_show_in_the_handshake() {
    let mut config = Config::default();
    config.engine.ping_interval = millis(300);
    config.engine.ping_timeout = millis(200);
    config.engine.max_payload = 1000;
    config.engine.allow_upgrades = false;
    let (world, _) = recorder_with(config);
    let response = world.plain("GET /socket.io/?EIO=4&transport=polling").response();
    assert!(
        response
            .body
            .ends_with(r#","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000}"#),
        "{response:?}"
    );
}

#[test]
fn a_post_is_answered_ok() {
    let (world, _) = recorder();
    let response = world.open_polling().post("40").response();
    assert_eq!(
        response.head,
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncache-control: no-store\r\ncontent-length: 2\r\n\r\n"
    );
    assert_eq!(response.body, "ok");
}

#[test]
fn a_get_waits_until_there_is_something_to_say() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    world.advance(secs(10));
    get.expect_silence();
    world.io().emit("news", 1).unwrap();
    assert_eq!(get.response().brief(), (200, r#"42["news",1]"#));
}

#[test]
fn a_get_takes_everything_that_waits() {
    let (world, _) = recorder();
    let session = world.join_polling();
    for number in 1..=3 {
        world.io().emit("n", number).unwrap();
    }
    let response = session.get().response();
    assert_eq!(response.brief(), (200, "42[\"n\",1]\x1e42[\"n\",2]\x1e42[\"n\",3]"));
}

#[test]
fn requests_may_share_a_connection() {
    let (world, _) = recorder();
    let session = world.open_polling();
    let mut client = world.connect();
    client.write(session.post_bytes("40"));
    assert_eq!(client.response().brief(), (200, "ok"));
    client.write(format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", session.target()));
    assert!(client.response().body.starts_with("40{"));
    assert!(!client.is_closed());
}

#[test]
fn attachments_go_as_base64_after_their_packet() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let body = "451-[\"hello\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID";
    assert_eq!(session.post(body).response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["hello",{"_placeholder":true,"num":0}]"#]);
    for socket in world.io().sockets() {
        socket.emit("bytes", serde_bytes(&[1, 2, 3])).unwrap();
    }
    assert_eq!(
        session.get().response().body,
        "451-[\"bytes\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID"
    );
}

fn serde_bytes(bytes: &[u8]) -> impl serde::Serialize {
    bytes::Bytes::copy_from_slice(bytes)
}

#[test]
fn a_payload_is_taken_up_to_its_first_bad_packet() {
    let a = r#"42["a"]"#;
    for (case, payload, seen) in [
        ("unknown type", format!("{a}\x1e9\x1e42[\"b\"]"), 1),
        ("trailing separator", format!("{a}\x1e"), 1),
        ("two separators", format!("{a}\x1e\x1e{a}"), 1),
        ("leading separator", format!("\x1e{a}"), 0),
        ("empty", String::new(), 0),
        ("base64 with foreign characters", format!("{a}\x1eb!!"), 1),
        ("a letter", format!("{a}\x1ex"), 1),
    ] {
        let (world, log) = recorder();
        let session = world.join_polling();
        log.take();
        let response = session.post(&payload).response();
        assert_eq!(response.brief(), (200, "ok"), "{case}");
        let mut expected = vec![r#"["a"]"#; seen];
        expected.push("parse error");
        assert_eq!(log.take(), expected, "{case}");
        assert_eq!(session.get().response().brief(), CLOSED, "{case}");
        assert_eq!(world.io().session_count(), 0, "{case}");
    }
}

#[test]
fn a_bad_packet_releases_the_pending_get() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    assert_eq!(session.post("9").response().brief(), (200, "ok"));
    assert_eq!(get.response().brief(), (200, "1"));
}

#[test]
fn invalid_utf8_is_replaced_and_the_session_lives() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let body = b"42[\"a\xff\"]";
    let mut client = world.request(session.post_head(body.len()));
    client.write(body);
    assert_eq!(client.response().brief(), (200, "ok"));
    assert_eq!(log.take(), ["[\"a\u{fffd}\"]"]);
}

#[test]
fn packet_types_that_a_client_does_not_send_are_ignored() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let body = "0\x1e5\x1e6\x1e3\x1e42[\"a\"]";
    assert_eq!(session.post(body).response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["a"]"#]);
}

#[test]
fn a_second_get_closes_the_session() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut first = session.get();
    let mut second = session.get();
    assert_eq!(first.response().brief(), (200, "1"));
    assert_eq!(second.response().brief(), (400, ""));
    assert_eq!(log.take(), ["connect", "transport error"]);
    assert_eq!(session.get().response().brief(), CLOSED);
}

#[test]
fn a_second_post_closes_the_session() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    let mut first = world.request(session.post_head(10));
    let mut second = session.post("42[\"a\"]");
    assert_eq!(second.response().brief(), (400, ""));
    assert_eq!(get.response().brief(), (200, "1"));
    assert_eq!(log.take(), ["connect", "transport error"]);
    // The first one's connection ends.
    assert_eq!(first.response().status, 400);
    first.write("0123456789");
    assert!(first.is_closed());
    assert_eq!(session.post("3").response().brief(), CLOSED);
}

#[test]
fn a_get_that_is_given_up_closes_the_session() {
    for end in ["reset", "shut"] {
        let (world, log) = recorder();
        let session = world.join_polling();
        let mut get = session.get();
        assert_eq!(log.take(), ["connect"]);
        if end == "reset" {
            get.reset();
        } else {
            get.shut();
        }
        assert_eq!(log.take(), ["transport error"], "{end}");
        assert_eq!(session.get().response().brief(), CLOSED, "{end}");
        assert_eq!(world.runtime.tasks(), 0, "{end}");
    }
}

#[test]
fn a_post_that_is_given_up_closes_the_session() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut post = world.request(session.post_head(10));
    post.write("42[");
    log.take();
    post.reset();
    assert_eq!(log.take(), ["transport error"]);
    assert_eq!(session.get().response().brief(), CLOSED);
}

#[test]
fn a_client_may_close_by_a_packet() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    log.take();
    let response = session.post("42[\"a\"]\x1e1\x1e42[\"b\"]").response();
    assert_eq!(response.brief(), (200, "ok"));
    assert_eq!(get.response().brief(), (200, "6"));
    assert_eq!(log.take(), [r#"["a"]"#, "transport close"]);
    assert_eq!(session.get().response().brief(), CLOSED);
    assert_eq!(session.post("40").response().brief(), CLOSED);
}

#[test]
fn a_session_without_a_first_poll_is_removed() {
    let (world, _) = recorder();
    let _session = world.open_polling();
    world.advance(millis(44_999));
    assert_eq!(world.io().session_count(), 1);
    world.advance(millis(1));
    assert_eq!(world.io().session_count(), 0);
    world.advance(secs(30));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_response_has_at_most_a_mebibyte_of_packets() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let text = "x".repeat(400_000);
    for _ in 0..4 {
        world.io().emit("t", &text).unwrap();
    }
    let lens = [(); 2].map(|()| session.get().response().body.len());
    assert_eq!(lens, [800_000 + 2 * 10 + 1; 2]);
}
