//! What is sent through a session in which nothing else happens.

use spola_server::{Config, RawData, Socket, State};

use crate::harness::{Client, Gate, Log, World, recorder_with, secs};

/// A session that has come to rest behind a packet, and its socket. No heartbeat wakes it.
fn idle() -> (World, Client, Socket, Log) {
    let mut config = Config::default();
    config.engine.ping_interval = secs(3600);
    let (world, log) = recorder_with(config);
    let mut client = world.join();
    world.advance(secs(1));
    world.io().emit("first", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["first"]"#]);
    log.take();
    let socket = world.io().sockets().swap_remove(0);
    (world, client, socket, log)
}

#[test]
fn a_listener_that_comes_late_hears_what_is_sent_from_then_on() {
    let (world, mut client, socket, log) = idle();
    let listen = async |State(log): State<Log>, socket: Socket, data: RawData| {
        if data.json() == r#"["a"]"# {
            socket.emit("more", ()).unwrap();
        }
        log.say(data.json());
    };
    let listener = socket.on_any_outgoing(listen);
    world.io().emit("a", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#, r#"42["more"]"#]);
    assert!(socket.off(listener));
    world.io().emit("a", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#]);
    assert_eq!(log.take(), [r#"["a"]"#, r#"["more"]"#]);
}

#[test]
fn a_listener_that_waits_goes_on() {
    let (world, mut client, socket, log) = idle();
    let gate = Gate::default();
    let passed = gate.clone();
    socket.on_any_outgoing(move |State(log): State<Log>| {
        let gate = passed.clone();
        async move {
            gate.passed().await;
            log.say("passed");
        }
    });
    world.io().emit("a", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#]);
    assert_eq!(world.io().statistics().running_handlers, 1);
    gate.open();
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["passed"]);
    assert_eq!(world.io().statistics().running_handlers, 0);
}

#[test]
fn a_disconnect_among_packets_keeps_its_place() {
    let (world, mut client, socket, log) = idle();
    socket.emit("a", ()).unwrap();
    socket.disconnect();
    world.io().emit("b", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#, "41"]);
    assert_eq!(log.take(), ["server namespace disconnect"]);
    client.send("40");
    assert!(client.text().starts_with("40{"));
    world.io().emit("c", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["c"]"#]);
}

#[test]
fn a_client_that_takes_half_a_packet_is_given_up_in_time() {
    for reads in [true, false] {
        let (world, mut client, socket, log) = idle();
        client.end.set_capacity(3);
        socket.emit("a", ()).unwrap();
        world.advance(secs(15));
        socket.volatile().emit("lost", ()).unwrap();
        world.advance(secs(5));
        if reads {
            assert_eq!(client.texts(), [r#"42["a"]"#]);
            continue;
        }
        assert!(log.take().is_empty());
        world.advance(secs(10));
        assert_eq!(log.take(), ["transport error"]);
    }
}
