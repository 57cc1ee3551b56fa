//! What is left of a client that has gone.

use spola_server::{Ack, DisconnectReason, EmitError, Reply, Socket, State};

use crate::harness::{Gate, Log, recorder, serving};

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
