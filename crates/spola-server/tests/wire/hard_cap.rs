//! What waits for a client, at its hard cap (§6 of the limits).

use spola_server::{AckError, AtHardCap, Config, EmitError, RejectReason, Socket};

use crate::harness::{Client, Log, World, masked, recorder_with, secs};
use crate::sending::socket;

#[test]
fn a_burst_at_the_hard_cap_is_told_of() {
    let mut config = Config::default();
    config.outgoing_hard_cap = 1 << 20;
    let (world, log) = recorder_with(config);
    let slow = world.join();
    slow.end.set_capacity(100);
    let socket = socket(&world);
    log.take();
    let text = "x".repeat(1 << 18);
    let mut outcomes = (0..10).map(|_| socket.emit("n", &text));
    assert!(outcomes.any(|sent| matches!(sent, Err(EmitError::Full))));
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["transport error"]);
}

#[test]
fn a_hard_cap_of_zero_is_none() {
    let mut config = Config::default();
    config.outgoing_hard_cap = 0;
    let (world, log) = recorder_with(config);
    let mut client = world.join();
    client.end.set_capacity(100);
    log.take();
    // More than all caps there are by default.
    for _ in 0..20 {
        world.io().emit("n", "x".repeat(1 << 20)).unwrap();
        world.runtime.run_until_idle();
    }
    client.end.set_capacity(usize::MAX);
    assert_eq!(client.texts().len(), 20);
    assert!(log.take().is_empty());
}

/// A client that reads nothing, of a server that drops what passes the hard cap.
fn kept_at_the_hard_cap(cap: usize) -> (World, Log, Client, Socket) {
    let mut config = Config::default();
    (config.outgoing_hard_cap, config.at_hard_cap) = (cap, AtHardCap::Refuse);
    let (world, log) = recorder_with(config);
    let client = world.join();
    client.end.set_capacity(100);
    let socket = socket(&world);
    log.take();
    (world, log, client, socket)
}

#[test]
fn at_the_hard_cap_a_client_may_be_kept_and_what_is_new_dropped() {
    let (world, log, mut slow, socket) = kept_at_the_hard_cap(2 << 20);
    let mut bystander = world.join();
    log.take();
    let text = "x".repeat(100_000);
    let mut sent = 0;
    while socket.emit("n", (sent, &text)).is_ok() {
        sent += 1;
        world.runtime.run_until_idle();
    }
    assert!((19..=20).contains(&sent), "{sent}");
    // Each verb, and nothing of what they say is sent.
    assert!(matches!(socket.emit("n", &text), Err(EmitError::Full)));
    assert_eq!(world.io().emit("n", &text).unwrap(), 1);
    let asked = {
        let question = socket.emit_with_ack::<()>("n", &text);
        world.run(async move { question.await })
    };
    assert!(matches!(asked.output(), Some(Err(AckError::Dropped))));
    assert!(matches!(socket.try_emit("n", ()), Err(EmitError::Full)));
    socket.volatile().emit("n", ()).unwrap();
    slow.end.write(&masked(1, format!(r#"420["echo","{text}"]"#).as_bytes()));
    assert_eq!(bystander.texts().len(), 1);
    assert_eq!(world.io().statistics().rejected(RejectReason::OutgoingHardCap), 5);

    // It lives, gets all that was sent before, in order, and then what is sent anew.
    slow.end.set_capacity(usize::MAX);
    let texts = slow.texts();
    assert_eq!(texts.len(), sent);
    for (at, text) in texts.iter().enumerate() {
        assert!(text.starts_with(&format!(r#"42["n",{at},"#)), "{at}");
    }
    socket.emit("n", "again").unwrap();
    assert_eq!(slow.text(), r#"42["n","again"]"#);
    slow.send(r#"421["echo",1]"#);
    assert_eq!(slow.text(), "431[1]");
    assert!(log.take().is_empty());
}

#[test]
fn base64_costs_nobody_who_is_kept_its_session() {
    let mut config = Config::default();
    (config.outgoing_hard_cap, config.at_hard_cap) = (1 << 20, AtHardCap::Refuse);
    let (world, log) = recorder_with(config);
    let session = world.join_polling();
    let (socket, data) = (socket(&world), vec![7; 100_000]);
    log.take();
    let sent =
        (0..20).filter(|_| socket.emit("n", bytes::Bytes::from(data.clone())).is_ok()).count();
    assert!((9..=10).contains(&sent), "{sent}");
    world.runtime.run_until_idle();
    assert!(log.take().is_empty());
    assert_eq!(session.get().response().status, 200);
}

#[test]
fn requests_of_a_client_at_the_hard_cap_cost_it_nothing() {
    let mut config = Config::default();
    (config.outgoing_hard_cap, config.at_hard_cap) = (1 << 20, AtHardCap::Refuse);
    let (world, log) = recorder_with(config);
    let session = world.join_polling();
    let socket = socket(&world);
    log.take();
    let mut sent = 0;
    for len in [10_000, 1] {
        while socket.emit("n", "x".repeat(len)).is_ok() {
            sent += 1;
            world.runtime.run_until_idle();
        }
    }
    assert_eq!(session.post(r#"420["echo",1]"#).response().status, 200);
    assert!(log.take().is_empty());
    let gets = [session.get(), session.get()];
    let got = gets.map(|mut get| get.response().body.split('\x1e').count());
    assert_eq!(got[0] + got[1], sent);
}

#[test]
fn packets_have_a_hard_cap_too() {
    let (world, log, mut slow, socket) = kept_at_the_hard_cap(16 << 20);
    let sent = (0..70_000).filter(|_| socket.emit("n", ()).is_ok()).count();
    assert!(sent <= 65_536, "{sent}");
    world.runtime.run_until_idle();
    for _ in 0..70_000 {
        let _ = socket.emit("n", ());
    }
    world.runtime.run_until_idle();
    assert!(log.take().is_empty());
    slow.end.set_capacity(usize::MAX);
    assert!(slow.texts().len() >= 65_536);
    slow.send(r#"421["echo",1]"#);
    assert_eq!(slow.text(), "431[1]");
}

#[test]
fn a_client_kept_at_the_hard_cap_has_to_read_all_the_same() {
    let (world, log, _slow, socket) = kept_at_the_hard_cap(1 << 20);
    while socket.emit("n", "x".repeat(10_000)).is_ok() {}
    world.advance(secs(29));
    assert!(log.take().is_empty());
    world.advance(secs(1));
    assert_eq!(log.take(), ["transport error"]);
}

#[test]
fn what_the_protocol_has_to_say_is_not_dropped_at_the_hard_cap() {
    let (world, log, slow, socket) = kept_at_the_hard_cap(1 << 20);
    while socket.emit("n", "x".repeat(100)).is_ok() {
        world.runtime.run_until_idle();
    }
    assert!(log.take().is_empty());
    slow.end.write(&masked(1, b"40/nowhere,").repeat(20_000));
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["transport error"]);
}
