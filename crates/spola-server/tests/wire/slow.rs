//! Clients that do not read: what waits for them is bounded, and nobody else notices.

use spola_server::Config;

use crate::harness::{masked, millis, recorder, recorder_with, secs};

#[test]
fn a_peer_that_stops_reading_is_cut_after_30_seconds() {
    let (world, log) = recorder();
    let (slow, mut bystander) = (world.join(), world.join());
    slow.end.set_capacity(100);
    log.take();
    let text = "x".repeat(1000);
    for _ in 0..10 {
        world.io().emit("news", &text).unwrap();
    }
    assert_eq!(bystander.texts().len(), 10);
    world.advance(secs(20));
    bystander.send(r#"420["echo",1]"#);
    assert_eq!(bystander.text(), "430[1]");
    world.advance(millis(9999));
    assert!(bystander.text() == "2");
    bystander.send("3");
    assert!(log.take().is_empty());
    world.advance(millis(1));
    assert_eq!(log.take(), ["transport error"]);
    assert_eq!(world.io().session_count(), 1);
    bystander.send(r#"421["echo",1]"#);
    assert_eq!(bystander.text(), "431[1]");
    drop(slow);
    drop(bystander);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_peer_that_reads_slowly_gets_everything() {
    let (world, log) = recorder();
    let mut slow = world.join();
    slow.end.set_capacity(100);
    log.take();
    for number in 0..1000 {
        world.io().emit("n", number).unwrap();
    }
    for second in 0..40 {
        world.advance(secs(1));
        let bytes = slow.end.read(100);
        assert_eq!(bytes.len(), 100);
        slow.keep(bytes);
        if second == 30 {
            // The ping is on its way, behind what was written before.
            slow.end.write(&masked(1, b"3"));
        }
    }
    assert!(log.take().is_empty(), "each second brings progress");
    let expected: Vec<_> = (0..1000).map(|n| format!(r#"42["n",{n}]"#)).collect();
    let mut received = slow.texts();
    received.retain(|text| text != "2");
    assert_eq!(received, expected);
}

#[test]
fn at_16_mebibytes_a_peer_that_does_not_read_is_disconnected() {
    let (world, log) = recorder();
    let (mut slow, mut bystander) = (world.join(), world.join());
    let session = world.join_polling();
    slow.end.set_capacity(100);
    log.take();
    let text = "x".repeat(1 << 20);
    for _ in 0..15 {
        world.io().emit("news", &text).unwrap();
        assert_eq!(bystander.texts().len(), 1);
    }
    assert!(log.take().is_empty());
    for _ in 0..3 {
        world.io().emit("news", &text).unwrap();
        assert_eq!(bystander.texts().len(), 1);
    }
    assert_eq!(log.take(), ["transport error"; 2]);
    assert_eq!(world.io().session_count(), 1);
    assert_eq!(session.get().response().status, 400);
    bystander.send(r#"420["echo",1]"#);
    assert_eq!(bystander.text(), "430[1]");
    // The connection goes as well, whether the peer wakes up or not.
    world.advance(secs(30));
    slow.expect_end();
}

#[test]
fn a_burst_in_one_turn_is_bounded_too() {
    let mut config = Config::default();
    config.outgoing_hard_cap = 1 << 20;
    let (world, log) = recorder_with(config);
    let mut slow = world.join();
    slow.end.set_capacity(100);
    log.take();
    let text = "x".repeat(1 << 18);
    for _ in 0..10 {
        // Nothing runs between these: they wait in the session's inbox.
        world.io().emit("news", &text).unwrap();
    }
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["transport error"]);
    world.advance(secs(30));
    slow.expect_end();
}

#[test]
fn answers_count_against_the_limit_of_a_peer_that_only_asks() {
    let mut config = Config::default();
    config.engine.max_queued_bytes = 1 << 20;
    let (world, log) = recorder_with(config);
    let mut asker = world.join();
    asker.end.set_capacity(100);
    log.take();
    let question = format!(r#"420["echo","{}"]"#, "x".repeat(10_000));
    for _ in 0..200 {
        asker.end.write(&masked(1, question.as_bytes()));
    }
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["transport error"]);
    world.advance(secs(30));
    asker.expect_end();
}
