//! Compressed responses to polls (§12.5 of the wire text).

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use spola_server::{Config, HttpCompression};

use crate::harness::{Polling, World, recorder, recorder_with, sid_of};

/// The answer to a poll by a client that takes these codings: its head, and its body as it came.
fn poll(world: &World, session: &Polling, accepts: &str) -> (String, Vec<u8>) {
    poll_at(world, &session.target(), accepts)
}

fn poll_at(world: &World, target: &str, accepts: &str) -> (String, Vec<u8>) {
    let raw = world
        .request(format!("GET {target} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {accepts}\r\n\r\n"))
        .raw();
    let end = raw.windows(4).position(|at| at == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(raw[..end].to_vec()).unwrap(), raw[end..].to_vec())
}

fn inflated(mut decoder: impl std::io::Read) -> String {
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_large_response_is_compressed_as_the_client_likes() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let text = "all work and no play ".repeat(100_000);
    let packet = format!(r#"42["news","{text}"]"#);
    for (accepts, coding) in [
        ("gzip, deflate, br", Some("gzip")),
        ("deflate", Some("deflate")),
        ("gzip;q=0.1, deflate;q=0.2", Some("deflate")),
        ("br, zstd", None),
        ("gzip;q=0", None),
    ] {
        world.io().emit("news", &text).unwrap();
        let (head, body) = poll(&world, &session, accepts);
        let named = head.lines().find_map(|line| line.strip_prefix("content-encoding: "));
        assert_eq!(named, coding, "{accepts}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("content-type: text/plain; charset=UTF-8\r\n"), "{head}");
        assert!(head.contains("cache-control: no-store\r\n"), "{head}");
        let read = match coding {
            Some("gzip") => inflated(GzDecoder::new(&body[..])),
            Some(_) => inflated(ZlibDecoder::new(&body[..])),
            None => String::from_utf8(body.clone()).unwrap(),
        };
        assert!(read == packet, "{accepts}: {} bytes", read.len());
        assert!(coding.is_none() || body.len() < packet.len() / 50, "{}", body.len());
    }
}

#[test]
fn responses_below_the_threshold_go_as_they_are() {
    let (world, _) = recorder();
    let session = world.join_polling();
    for (len, compressed) in [(1023, false), (1024, true)] {
        world.io().emit("n", "x".repeat(len - r#"42["n",""]"#.len())).unwrap();
        let (head, body) = poll(&world, &session, "gzip");
        assert_eq!(head.contains("content-encoding: gzip"), compressed, "{len}: {head}");
        assert_eq!(body.len() == len, !compressed);
    }
}

#[test]
fn compression_can_be_set_and_switched_off() {
    let mut eager = HttpCompression::default();
    (eager.threshold, eager.level) = (1, 9);
    for (settings, compressed) in [(Some(eager), true), (None, false)] {
        let mut config = Config::default();
        config.http_compression = settings;
        let (world, _) = recorder_with(config);
        let session = world.join_polling();
        world.io().emit("n", "x".repeat(if compressed { 1 } else { 10_000 })).unwrap();
        let (head, _) = poll(&world, &session, "gzip");
        assert_eq!(head.contains("content-encoding"), compressed, "{head}");
    }
}

#[test]
fn what_is_posted_is_answered_in_plain() {
    let mut eager = HttpCompression::default();
    eager.threshold = 0;
    let mut config = Config::default();
    config.http_compression = Some(eager);
    let (world, _) = recorder_with(config);
    let session = world.open_polling();
    let head = session.post_head(2).replace("Host: x", "Host: x\r\nAccept-Encoding: gzip");
    assert_eq!(world.request(format!("{head}40")).response().brief(), (200, "ok"));
}

#[test]
fn a_response_is_compressed_if_one_of_its_events_may_be() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let io = world.io();
    let socket = io.sockets().remove(0);
    let text = "x".repeat(2000);
    let plain = || io.namespace("/").everybody().compress(false).emit("n", &text).unwrap();
    plain();
    socket.compress(false).emit("n", &text).unwrap();
    let (head, body) = poll(&world, &session, "gzip");
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(body.len(), 2 * r#"42["n",""]"#.len() + 4000 + 1);
    plain();
    socket.emit("n", &text).unwrap();
    let (head, _) = poll(&world, &session, "gzip");
    assert!(head.contains("content-encoding: gzip"), "{head}");
}

#[test]
fn binary_payloads_of_revision_3_are_compressed_by_the_same_rule() {
    let mut config = Config::default();
    config.engine.allow_eio3 = true;
    let (world, _) = recorder_with(config);
    let response = world.plain("GET /socket.io/?EIO=3&transport=polling").response();
    let sid = sid_of(&response.body);
    let target = format!("/socket.io/?EIO=3&transport=polling&sid={sid}");
    let _ = poll_at(&world, &target, "gzip");
    let socket = world.io().sockets().remove(0);
    for compress in [false, true] {
        let data = Bytes::from_static(&[7; 2000]);
        socket.compress(compress).emit("n", data).unwrap();
        let (head, _) = poll_at(&world, &target, "gzip");
        assert!(head.contains("content-type: application/octet-stream"), "{head}");
        assert_eq!(head.contains("content-encoding: gzip"), compress, "{head}");
    }
}
