//! Who closes what, and what the other sees (§9, §19 of the wire text).

use std::future::{Future as _, pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use spola_server::{DisconnectReason, PacketError, Socket, State};

use crate::harness::{Frame, Log, hex, millis, recorder, secs, serving};

const CLOSED: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);

fn close_all(world: &crate::harness::World) {
    for socket in world.io().sockets() {
        socket.disconnect_session();
    }
    world.runtime.run_until_idle();
}

#[test]
fn a_pending_get_takes_the_disconnect_and_then_the_close() {
    let (world, log) = recorder();
    let session = world.join_polling();
    let mut get = session.get();
    log.take();
    close_all(&world);
    assert_eq!(get.response().brief(), (200, "41"));
    assert_eq!(session.get().response().brief(), (200, "6\x1e1"));
    assert_eq!(log.take(), ["server namespace disconnect"]);
    assert_eq!(session.get().response().brief(), CLOSED);
    drop(get);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn without_a_get_what_waits_goes_first_and_then_the_close() {
    let (world, _) = recorder();
    let session = world.join_polling();
    world.io().emit("last", ()).unwrap();
    close_all(&world);
    assert_eq!(session.get().response().brief(), (200, "42[\"last\"]\x1e41"));
    assert_eq!(session.get().response().brief(), (200, "6\x1e1"));
    assert_eq!(session.get().response().brief(), CLOSED);
}

#[test]
fn a_client_that_does_not_fetch_the_close_is_forgotten_after_30_seconds() {
    let (world, log) = recorder();
    let session = world.join_polling();
    log.take();
    close_all(&world);
    assert_eq!(world.io().session_count(), 1);
    // Packets are ignored meanwhile, and nothing can be sent.
    assert_eq!(session.post("42[\"a\"]").response().brief(), (200, "ok"));
    world.io().emit("late", ()).unwrap();
    world.advance(millis(29_999));
    assert_eq!(world.io().session_count(), 1);
    world.advance(millis(1));
    assert_eq!(world.io().session_count(), 0);
    assert_eq!(session.get().response().brief(), CLOSED);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_session_that_waits_to_tell_its_close_does_not_ping() {
    let (world, _) = recorder();
    let session = world.join_polling();
    world.advance(secs(20));
    close_all(&world);
    assert_eq!(session.get().response().brief(), (200, "41"));
    world.advance(secs(29));
    assert_eq!(session.get().response().brief(), (200, "6\x1e1"));
}

#[test]
fn over_websocket_the_server_says_disconnect_and_close() {
    let (world, log) = recorder();
    world.io().namespace("/admin");
    let mut client = world.join();
    client.send("40/admin,");
    client.text();
    log.take();
    world.io().emit("last", ()).unwrap();
    close_all(&world);
    assert_eq!(
        client.frames(),
        [
            Frame::Text("42[\"last\"]".into()),
            Frame::Text("41".into()),
            Frame::Text("41/admin,".into()),
            Frame::Close(Vec::new()),
        ]
    );
    assert_eq!(log.take(), ["server namespace disconnect"]);
    assert_eq!(world.io().session_count(), 0);
    client.write(hex("88 80 37 fa 21 3d"));
    client.shut();
    assert!(client.is_closed());
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_namespace_may_be_left_and_joined_again() {
    let (world, log) = recorder();
    let mut client = world.join();
    client.send("41");
    client.expect_silence();
    assert_eq!(log.take(), ["connect", "client namespace disconnect"]);
    // The session outlives its last namespace, the connect timer included.
    world.advance(secs(24));
    client.send("40");
    assert!(client.text().starts_with("40{\"sid\":\""));
    assert_eq!(log.take(), ["connect"]);
}

#[test]
fn the_server_may_end_one_namespace() {
    let (world, log) = recorder();
    world.io().namespace("/admin");
    let mut client = world.join();
    client.send("40/admin,");
    client.text();
    log.take();
    world.io().sockets()[0].disconnect();
    assert_eq!(client.text(), "41");
    assert_eq!(log.take(), ["server namespace disconnect"]);
    // What was under way there is ignored.
    client.send("42[\"a\"]");
    client.send("430[\"a\"]");
    assert_eq!(world.io().namespace("/admin").emit("b", ()).unwrap(), 1);
    assert_eq!(client.text(), "42/admin,[\"b\"]");
    client.send("40");
    assert!(client.text().starts_with("40{\"sid\":\""));
    client.send("42[\"c\"]");
    assert_eq!(log.take(), ["connect", r#"["c"]"#]);
}

#[test]
fn violations_end_the_session() {
    for packet in [
        "40",                    // joined already
        "44{\"message\":\"x\"}", // CONNECT_ERROR from a client
        "42/never,[\"a\"]",
        "41/never,",
        "43/never,1[]",
        "451-/never,[\"a\",{\"_placeholder\":true,\"num\":0}]",
    ] {
        let (world, log) = recorder();
        let mut client = world.join();
        log.take();
        client.send(packet);
        assert_eq!(client.raw(), hex("88 00"), "{packet}");
        assert_eq!(log.take(), ["forced close"], "{packet}");
    }
}

#[test]
fn over_polling_a_violation_has_another_reason_unless_a_get_waits() {
    for (waits, reason) in [(false, "forced server close"), (true, "forced close")] {
        let (world, log) = recorder();
        let session = world.join_polling();
        let get = waits.then(|| session.get());
        log.take();
        session.post("42/never,[\"a\"]");
        assert_eq!(log.take(), [reason]);
        let answer = if waits { "1" } else { "6\x1e1" };
        assert_eq!(get.unwrap_or_else(|| session.get()).response().brief(), (200, answer));
    }
}

#[test]
fn each_socket_is_told_of_a_packet_that_ends_the_session() {
    let malformed = "malformed packet: invalid payload: malformed JSON";
    let late = "attachments did not arrive in time";
    let place = "packet out of place: packet for a namespace that is not joined";
    for (packet, error) in [
        ("42[\"a\"", malformed),
        ("42/never,[\"a\"]", place),
        ("451-[\"a\",{\"_placeholder\":true,\"num\":0}]", late),
    ] {
        let (world, log) = serving(|root| {
            root.on_error(async |State(log): State<Log>, socket: Socket, error: PacketError| {
                log.say(format!("{error}; {} rooms", socket.rooms().len()));
            })
            .on_disconnecting(async |State(log): State<Log>| log.say("disconnecting"))
            .on_connect(async |socket: Socket| {
                socket.join("a").unwrap();
                socket.on_error(async |State(log): State<Log>| log.say("own"));
            });
        });
        world.io().namespace("/chat").on_error(async |State(log): State<Log>| log.say("chat"));
        world.io().namespace("/left").on_error(async |State(log): State<Log>| log.say("left"));
        let mut client = world.join();
        client.send("40/chat,");
        client.send("40/left,");
        client.send("41/left,");
        assert!(log.take().is_empty());
        client.send(packet);
        if error == late {
            world.advance(secs(29));
            client.send("3");
            assert!(log.take().is_empty());
            world.advance(secs(1));
        }
        let expected = [&format!("{error}; 1 rooms"), "own", "disconnecting", "chat"];
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn no_error_is_told_of_where_no_packet_was_wrong() {
    let (world, log) = serving(|root| {
        root.on_error(async |State(log): State<Log>| log.say("error"));
    });
    let mut clients: Vec<_> = (0..6).map(|_| world.join()).collect();
    clients[0].send("41");
    clients[1].send("9");
    clients[2].send("2");
    clients[3].write(hex("88 80 37 fa 21 3d"));
    clients.pop().unwrap().reset();
    world.advance(secs(45));
    world.join();
    world.io().close();
    assert!(log.take().is_empty());
}

#[test]
fn after_its_own_disconnect_a_client_must_not_send() {
    let (world, log) = recorder();
    let mut client = world.join();
    client.send("41");
    client.send("42[\"a\"]");
    assert_eq!(client.raw(), hex("88 00"));
    assert_eq!(log.take(), ["connect", "client namespace disconnect"]);
}

#[test]
fn a_client_has_45_seconds_to_join_a_namespace() {
    for failed_attempt in [false, true] {
        let (world, _) = recorder();
        let mut client = world.open_websocket();
        if failed_attempt {
            client.send("40/nowhere,");
            assert_eq!(client.text(), r#"44/nowhere,{"message":"Invalid namespace"}"#);
        }
        world.advance(secs(25));
        assert_eq!(client.text(), "2");
        client.send("3");
        world.advance(millis(19_999));
        client.expect_silence();
        world.advance(millis(1));
        assert_eq!(client.raw(), hex("88 00"));
        assert_eq!(world.io().session_count(), 0);
    }
}

#[test]
fn a_polling_client_has_45_seconds_as_well() {
    for away in [false, true] {
        let (world, _) = recorder();
        let session = world.open_polling();
        let mut get = session.get();
        world.advance(secs(25));
        assert_eq!(get.response().body, "2");
        assert_eq!(session.post("3").response().brief(), (200, "ok"));
        if away {
            world.advance(secs(20));
            assert_eq!(session.get().response().brief(), (200, "6\x1e1"));
        } else {
            let mut get = session.get();
            world.advance(millis(19_999));
            get.expect_silence();
            world.advance(millis(1));
            assert_eq!(get.response().brief(), (200, "1"));
        }
        assert_eq!(session.get().response().brief(), CLOSED);
    }
}

#[test]
fn a_request_that_meets_the_end_of_its_session_is_answered() {
    for post in [false, true] {
        let (world, _) = recorder();
        let session = world.join_polling();
        let mut client = world.connect();
        world.runtime.run_until_idle();
        // The request is checked while the session lives, and reaches it when it has closed.
        let request = if post {
            session.post_bytes("42[\"a\"]")
        } else {
            format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", session.target())
        };
        client.end.write(request.as_bytes());
        world.io().close();
        assert_eq!(client.response().brief(), CLOSED);
    }
}

#[test]
fn every_namespace_hears_of_the_end() {
    let (world, log) = recorder();
    let admin = world.io().namespace("/admin");
    let heard = log.clone();
    admin.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        heard.say(format!("{} {reason}", socket.namespace().name()));
        ready(())
    });
    let mut client = world.join();
    client.send("40/admin,");
    client.text();
    log.take();
    client.reset();
    assert_eq!(log.take(), ["transport close", "/admin transport close"]);
}

#[test]
fn closing_the_server_tells_its_reason() {
    let (world, log) = recorder();
    let mut websocket = world.join();
    let session = world.join_polling();
    let mut get = session.get();
    let idle = world.join_polling();
    log.take();
    world.io().close();
    let drained = {
        let io = world.io().clone();
        world.run(async move { io.drained().await })
    };
    // No DISCONNECT packets: clients are to come back.
    assert_eq!(websocket.raw(), hex("88 00"));
    assert_eq!(get.response().brief(), (200, "1"));
    assert_eq!(idle.get().response().brief(), CLOSED);
    assert_eq!(log.take(), ["server shutting down"; 3]);
    assert!(drained.output().is_none(), "a WebSocket is still open");
    websocket.write(hex("88 80 37 fa 21 3d"));
    websocket.shut();
    assert!(websocket.is_closed());
    assert!(drained.output().is_some());
    assert_eq!(world.io().session_count(), 0);
}

#[test]
fn who_waits_for_an_aborted_server_waits_until_its_handlers_are_dropped() {
    struct Says(Log, &'static str);
    impl Drop for Says {
        fn drop(&mut self) {
            self.0.say(self.1);
            assert_ne!(self.1, "panics");
        }
    }
    impl Wake for Says {
        fn wake(self: Arc<Self>) {
            self.0.say("drained");
        }
    }
    for name in ["dropped", "panics"] {
        let (world, log) = serving(move |root| {
            root.on("wait", move |State(log): State<Log>| async move {
                let _says = Says(log, name);
                pending::<()>().await;
            });
        });
        let mut client = world.join();
        client.send(r#"42["wait"]"#);
        let io = world.io().clone();
        let mut drained = pin!(io.drained());
        let waker = Waker::from(Arc::new(Says(log.clone(), "")));
        assert!(drained.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        io.abort();
        world.runtime.run_until_idle();
        assert_eq!(log.take(), [name, "drained"]);
        assert!(drained.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
}
