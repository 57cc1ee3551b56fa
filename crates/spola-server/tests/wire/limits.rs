//! What a client may not have more of.

use std::future::{IntoFuture as _, pending};
use std::sync::Arc;

use futures_util::FutureExt as _;

use spola_server::{Config, Data, Io, Refusal, Reply, Socket};

use crate::harness::{
    Frame, Log, World, hex, millis, recorder, recorder_with, secs, serving, upgrade_request,
};

#[test]
fn a_payload_has_at_most_65_536_packets() {
    for (packets, end) in [(65_536, None), (65_537, Some("parse error"))] {
        let (world, log) = recorder();
        let session = world.join_polling();
        let body = vec!["6"; packets].join("\x1e");
        log.take();
        assert_eq!(session.post(&body).response().brief(), (200, "ok"));
        assert_eq!(log.take().first().map(String::as_str), end, "{packets}");
    }
}

#[test]
fn middleware_has_30_seconds() {
    let log = Log::default();
    let io = Io::builder().state(log.clone()).build();
    io.namespace("/").middleware(|| async {
        pending::<()>().await;
        Ok::<_, Refusal>(())
    });
    let world = World::new(io);
    let mut client = world.open_websocket();
    client.send("40");
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    client.send("3");
    world.advance(millis(4999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(client.text(), r#"44{"message":"timed out"}"#);
    // The client may try again.
    client.send("40");
    client.expect_silence();
}

#[test]
fn middleware_is_given_up_when_the_client_goes() {
    struct Guard(Log);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.say("given up");
        }
    }
    let log = Log::default();
    let io = Io::new();
    io.namespace("/").middleware({
        let log = log.clone();
        move || {
            let guard = Guard(log.clone());
            async move {
                let _guard = guard;
                pending::<()>().await;
            }
        }
    });
    let world = World::new(io);
    let mut client = world.open_websocket();
    client.send("40");
    assert!(log.take().is_empty());
    client.reset();
    assert_eq!(log.take(), ["given up"]);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_second_connect_while_middleware_runs_ends_the_session() {
    let io = Io::new();
    io.namespace("/").middleware(pending::<()>);
    let world = World::new(io);
    let mut client = world.open_websocket();
    client.send("40");
    client.expect_silence();
    client.send("40");
    assert_eq!(client.frames(), [Frame::Close(Vec::new())]);
}

#[test]
fn rooms_and_their_names_are_bounded() {
    let io = Io::new();
    io.namespace("/").on_connect(async |socket: Socket| {
        for room in 0..1024 {
            socket.join(room.to_string()).unwrap();
        }
        assert!(socket.join("one more").is_err());
        assert!(socket.join("7").is_ok(), "it is there already");
        socket.leave("7");
        assert!(socket.join("x".repeat(1025)).is_err());
        assert!(socket.join("x".repeat(1024)).is_ok());
        socket.emit("done", socket.rooms().len()).unwrap();
    });
    let world = World::new(io);
    let mut client = world.join();
    assert_eq!(client.text(), r#"42["done",1024]"#);
}

#[test]
fn the_room_of_another_socket_may_be_closed_to_all_others() {
    for (open, heard) in [(true, "42[\"secret\"]"), (false, "")] {
        let mut config = Config::default();
        config.foreign_ids_as_rooms = open;
        let io = Io::builder().config(config).build();
        io.namespace("/").on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room).map(|()| Reply(())).map_err(|error| Refusal::new(error.to_string()))
        });
        let world = World::new(io);
        let ((mut owner, id), (mut other, own)) = (world.join_with_id(), world.join_with_id());
        other.send(&format!("420[\"join\",\"{id}\"]"));
        assert_eq!(other.text() == "430[]", open);
        // Its own room, and ids of nobody, are like any.
        for (ack, room) in [(1, &*own), (2, "AAAAAAAAAAAAAAAAAAAA")] {
            other.send(&format!("42{ack}[\"join\",\"{room}\"]"));
            assert_eq!(other.text(), format!("43{ack}[]"));
        }
        world.io().namespace("/").to(id).emit("secret", ()).unwrap();
        assert_eq!(owner.text(), "42[\"secret\"]");
        assert_eq!(other.texts().concat(), heard);
    }
}

