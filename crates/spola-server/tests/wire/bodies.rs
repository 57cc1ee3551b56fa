//! Bodies of POSTs: their size, type and time (§5 of the wire text).

use spola_server::Config;

use crate::harness::{millis, recorder, recorder_with, secs};

const CLOSED: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);

#[test]
fn a_body_of_the_limit_passes_and_one_byte_more_is_413() {
    let mut config = Config::default();
    config.engine.max_payload = 100;
    let (world, log) = recorder_with(config);
    let session = world.join_polling();
    log.take();
    let packet = |len: usize| format!("42[\"{}\"]", "x".repeat(len - 6));
    assert_eq!(session.post(&packet(100)).response().brief(), (200, "ok"));
    assert_eq!(log.take().len(), 1);

    let mut by_length = session.post(&packet(101));
    assert_eq!(by_length.response().brief(), (413, ""));
    by_length.write(session.post_bytes("3"));
    assert_eq!(by_length.response().brief(), (200, "ok"), "the connection is in order");

    let head = session.post_head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let mut chunked = world.request(&head);
    chunked.write(format!("32\r\n{}\r\n", &packet(101)[..50]));
    chunked.expect_silence();
    chunked.write(format!("33\r\n{}\r\n0\r\n\r\n", &packet(101)[50..]));
    assert_eq!(chunked.response().brief(), (413, ""));

    let mut chunked = world.request(&head);
    chunked.write(format!("64\r\n{}\r\n0\r\n\r\n", packet(100)));
    assert_eq!(chunked.response().brief(), (200, "ok"));
    assert_eq!(log.take().len(), 1, "nothing of what was too large");
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn a_body_that_announces_a_terabyte_is_413_at_once() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let mut client = world.request(session.post_head(1 << 40));
    assert_eq!(client.response().brief(), (413, ""));
    assert_eq!(session.post("42[\"a\"]").response().brief(), (200, "ok"));
}

#[test]
fn what_is_too_large_is_read_to_its_end_within_bounds() {
    let (world, _) = recorder();
    let session = world.join_polling();
    for (announced, read) in [(5_000_000, true), (5_000_000 + (1 << 20), false)] {
        let mut client = world.request(session.post_head(announced));
        client.write(vec![b'x'; 3_000_000]);
        assert_eq!(client.try_response().is_none(), read, "{announced}");
        assert_eq!(client.end.unread_by_server() == 0, read, "{announced}");
        if read {
            client.write(vec![b'x'; 2_000_000]);
            assert_eq!(client.response().brief(), (413, ""));
            assert!(!client.is_closed());
        }
    }
    let head = session.post_head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let mut client = world.request(head);
    let chunk = format!("f4240\r\n{}\r\n", "x".repeat(1_000_000));
    for _ in 0..5 {
        client.write(&chunk);
        client.expect_silence();
    }
    client.write(&chunk);
    assert_eq!(client.response().brief(), (413, ""));
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn what_is_too_large_and_never_ends_is_413_after_30_seconds() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut client = world.request(session.post_head(1_000_001));
    world.advance(millis(29_999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(client.response().brief(), (413, ""));
    assert!(client.is_closed());
    assert!(log.take().is_empty());
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn a_binary_content_type_is_400_and_closes_the_session() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let post = session
        .post_bytes("42[\"a\"]")
        .replace("text/plain;charset=UTF-8", "application/octet-stream");
    assert_eq!(world.request(post).response().brief(), (400, ""));
    assert_eq!(log.take(), ["transport error"]);
    assert_eq!(session.get().response().brief(), CLOSED);
}

#[test]
fn other_content_types_do_not_matter() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let bytes = session.post_bytes("42[\"a\"]");
    let types = [
        "Content-Type: application/octet-stream; charset=x\r\n",
        "Content-Type: application/json\r\n",
        "",
    ];
    for content_type in types {
        let post = bytes.replace("Content-Type: text/plain;charset=UTF-8\r\n", content_type);
        assert_eq!(world.request(post).response().brief(), (200, "ok"));
        assert_eq!(log.take(), [r#"["a"]"#]);
    }
}

#[test]
fn compressed_bodies_are_415_and_the_session_lives() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let post = session
        .post_bytes("42[\"a\"]")
        .replace("Host: x\r\n", "Host: x\r\nContent-Encoding: gzip\r\n");
    assert_eq!(world.request(post).response().brief(), (415, ""));
    assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["b"]"#]);
}

#[test]
fn a_body_that_takes_30_seconds_is_408_and_closes_the_session() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    let mut post = world.request(session.post_head(100));
    for _ in 0..29 {
        world.advance(secs(1));
        post.write("x");
        post.expect_silence();
    }
    world.advance(millis(999));
    post.expect_silence();
    world.advance(millis(1));
    assert_eq!(post.response().brief(), (408, ""));
    assert!(post.is_closed());
    assert_eq!(log.take(), ["transport error"]);
    assert_eq!(session.get().response().brief(), CLOSED);
}
