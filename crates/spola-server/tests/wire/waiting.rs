//! Handlers that wait, and what waits for them.

use spola_server::{Data, DisconnectReason, Io, Reply, Socket, State};

use crate::harness::{Gate, Log, World, masked, secs, serving};

/// A server whose handler of `wait` waits for a word.
fn waiting_world() -> (World, Log, Gate) {
    let (log, gate) = (Log::default(), Gate::default());
    let io = Io::builder().state(log.clone()).build();
    let root = io.namespace("/");
    root.on("wait", {
        let (log, gate) = (log.clone(), gate.clone());
        move || {
            log.say("wait");
            gate.clone().passed()
        }
    });
    root.on("echo", async |Data(value): Data<u32>| Reply(value));
    root.on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
        log.say(reason.as_str());
    });
    (World::new(io), log, gate)
}

#[test]
fn beyond_128_waiting_handlers_a_websocket_is_not_read() {
    let (world, log, gate) = waiting_world();
    let mut client = world.join();
    for _ in 0..127 {
        client.send(r#"42["wait"]"#);
    }
    client.send(r#"420["echo",1]"#);
    assert_eq!(client.text(), "430[1]");
    client.send(r#"42["wait"]"#);
    client.send(r#"421["echo",2]"#);
    client.expect_silence();
    assert_eq!(log.take().len(), 128);
    let mut bystander = world.join();
    bystander.send(r#"420["echo",3]"#);
    assert_eq!(bystander.text(), "430[3]");

    client.end.write(&masked(1, br#"42["wait"]"#).repeat(100_000));
    world.runtime.run_until_idle();
    assert!(client.end.unread_by_server() > 1_000_000);
    gate.open();
    assert_eq!(client.text(), "431[2]");
    assert_eq!(log.take().len(), 100_000);
}

#[test]
fn beyond_128_waiting_handlers_what_was_posted_waits_too() {
    let (world, log, gate) = waiting_world();
    let session = world.join_polling();
    let body = vec![r#"42["wait"]"#; 10_000].join("\x1e");
    assert_eq!(session.post(&body).response().brief(), (200, "ok"));
    assert_eq!(log.take().len(), 128);
    // With so many waiting, the next POST is not even answered.
    let mut post = session.post(&body);
    post.expect_silence();
    assert!(log.take().is_empty());
    // What is to be sent does not wait.
    world.io().emit("news", ()).unwrap();
    assert_eq!(session.get().response().brief(), (200, r#"42["news"]"#));

    gate.open();
    assert_eq!(post.response().brief(), (200, "ok"));
    assert_eq!(log.take().len(), 9872 + 10_000);
}

#[test]
fn handlers_that_wait_do_not_keep_a_session_alive() {
    let (world, log, gate) = waiting_world();
    let session = world.join_polling();
    let body = vec![r#"42["wait"]"#; 200].join("\x1e");
    assert_eq!(session.post(&body).response().brief(), (200, "ok"));
    assert_eq!(log.take().len(), 128);
    world.advance(secs(45));
    assert_eq!(log.take().last().map(String::as_str), Some("ping timeout"));
    assert_eq!(world.io().session_count(), 0);
    gate.open();
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_pong_behind_messages_that_wait_for_handlers_is_heard() {
    let (world, log, gate) = waiting_world();
    let mut client = world.join();
    for _ in 0..200 {
        client.send(r#"42["wait"]"#);
    }
    let session = world.join_polling();
    let body = vec![r#"42["wait"]"#; 200].join("\x1e");
    assert_eq!(session.post(&body).response().brief(), (200, "ok"));
    for _ in 0..3 {
        world.advance(secs(25));
        assert_eq!(client.text(), "2");
        client.send("3");
        assert_eq!(session.get().response().brief(), (200, "2"));
        assert_eq!(session.post("3").response().brief(), (200, "ok"));
        world.advance(secs(19));
    }
    assert_eq!(world.io().session_count(), 2);
    assert_eq!(log.take().len(), 256);
    gate.open();
    world.runtime.run_until_idle();
    assert_eq!(log.take().len(), 144);
}

#[test]
fn handlers_that_wait_for_the_client_do_not_keep_its_answers_out() {
    let (world, log) = serving(|root| {
        root.on("ask", async |socket: Socket, State(log): State<Log>| {
            let answer: Result<u32, _> = socket.emit_with_ack("question", ()).await;
            log.say(format!("{answer:?}"));
        });
    });
    let mut client = world.join();
    for _ in 0..300 {
        client.send(r#"42["ask"]"#);
    }
    let questions = client.texts();
    assert_eq!(questions.len(), 300);
    for id in 0..300 {
        client.send(&format!("43{id}[{id}]"));
    }
    let answers = log.take();
    assert_eq!(answers.len(), 300);
    assert!(answers.iter().all(|answer| answer.starts_with("Ok(")), "{answers:?}");
}

#[test]
fn what_is_decided_at_once_does_not_count_as_pending() {
    let io = Io::new();
    let names: Vec<_> = (0..40).map(|at| format!("/{at}")).collect();
    for name in &names {
        io.namespace(name);
    }
    let world = World::new(io);
    let session = world.open_polling();
    let body: Vec<_> = names.iter().map(|name| format!("40{name},")).collect();
    assert_eq!(session.post(&body.join("\x1e")).response().brief(), (200, "ok"));
    let replies = session.get().response();
    let replies: Vec<_> = replies.brief().1.split('\x1e').collect();
    assert_eq!(replies.len(), 40);
    assert!(replies.iter().all(|reply| reply.starts_with("40/")), "{replies:?}");
}

#[test]
fn aborting_ends_handlers_that_never_do() {
    let (world, _log, _gate) = waiting_world();
    let mut client = world.join();
    client.send(r#"42["wait"]"#);
    world.io().close();
    world.advance(secs(60));
    assert_eq!(world.io().session_count(), 0);
    assert_ne!(world.runtime.tasks(), 0);
    world.io().abort();
    world.runtime.run_until_idle();
    assert_eq!(world.runtime.tasks(), 0);
}
