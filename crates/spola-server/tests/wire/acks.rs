//! Acknowledgements, in both directions (§18.2 of the wire text).

use spola_server::{Ack, AckError, Config, Refusal, Reply, Socket, State};

use crate::harness::{Gate, Log, millis, recorder, recorder_with, secs, serving};

#[test]
fn an_ack_may_be_answered_later_and_only_once() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.on("ask", move |ack: Ack, State(log): State<Log>| {
            let gate = gate.clone();
            async move {
                gate.passed().await;
                log.say(format!("{}", ack.is_awaited()));
                ack.send(("first", 1)).unwrap();
                ack.clone().send("second").unwrap();
                log.say(format!("{}", ack.is_awaited()));
            }
        });
    });
    let mut client = world.join();
    client.send(r#"427["ask"]"#);
    client.send(r#"42["ask"]"#);
    client.expect_silence();
    gate.open();
    assert_eq!(client.texts(), [r#"437["first",1]"#]);
    assert_eq!(log.take(), ["true", "false", "false", "false"]);
}

#[test]
fn an_answer_by_ack_wins_over_the_reply() {
    let (world, _) = serving(|root| {
        root.on("ask", async |ack: Ack| {
            ack.send(1).unwrap();
            Reply(2)
        });
    });
    let mut client = world.join();
    client.send(r#"420["ask"]"#);
    assert_eq!(client.texts(), ["430[1]"]);
}

#[test]
fn a_question_is_answered_by_the_client() {
    let (world, _) = recorder();
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    let ask = |event: &'static str| {
        let socket = socket.clone();
        world.run(async move { socket.emit_with_ack::<(String, u8)>(event, 1).await })
    };
    let (first, second) = (ask("a"), ask("b"));
    assert!(first.output().is_none());
    assert_eq!(client.texts(), [r#"420["a",1]"#, r#"421["b",1]"#]);
    client.send(r#"431["two",2]"#);
    client.send(r#"430["one",1]"#);
    client.send(r#"430["again",3]"#);
    assert_eq!(first.output().unwrap().unwrap(), ("one".to_owned(), 1));
    assert_eq!(second.output().unwrap().unwrap(), ("two".to_owned(), 2));

    let unfit = ask("c");
    assert_eq!(client.text(), r#"422["c",1]"#);
    client.send("432[5]");
    assert!(matches!(unfit.output(), Some(Err(AckError::Unfit(_)))));
}

#[test]
fn a_question_times_out() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let socket = world.io().sockets().remove(0);
    let short = {
        let socket = socket.clone();
        let question = socket.emit_with_ack::<()>("a", ()).timeout(millis(500));
        world.run(async move { question.await })
    };
    let long = world.run(async move { socket.emit_with_ack::<()>("b", ()).await });
    assert_eq!(session.get().response().body, "420[\"a\"]\x1e421[\"b\"]");
    world.advance(millis(499));
    assert!(short.output().is_none());
    world.advance(millis(1));
    assert!(matches!(short.output(), Some(Err(AckError::TimedOut))));
    // A late answer is ignored.
    assert_eq!(session.post("430[]").response().brief(), (200, "ok"));
    for wait in [millis(24_500), secs(25)] {
        world.advance(wait);
        assert_eq!(session.get().response().body, "2");
        assert_eq!(session.post("3").response().brief(), (200, "ok"));
    }
    world.advance(secs(10) - millis(1));
    assert!(long.output().is_none());
    world.advance(millis(1));
    let outcome = long.output().unwrap().unwrap_err();
    assert_eq!(outcome.to_string(), "operation has timed out");
}

#[test]
fn a_question_settles_when_the_client_leaves() {
    for farewell in ["41", "9", "40"] {
        let (world, _) = recorder();
        let mut client = world.join();
        let socket = world.io().sockets().remove(0);
        let asked = {
            let socket = socket.clone();
            world.run(async move { socket.emit_with_ack::<()>("a", ()).await })
        };
        assert!(asked.output().is_none());
        client.send(farewell);
        let error = asked.output().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "socket has been disconnected", "{farewell}");
        let late = world.run(async move { socket.emit_with_ack::<()>("a", ()).await });
        assert!(matches!(late.output(), Some(Err(AckError::Disconnected))));
    }
}

#[test]
fn answers_that_may_be_awaited_are_limited() {
    let mut config = Config::default();
    config.sockets.max_outstanding_acks = 2;
    let (world, _) = recorder_with(config);
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    let asked = [(); 3].map(|()| {
        let socket = socket.clone();
        world.run(async move { socket.emit_with_ack::<u8>("a", ()).await })
    });
    let outcomes = asked.each_ref().map(|asked| asked.output());
    assert!(matches!(outcomes, [None, None, Some(Err(AckError::TooMany))]));
    assert_eq!(client.texts(), [r#"420["a"]"#, r#"421["a"]"#]);
    client.send("431[7]");
    assert_eq!(asked[1].output().unwrap().unwrap(), 7);
}

#[test]
fn a_handler_may_ask_and_answer_with_what_it_heard() {
    let (world, _) = serving(|root| {
        root.on("relay", async |socket: Socket| {
            let answer: u32 =
                socket.emit_with_ack("really?", ()).await.map_err(|e| e.to_string())?;
            Ok::<_, Refusal>(Reply(answer + 1))
        });
    });
    let mut client = world.join();
    client.send(r#"425["relay"]"#);
    assert_eq!(client.text(), r#"420["really?"]"#);
    client.send("430[41]");
    assert_eq!(client.text(), "435[42]");
}
