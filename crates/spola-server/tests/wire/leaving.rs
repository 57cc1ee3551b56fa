//! What is left of a client that has gone.

use spola_server::{Ack, DisconnectReason, EmitError, Reply, Socket, State};

use crate::harness::{Gate, Log, masked, recorder, serving};

#[test]
fn a_socket_that_has_left_takes_nothing() {
    let (world, _) = recorder();
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    socket.join("room").unwrap();
    assert!(socket.is_connected());
    client.send("41");
    assert!(!socket.is_connected());
    assert!(matches!(socket.emit("a", ()), Err(EmitError::Disconnected)));
    assert!(socket.join("room").is_err());
    assert!(socket.rooms().is_empty());
    assert_eq!(world.io().to("room").emit("a", ()).unwrap(), 0);
}

#[test]
fn a_socket_that_has_left_does_not_touch_the_one_that_came_after_it() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.on("slow", move |_: Socket| {
            let gate = gate.clone();
            async move {
                gate.passed().await;
                Reply("late")
            }
        });
        root.on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
            log.say(reason.as_str());
        });
    });
    let mut client = world.join();
    let first = world.io().sockets().remove(0);
    client.send(r#"420["slow"]"#);
    client.send("41");
    client.send("40");
    assert!(client.text().starts_with("40{"));
    assert_eq!(log.take(), ["client namespace disconnect"]);
    gate.open();
    first.disconnect();
    first.disconnect_session();
    client.expect_silence();
    assert!(log.take().is_empty());
    assert_eq!(world.io().sockets().len(), 1);
}

#[test]
fn handlers_of_a_gone_client_run_to_their_end_and_shutdown_waits_for_them() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.on("save", move |State(log): State<Log>, ack: Ack| {
            let gate = gate.clone();
            async move {
                gate.passed().await;
                ack.send("saved").unwrap();
                log.say("saved");
            }
        });
    });
    let mut client = world.join();
    client.send(r#"420["save"]"#);
    client.reset();
    assert_eq!(world.io().session_count(), 0);
    world.io().close();
    let io = world.io().clone();
    let drained = world.run(async move { io.drained().await });
    assert!(drained.output().is_none());
    gate.open();
    assert!(drained.output().is_some());
    assert_eq!(log.take(), ["saved"]);
    assert_eq!(world.runtime.tasks(), 0);
}

/// Frames that come in one read.
fn at_once(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| masked(1, text.as_bytes())).collect()
}

#[test]
fn what_came_behind_the_event_that_costs_a_client_its_place_is_ignored() {
    let (world, log) = serving(|root| {
        root.on("kick", async |socket: Socket| {
            let _ = socket.emit("sorry", ());
            socket.disconnect();
        });
        root.on("close", async |socket: Socket| {
            let _ = socket.emit("sorry", ());
            socket.disconnect_session();
        });
        root.fallback(async |State(log): State<Log>| log.say("event"));
        root.on_disconnect(async |State(log): State<Log>| log.say("gone"));
    });
    for end in [r#"42["kick"]"#, r#"42["close"]"#] {
        let packets = [r#"42["a"]"#, end, r#"42["b"]"#, r#"420["c"]"#];
        let mut client = world.join();
        client.write(at_once(&packets));
        assert_eq!(log.take(), ["event", "gone"]);
        assert_eq!([client.text(), client.text()], [r#"42["sorry"]"#, "41"]);

        let session = world.join_polling();
        assert_eq!(session.post(&packets.join("\u{1e}")).response().brief(), (200, "ok"));
        assert_eq!(log.take(), ["event", "gone"]);
        assert_eq!(session.get().response().brief(), (200, "42[\"sorry\"]\u{1e}41"));
    }
}

#[test]
fn what_was_meant_for_a_socket_does_not_reach_the_one_that_comes_after_it() {
    let (world, log) = serving(|root| {
        root.on("kick", async |socket: Socket| socket.disconnect());
        root.on("tell", async |socket: Socket| {
            socket.emit("secret", ()).unwrap();
            socket.namespace().emit("secret", ()).unwrap();
        });
        root.on("ask", async |socket: Socket, State(log): State<Log>| {
            log.say(format!("{:?}", socket.emit_with_ack::<()>("secret", ()).await));
        });
        root.on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
            log.say(reason.as_str());
        });
    });
    for (event, expected) in [
        ("kick", &["server namespace disconnect"][..]),
        ("tell", &["client namespace disconnect"]),
        ("ask", &["client namespace disconnect", "Err(Disconnected)"]),
    ] {
        let mut client = world.join();
        client.write(at_once(&[&format!(r#"42["{event}"]"#), "41", "40"]));
        let replies: Vec<_> = client.texts().into_iter().filter(|text| text != "41").collect();
        assert!(replies.len() == 1 && replies[0].starts_with("40{"), "{replies:?}");
        assert_eq!(log.take(), expected);
        assert_eq!(world.io().sockets().len(), 1);
        client.reset();
        log.take();
    }
}
