//! The verbs of sending (§18.5, §18.6 of the wire text; §6 of the limits).

use spola_server::{Config, EmitError, Socket, State};

use crate::harness::{Client, Log, World, masked, millis, recorder, recorder_with, secs};

pub(crate) fn socket(world: &World) -> Socket {
    world.io().sockets().remove(0)
}

/// A client that takes 100 bytes at a time, and its socket.
fn slow() -> (World, Client, Socket) {
    let (world, _) = recorder();
    let client = world.join();
    client.end.set_capacity(100);
    let socket = socket(&world);
    (world, client, socket)
}

#[test]
fn of_one_turn_the_first_volatile_event_goes_out_and_no_other() {
    let (world, _) = recorder();
    let mut client = world.join();
    let socket = socket(&world);
    let everybody = world.io().namespace("/").everybody();
    let burst = |name: &str| {
        socket.volatile().emit(name, 1).unwrap();
        assert_eq!(everybody.clone().volatile().emit(name, 2).unwrap(), 0);
        socket.emit(name, "n").unwrap();
        socket.volatile().emit(name, 3).unwrap();
    };
    burst("a");
    assert_eq!(client.texts(), [r#"42["a",1]"#, r#"42["a","n"]"#]);
    burst("b");
    assert_eq!(client.texts(), [r#"42["b",1]"#, r#"42["b","n"]"#]);
}

#[test]
fn over_polling_a_volatile_event_needs_a_get() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let socket = socket(&world);
    socket.volatile().emit("lost", ()).unwrap();
    let mut get = session.get();
    assert!(get.try_response().is_none(), "it was not queued");
    socket.volatile().emit("seen", ()).unwrap();
    socket.volatile().emit("lost", ()).unwrap();
    socket.emit("normal", ()).unwrap();
    // What is sent in one turn leaves together.
    assert_eq!(get.response().body, "42[\"seen\"]\u{1e}42[\"normal\"]");
    // Answered: no GET waits until the client asks again.
    socket.volatile().emit("lost", ()).unwrap();
    let mut get = session.get();
    assert!(get.try_response().is_none(), "it was not queued");
}

#[test]
fn a_volatile_event_from_a_handler_is_like_any_other() {
    let (world, _) = recorder();
    world.io().namespace("/").on("burst", async |socket: Socket| {
        for number in 0..3 {
            let _ = socket.volatile().emit("v", number);
        }
    });
    let mut client = world.join();
    client.send(r#"42["burst"]"#);
    client.send(r#"42["burst"]"#);
    assert_eq!(client.texts(), [r#"42["v",0]"#; 2]);
    // Two in one read are one turn: nothing was written in between.
    let both = [masked(1, br#"42["burst"]"#), masked(1, br#"42["burst"]"#)].concat();
    client.write(both);
    assert_eq!(client.texts(), [r#"42["v",0]"#]);
}

#[test]
fn a_volatile_event_never_waits_behind_what_is_not_written() {
    let (world, mut client, socket) = slow();
    socket.emit("large", "x".repeat(1000)).unwrap();
    world.runtime.run_until_idle();
    socket.volatile().emit("lost", ()).unwrap();
    world.runtime.run_until_idle();
    assert_eq!(client.texts().len(), 1);
    socket.volatile().emit("seen", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["seen"]"#]);
    // To somebody who has gone, it is an error like any other.
    client.send("41");
    assert!(matches!(socket.volatile().emit("lost", ()), Err(EmitError::Disconnected)));
}

#[test]
fn try_emit_tells_of_a_full_queue_in_bytes() {
    let (world, mut client, socket) = slow();
    let text = "x".repeat(1 << 18);
    let mut sent = 0;
    while socket.try_emit("n", &text).is_ok() {
        assert!(socket.buffered_amount() > sent << 18);
        sent += 1;
        if sent % 2 == 0 {
            world.runtime.run_until_idle();
        }
    }
    assert_eq!(sent, 4);
    assert!(!socket.is_writable());
    assert!(matches!(socket.try_emit("n", ()), Err(EmitError::Full)));
    // The others do not care: broadcasts, answers, plain events.
    socket.emit("plain", ()).unwrap();
    assert_eq!(world.io().emit("all", ()).unwrap(), 1);
    assert_eq!(client.texts().len(), 6);
    assert!(socket.is_writable());
    assert_eq!(socket.buffered_amount(), 0);
    socket.try_emit("n", ()).unwrap();
    assert_eq!(client.texts().len(), 1);
}

#[test]
fn try_emit_tells_of_a_full_queue_in_packets() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let socket = socket(&world);
    for number in 0..4096 {
        socket.try_emit("n", number).unwrap();
        if number % 1000 == 0 {
            world.runtime.run_until_idle();
        }
    }
    assert!(matches!(socket.try_emit("n", ()), Err(EmitError::Full)));
    assert_eq!(session.get().response().body.split('\x1e').count(), 4096);
    socket.try_emit("n", ()).unwrap();
}

#[test]
fn emit_wait_waits_from_the_high_water_mark_to_the_low_one() {
    let (world, client, socket) = slow();
    let mut client = client;
    let text = "x".repeat(1 << 16);
    for _ in 0..16 {
        socket.try_emit("n", &text).unwrap();
    }
    let last = {
        let socket = socket.clone();
        world.run(async move { socket.emit_wait("last", ()).await })
    };
    let mut read = 0;
    while last.output().is_none() {
        assert!(socket.buffered_amount() > 512 << 10, "it waits for no less than that");
        let bytes = client.end.read(100);
        assert!(!bytes.is_empty());
        read += bytes.len();
        client.keep(bytes);
    }
    assert!(read >= 500 << 10, "{read}");
    assert!(socket.is_writable());
    let texts = client.texts();
    assert_eq!((texts.len(), texts[16].as_str()), (17, r#"42["last"]"#));
    // With room it does not wait at all.
    let now = world.run(async move { socket.emit_wait("now", ()).await });
    assert!(now.output().unwrap().is_ok());
}

#[test]
fn emit_wait_that_is_dropped_has_sent_nothing() {
    let (world, mut client, socket) = slow();
    for _ in 0..16 {
        socket.try_emit("n", "x".repeat(1 << 16)).unwrap();
    }
    drop(socket.emit_wait("never", ()));
    let waits = {
        let socket = socket.clone();
        world.run(async move {
            let wait = socket.emit_wait("never", ());
            futures_util::future::select(wait, std::future::ready(())).await;
        })
    };
    assert!(waits.output().is_some());
    assert_eq!(client.texts().len(), 16);
    let reserved = world.run(async move { socket.emit_wait("connect", ()).await });
    assert!(matches!(reserved.output(), Some(Err(EmitError::Encode(_)))));
}

#[test]
fn emit_wait_ends_when_the_client_does() {
    let (world, client, socket) = slow();
    for _ in 0..16 {
        socket.try_emit("n", "x".repeat(1 << 16)).unwrap();
    }
    let waits = {
        let socket = socket.clone();
        world.run(async move { socket.emit_wait("late", ()).await })
    };
    assert!(waits.output().is_none());
    client.reset();
    assert!(matches!(waits.output(), Some(Err(EmitError::Disconnected))));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_ping_goes_before_the_data_that_waits() {
    let (world, client, socket) = slow();
    let mut client = client;
    for number in 0..40 {
        socket.emit("n", (number, "x".repeat(100_000))).unwrap();
    }
    for second in 0..=25 {
        world.advance(secs(1));
        if second < 25 {
            let bytes = client.end.read(100);
            client.keep(bytes);
        }
    }
    client.end.write(&masked(1, b"3"));
    let texts = client.texts();
    let ping = texts.iter().position(|text| text == "2").unwrap();
    // Ahead of it is what the WebSocket had already: 256 KiB, and the event that passed the mark.
    assert!(ping <= 4, "{ping}");
    assert_eq!(texts.len(), 41);
    world.advance(millis(1));
    assert!(socket.is_connected());
}

#[test]
fn emit_wait_rests_while_a_client_at_the_hard_cap_is_cut_off() {
    // The cap is below the mark from which on those who wait go on.
    let mut config = Config::default();
    config.outgoing_hard_cap = 1 << 18;
    let (world, log) = recorder_with(config);
    world.io().namespace("/").on("flood", async |socket: Socket, State(log): State<Log>| {
        while socket.emit("n", "x".repeat(1 << 16)).is_ok() {}
        log.say(format!("{:?}", socket.emit_wait("more", ()).await));
    });
    let mut client = world.join();
    log.take();
    client.send(r#"42["flood"]"#);
    assert_eq!(log.take(), ["transport error", "Err(Disconnected)"]);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn emit_wait_goes_on_in_the_end_however_the_marks_lie() {
    for (high, packets) in [(1 << 14, 4096), (0, 4096), (1 << 20, 1), (1 << 20, 0)] {
        let mut config = Config::default();
        (config.high_water_mark, config.high_water_packets) = (high, packets);
        let (world, _) = recorder_with(config);
        let mut client = world.join();
        client.end.set_capacity(100);
        let socket = socket(&world);
        let sent = world.run(async move {
            for _ in 0..4 {
                socket.emit_wait("n", "x".repeat(1 << 14)).await?;
            }
            Ok::<_, EmitError>(())
        });
        assert_eq!(client.texts().len(), 4, "{high} {packets}");
        assert!(sent.output().is_some_and(|sent| sent.is_ok()), "{high} {packets}");
    }
}