#[test]
fn nothing_is_left_after_a_storm_of_clients() {
    let (world, _) = recorder();
    for round in 0..50 {
        let mut client = world.join();
        let session = world.join_polling();
        let mut get = session.get();
        client.send(r#"42["a"]"#);
        match round % 3 {
            0 => client.write(hex("88 80 37 fa 21 3d")),
            1 => client.shut(),
            _ => {}
        }
        get.expect_silence();
    }
    assert_eq!(world.runtime.tasks(), 0);
    assert_eq!(world.io().session_count(), 0);
    assert!(world.io().sockets().is_empty());
}

#[test]
fn at_most_16_namespaces_wait_for_their_middleware() {
    let io = Io::new();
    for n in 0..20 {
        io.namespace(&format!("/{n}")).middleware(pending::<()>);
    }
    let world = World::new(io);
    let mut client = world.open_websocket();
    for n in 0..16 {
        client.send(&format!("40/{n},"));
    }
    client.expect_silence();
    client.send("40/16,");
    assert_eq!(client.text(), r#"44/16,{"message":"too many namespaces"}"#);
}

#[test]
fn a_connection_that_breaks_before_its_101_leaves_nothing() {
    let (world, _) = recorder();
    let client = world.connect();
    client.end.set_capacity(0);
    client.end.write(upgrade_request("EIO=4&transport=websocket").as_bytes());
    world.runtime.run_until_idle();
    assert_eq!(world.io().session_count(), 1);
    client.reset();
    assert_eq!(world.runtime.tasks(), 0);
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn a_session_that_closes_before_its_101_is_out_closes_after_it() {
    let (world, _) = recorder();
    let mut client = world.connect();
    client.end.set_capacity(0);
    client.end.write(upgrade_request("EIO=4&transport=websocket").as_bytes());
    world.runtime.run_until_idle();
    world.io().close();
    world.runtime.run_until_idle();
    client.end.set_capacity(usize::MAX);
    assert_eq!(client.response().status, 101);
    let frames = client.frames();
    assert_eq!(frames.last(), Some(&Frame::Close(Vec::new())), "{frames:?}");
}

#[test]
fn a_session_that_times_out_before_its_101_is_out_closes_after_it() {
    let mut config = Config::default();
    (config.engine.ping_interval, config.engine.ping_timeout) = (secs(1), secs(1));
    let (world, _) = recorder_with(config);
    let mut client = world.connect();
    client.end.set_capacity(0);
    client.end.write(upgrade_request("EIO=4&transport=websocket").as_bytes());
    world.advance(secs(3));
    assert_eq!(world.io().session_count(), 0);
    client.end.set_capacity(usize::MAX);
    assert_eq!(client.response().status, 101);
    assert_eq!(client.frames(), [Frame::Close(Vec::new())]);
}

#[test]
fn a_queue_longer_than_the_connections_own_flows_without_a_ping() {
    let (world, _log) = serving(|root| {
        root.on("much", async |socket: Socket| {
            for _ in 0..40 {
                let _ = socket.emit("piece", "x".repeat(200_000));
            }
        });
    });
    let mut client = world.join();
    client.end.set_capacity(1000);
    client.send(r#"42["much"]"#);
    world.runtime.run_until_idle();
    // Room for all of it at once: what the connection holds is written in one go.
    client.end.set_capacity(100 << 20);
    assert_eq!(client.texts().len(), 40);
}

#[test]
fn a_target_has_8_kib_at_the_most() {
    let world = World::new(Io::new());
    let target = format!("/socket.io/?EIO=4&transport=polling&t={}", "x".repeat(8192));
    let mut client = world.plain(&format!("GET {target}"));
    assert_eq!(client.response().brief(), (414, ""));
}

#[test]
fn a_handler_of_a_socket_that_holds_the_socket_goes_with_it() {
    let kept = Arc::new(());
    let (world, _log) = serving(|root| {
        let kept = kept.clone();
        root.on_connect(move |socket: Socket| {
            let (own, kept) = (socket.clone(), kept.clone());
            socket.on("self", move || {
                let (_own, _kept) = (own.clone(), kept.clone());
                async {}
            });
            async {}
        });
    });
    let client = world.join();
    let before = Arc::strong_count(&kept);
    client.reset();
    world.runtime.run_until_idle();
    assert_eq!(Arc::strong_count(&kept), before - 1);
}

#[test]
fn questions_that_nobody_waits_for_make_room() {
    let mut config = Config::default();
    config.sockets.max_outstanding_acks = 4;
    let io = Io::builder().config(config).build();
    io.namespace("/").on("ask", async |socket: Socket| {
        for _ in 0..10 {
            let question = socket.emit_with_ack::<u32>("question", ()).into_future();
            // Asked, and given up at once.
            let _ = question.now_or_never();
        }
        let answer = socket.emit_with_ack::<u32>("last", ()).await;
        Reply(answer.map_err(|error| error.to_string()))
    });
    let world = World::new(io);
    let mut client = world.join();
    client.send(r#"420["ask"]"#);
    let asked = client.texts();
    let last = asked.iter().find(|text| text.contains("last")).expect("asked");
    let id: String =
        last.trim_start_matches("42").chars().take_while(char::is_ascii_digit).collect();
    client.send(&format!("43{id}[7]"));
    assert_eq!(client.text(), r#"430[{"Ok":7}]"#);
}
