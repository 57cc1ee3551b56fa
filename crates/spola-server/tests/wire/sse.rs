//! Server-Sent Events (`docs/guide/sse.md`): heads, chunks, drops and slow readers.

use std::future::Future;

use spola_server::Config;

use crate::harness::{
    Log, Stream, Streaming, World, millis, recorder, recorder_with, secs, sid_of,
};

fn config() -> Config {
    let mut config = Config::default();
    config.engine.transports.sse = true;
    config
}

fn serving() -> (World, Log) {
    recorder_with(config())
}

#[test]
fn a_session_opens_with_its_stream() {
    let (world, _) = serving();
    let mut stream = Stream::opened(world.plain("GET /socket.io/?EIO=4&transport=sse"));
    let events = stream.events();
    let sid = sid_of(&events[0]);
    let open = format!(
        r#"#1 0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    );
    assert_eq!(events, [open]);
    assert!(!stream.ended);
}

#[test]
fn it_is_off_unless_told() {
    let (world, _) = recorder();
    let response = world.plain("GET /socket.io/?EIO=4&transport=sse").response();
    assert_eq!(response.brief(), (400, r#"{"code":0,"message":"Transport unknown"}"#));
    assert_eq!(world.plain("GET /socket.io/spola-sse.js").response().status, 400);
    let response = world.plain("GET /socket.io/?EIO=4&transport=polling&sse=1").response();
    assert!(response.body.contains(r#""upgrades":["websocket"],"#));
}

#[test]
fn events_go_down_the_stream_and_up_by_posts() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    log.take();
    world.io().emit("news", "one\ntwo").unwrap();
    assert_eq!(session.stream.events(), [r#"#3 42["news","one\ntwo"]"#]);
    assert_eq!(session.post("420[\"echo\",1]\x1e42[\"a\"]").response().brief(), (200, "ok"));
    assert_eq!(session.stream.events(), ["#4 430[1]"]);
    assert_eq!(log.take(), [r#"["a"]"#]);
    let bytes = bytes::Bytes::from_static(&[1, 2, 3]);
    world.io().emit("bytes", bytes).unwrap();
    assert_eq!(
        session.stream.events(),
        [r#"#5 451-["bytes",{"_placeholder":true,"num":0}]"#, "#6 bAQID"]
    );
}

#[test]
fn one_burst_is_one_chunk() {
    let (world, _) = serving();
    let mut session = Streaming::join(&world);
    for number in 0..3 {
        world.io().emit("n", number).unwrap();
    }
    let raw = String::from_utf8(session.stream.client.raw()).unwrap();
    assert_eq!(raw.matches("\r\n").count(), 2, "{raw:?}");
}

#[test]
fn a_comment_comes_every_15_seconds_and_the_heartbeat_runs() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    world.advance(secs(15));
    session.stream.pull();
    assert_eq!(std::mem::take(&mut session.stream.text), ":\n\n");
    world.advance(secs(10));
    assert_eq!(session.stream.events(), ["#3 2"]);
    assert_eq!(session.post("3").response().brief(), (200, "ok"));
    world.advance(secs(25));
    assert_eq!(session.stream.events(), ["#4 2"]);
    log.take();
    world.advance(secs(20));
    assert_eq!(session.stream.events(), ["#5 1"]);
    assert!(session.stream.ended);
    assert_eq!(log.take(), ["ping timeout"]);
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn a_dropped_stream_is_resumed() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    log.take();
    world.io().emit("n", 1).unwrap();
    world.io().emit("n", 2).unwrap();
    session.drop_stream();
    world.io().emit("n", 3).unwrap();
    world.advance(millis(9_999));
    session.resume(3);
    assert_eq!(session.stream.events(), ["#4 42[\"n\",2]", "#5 42[\"n\",3]"]);
    // The header says it as well, and better.
    let target = session.target("&lastEventId=3");
    let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 4\r\n\r\n");
    let mut other = Stream::opened(world.request(head));
    assert_eq!(other.events(), ["#5 42[\"n\",3]"]);
    assert!(session.stream.events().is_empty());
    assert!(session.stream.ended, "the newest stream counts");
    assert!(log.take().is_empty());
    let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: x\r\n\r\n");
    assert_eq!(world.request(head).response().status, 400);
    assert!(!other.ended);
}

#[test]
fn nobody_resumes_for_10_seconds() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    log.take();
    session.drop_stream();
    world.advance(millis(9_999));
    assert!(log.take().is_empty());
    world.advance(millis(1));
    assert_eq!(log.take(), ["transport close"]);
    let target = session.target("&lastEventId=2");
    let response = world.plain(&format!("GET {target}")).response();
    assert_eq!(response.brief(), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    drop(session);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_numbered_post_is_taken_in_once() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    log.take();
    let mut cut = world.request(session.post_bytes(2, "42[\"a\"]").trim_end_matches(']'));
    cut.expect_silence();
    cut.reset();
    for _ in 0..2 {
        let again = world.request(session.post_bytes(2, "42[\"a\"]")).response();
        assert_eq!(again.brief(), (200, "ok"));
    }
    session.posts = 2;
    assert_eq!(session.post("42[\"b\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["a"]"#, r#"["b"]"#]);
}

#[test]
fn the_stream_takes_the_place_of_polling() {
    let (world, log) = serving();
    let response = world.plain("GET /socket.io/?EIO=4&transport=polling&sse=1").response();
    assert!(response.body.contains(r#""upgrades":["websocket","sse"],"#));
    let polling = format!("/socket.io/?EIO=4&transport=polling&sid={}", sid_of(&response.body));
    let target = format!("/socket.io/?EIO=4&transport=sse&sid={}", sid_of(&response.body));
    let stream = Stream::opened(world.plain(&format!("GET {target}")));
    let sid = sid_of(&response.body);
    let mut session = Streaming { world: world.clone(), sid, posts: 0, stream };
    assert_eq!(session.post("2probe").response().brief(), (200, "ok"));
    assert_eq!(session.stream.events(), ["#1 3probe"]);
    let mut get = world.plain(&format!("GET {polling}"));
    world.advance(millis(100));
    assert_eq!(get.response().brief(), (200, "6"));
    assert_eq!(session.post("5\x1e40").response().brief(), (200, "ok"));
    let events = session.stream.events();
    assert!(events.len() == 1 && events[0].starts_with("#2 40{"), "{events:?}");
    let response = world.plain(&format!("GET {polling}")).response();
    assert_eq!(response.brief(), (400, r#"{"code":3,"message":"Bad request"}"#));
    session.drop_stream();
    session.resume(1);
    assert_eq!(session.stream.events(), events);
    assert_eq!(log.take(), ["connect"]);
}

#[test]
fn a_probe_that_drops_leaves_polling_alive() {
    let (world, log) = serving();
    let session = world.join_polling();
    log.take();
    let target = format!("/socket.io/?EIO=4&transport=sse&sid={}", session.sid);
    let stream = Stream::opened(world.plain(&format!("GET {target}")));
    stream.client.reset();
    assert_eq!(session.post("42[\"a\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["a"]"#]);
}

#[test]
fn what_the_reader_does_not_take_counts_as_queued() {
    let mut config = config();
    config.engine.max_queued_bytes = 1 << 20;
    let (world, log) = recorder_with(config);
    let (mut slow, mut bystander) = (Streaming::join(&world), Streaming::join(&world));
    slow.stream.client.end.set_capacity(100);
    log.take();
    let text = "x".repeat(100_000);
    for _ in 0..9 {
        world.io().emit("t", &text).unwrap();
        assert_eq!(bystander.stream.events().len(), 1);
    }
    // Its requests are answered all the same.
    assert_eq!(slow.post("42[\"a\"]").response().brief(), (200, "ok"));
    assert_eq!(log.take(), [r#"["a"]"#]);
    // The HTTP library has a buffer of its own.
    for _ in 0..9 {
        world.io().emit("t", &text).unwrap();
        assert_eq!(bystander.stream.events().len(), 1);
    }
    assert_eq!(log.take(), ["transport error"]);
    assert_eq!(world.io().session_count(), 1);
}

#[test]
fn a_slow_reader_gets_everything() {
    let (world, log) = serving();
    let mut slow = Streaming::join(&world);
    slow.stream.client.end.set_capacity(1000);
    log.take();
    for number in 0..3000 {
        world.io().emit("n", number).unwrap();
    }
    world.runtime.run_until_idle();
    assert!(slow.stream.client.end.waiting() <= 1000);
    let events = slow.stream.events();
    let expected = (0..3000).map(|n| format!("#{} 42[\"n\",{n}]", n + 3));
    assert_eq!(events, expected.collect::<Vec<_>>());
    assert!(log.take().is_empty());
}

#[test]
fn a_stream_is_resumed_while_the_old_one_is_stuck() {
    let (world, _) = serving();
    let mut session = Streaming::join(&world);
    session.stream.client.end.set_capacity(10);
    let text = "x".repeat(10_000);
    for _ in 0..5 {
        world.io().emit("t", &text).unwrap();
    }
    world.runtime.run_until_idle();
    session.resume(2);
    assert_eq!(session.stream.events().len(), 5);
}

#[test]
fn the_server_says_goodbye() {
    let (world, log) = serving();
    let mut session = Streaming::join(&world);
    log.take();
    world.io().close();
    assert_eq!(session.stream.events(), ["#3 1"]);
    assert!(session.stream.ended);
    assert_eq!(log.take(), ["server shutting down"]);
    drop(session);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_closed_session_does_not_wait_for_a_reader_for_ever() {
    let (world, _) = serving();
    let session = Streaming::join(&world);
    session.stream.client.end.set_capacity(10);
    for _ in 0..5 {
        world.io().emit("t", "x".repeat(10_000)).unwrap();
    }
    world.io().close();
    world.advance(secs(30));
    assert!(world.run(drained(&world)).output().is_some());
}

fn drained(world: &World) -> impl Future<Output = ()> + Send + 'static {
    let io = world.io().clone();
    async move { io.drained().await }
}

#[test]
fn the_clients_script_is_served_below_the_path() {
    let (world, _) = serving();
    for name in ["spola-sse.js", "spola-sse.global.js"] {
        let response = world.plain(&format!("GET /socket.io/{name}")).response();
        assert_eq!(response.status, 200);
        let content_type = response.header("content-type");
        assert_eq!(content_type, Some("application/javascript; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("public, max-age=0"));
        assert_eq!(response.body.contains("\nexport { SSE };"), name == "spola-sse.js");
        let etag = response.header("etag").unwrap();
        let other = "\"other\"".to_owned();
        for (known, status) in [(etag.to_owned(), 304), (format!("W/{etag}"), 304), (other, 200)] {
            let head = format!(
                "GET /socket.io/{name} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {known}\r\n\r\n"
            );
            let head_of = world.request(head).raw();
            let line = format!("HTTP/1.1 {status}");
            assert!(head_of.starts_with(line.as_bytes()), "{known}");
        }
    }
    assert_eq!(world.plain("GET /socket.io/spola-sse.css").response().status, 400);
}
