//! What the server tells of what there is.

use std::future::pending;
use std::sync::Arc;

use spola_server::{
    Config, Handshake, Io, Namespace, Refusal, RejectReason, Socket, State, Statistics,
};

use crate::harness::{Gate, Stream, Streaming, World, announced, fragment, masked, secs, serving};

/// A server whose namespaces do what their names say.
fn world() -> World {
    let mut config = Config::default();
    config.engine.transports.sse = true;
    let io = Io::builder()
        .config(config)
        .state(Gate::default())
        .allow_request(async |handshake: Arc<Handshake>| {
            if handshake.query("wait").is_some() {
                pending::<()>().await;
            }
            Ok::<_, &str>(())
        })
        .build();
    io.namespace("/").on("wait", async || pending::<()>().await).on(
        "ask",
        async |socket: Socket| {
            let _: Result<(), _> = socket.emit_with_ack("question", ()).await;
        },
    );
    io.dynamic_namespace(|name| name.starts_with("/room-"));
    World::new(io)
}

/// Asserts what is to be told, beside the root namespace.
#[track_caller]
fn assert_told(world: &World, expected: impl FnOnce(&mut Statistics)) {
    world.runtime.run_until_idle();
    let mut all = world.io().statistics();
    for reason in RejectReason::ALL {
        assert_eq!(all.rejected(*reason), 0, "{reason:?}");
    }
    all.namespaces -= 1;
    let mut wanted = Io::new().statistics();
    expected(&mut wanted);
    assert_eq!(all, wanted);
}

#[test]
fn sessions_sockets_and_namespaces_are_told() {
    let world = world();
    assert_told(&world, |_| {});
    let mut client = world.join();
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
    client.send("40/room-1,");
    assert_told(&world, |all| (all.sessions, all.sockets, all.namespaces) = (1, 2, 1));
    client.send("41/room-1,");
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
    client.reset();
    assert_told(&world, |_| {});
}

#[test]
fn requests_that_wait_are_told() {
    let world = world();
    let session = world.join_polling();
    let poll = session.get();
    assert_told(&world, |all| (all.sessions, all.sockets, all.parked_polls) = (1, 1, 1));
    world.io().emit("news", ()).unwrap();
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
    drop(poll);

    let whole = session.post_bytes("42[\"abcdefgh\"]");
    let (half, rest) = whole.split_at(whole.len() - 4);
    let mut post = world.request(half);
    assert_told(&world, |all| {
        (all.sessions, all.sockets) = (1, 1);
        (all.incomplete_messages, all.incomplete_bytes) = (1, 10);
    });
    post.write(rest);
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
    session.post("1").response();

    let mut waiting = world.plain("GET /socket.io/?EIO=4&transport=polling&wait=1");
    assert_told(&world, |all| all.pending_handshakes = 1);
    waiting.expect_silence();
    waiting.reset();
    assert_told(&world, |_| {});
}

#[test]
fn event_streams_are_told() {
    let world = world();
    let mut session = Streaming::join(&world);
    assert_told(&world, |all| (all.sessions, all.sockets, all.event_streams) = (1, 1, 1));
    session.drop_stream();
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
    let target = session.target("&lastEventId=2");
    session.stream = Stream::opened(world.plain(&format!("GET {target}")));
    assert_told(&world, |all| (all.sessions, all.sockets, all.event_streams) = (1, 1, 1));
}

#[test]
fn what_has_come_in_part_is_told() {
    let world = world();
    let mut client = world.join();
    let joined = |all: &mut Statistics| (all.sessions, all.sockets) = (1, 1);
    client.write(fragment(0x01, br#"42["half"#));
    assert_told(&world, |all| {
        joined(all);
        (all.incomplete_messages, all.incomplete_bytes) = (1, 8);
    });
    client.write(fragment(0x80, b"\"]"));
    assert_told(&world, joined);
    // Behind a message that is whole.
    let mut bytes = masked(1, b"42[\"a\"]");
    bytes.extend_from_slice(&announced(0x82, 100_000));
    client.write(bytes);
    assert_told(&world, |all| {
        joined(all);
        all.incomplete_messages = 1;
    });
    client.reset();
    assert_told(&world, |_| {});

    let mut client = world.join();
    client.send(r#"452-["a",{"_placeholder":true,"num":1}]"#);
    client.send_binary(&[0; 1000]);
    let header = r#"2-["a",{"_placeholder":true,"num":1}]"#.len() - 2;
    let told = world.io().statistics();
    assert_eq!(told.incomplete_messages, 1);
    assert!((1000..=1000 + header + 4).contains(&told.incomplete_bytes), "{told:?}");
    client.send_binary(&[0]);
    assert_told(&world, joined);
}

#[test]
fn handlers_and_questions_that_wait_are_told() {
    let world = world();
    let mut client = world.join();
    client.send(r#"42["wait"]"#);
    assert_told(&world, |all| {
        (all.sessions, all.sockets, all.running_handlers) = (1, 1, 1);
    });
    client.send(r#"42["ask"]"#);
    assert_told(&world, |all| {
        (all.sessions, all.sockets) = (1, 1);
        (all.awaited_acks, all.running_handlers) = (1, 2);
    });
    client.send("430[]");
    assert_told(&world, |all| {
        (all.sessions, all.sockets, all.running_handlers) = (1, 1, 1);
    });
    // The session closes; its handlers run on.
    client.reset();
    assert_told(&world, |all| (all.closing_sessions, all.running_handlers) = (1, 1));
    world.io().abort();
    assert_told(&world, |_| {});
}

type Register = fn(&Namespace) -> &Namespace;

#[test]
fn whatever_waits_for_something_is_told() {
    let cases: [(&str, Register, Option<&str>); 6] = [
        ("middleware", |root| root.middleware(refusing_late), None),
        ("connect", |root| root.on_connect(pending::<()>), None),
        ("event middleware", |root| root.event_middleware(refusing_late), Some("42[\"a\"]")),
        ("outgoing", |root| root.on_any_outgoing(pending::<()>), Some("42[\"news\"]")),
        ("disconnecting", |root| root.on_disconnecting(pending::<()>), Some("41")),
        ("disconnect", |root| root.on_disconnect(pending::<()>), Some("41")),
    ];
    for (name, register, then) in cases {
        let (world, _) = serving(|root| {
            register(root.on("news", async |socket: Socket| drop(socket.emit("news", ()))));
        });
        let running = || {
            world.runtime.run_until_idle();
            world.io().statistics().running_handlers
        };
        let mut client = world.open_websocket();
        client.send("40");
        assert_eq!(running(), usize::from(then.is_none()), "{name}");
        client.send(then.unwrap_or("40/no,"));
        assert_eq!(running(), 1, "{name}");
        world.io().abort();
        assert_eq!(running(), 0, "{name}");
    }
}

async fn refusing_late() -> Result<(), Refusal> {
    pending().await
}

#[test]
fn what_waits_to_be_sent_is_told() {
    let world = world();
    let session = world.join_polling();
    world.io().emit("news", "x").unwrap();
    assert_told(&world, |all| {
        (all.sessions, all.sockets) = (1, 1);
        (all.queued_packets, all.queued_bytes) = (1, r#"42["news","x"]"#.len());
    });
    session.get().response();
    assert_told(&world, |all| (all.sessions, all.sockets) = (1, 1));
}

#[test]
fn websockets_that_are_one_too_many_are_told_until_they_are_gone() {
    let world = world();
    let session = world.join_polling();
    let (first, second) = (session.websocket(), session.websocket());
    let all = world.io().statistics();
    assert_eq!((all.sessions, all.pending_handshakes), (1, 1));
    assert_eq!(all.rejected(RejectReason::SecondUpgrade), 1);
    second.reset();
    first.reset();
    world.advance(secs(10));
    assert_eq!(world.io().statistics().pending_handshakes, 0);
}

#[test]
fn the_text_for_prometheus_has_every_figure() {
    let world = world();
    world.plain("GET /socket.io/?EIO=4&transport=none").response();
    let text = world.io().statistics().to_prometheus();
    for line in [
        "# HELP spola_sessions Sessions that are open.",
        "# TYPE spola_sessions gauge",
        "spola_sessions 0",
        "spola_namespaces 1",
        "# TYPE spola_rejected_total counter",
        "spola_rejected_total{reason=\"unknown_transport\"} 1",
        "spola_rejected_total{reason=\"ping_timeout\"} 0",
    ] {
        assert_eq!(text.lines().filter(|one| *one == line).count(), 1, "{line}");
    }
    let comments = text.lines().filter(|line| line.starts_with('#')).count();
    let samples = world.io().statistics().samples().count();
    assert_eq!(text.lines().count(), comments + samples);
    assert_eq!(comments, 2 * (samples - RejectReason::ALL.len() + 1));
}

#[test]
fn a_body_that_is_whole_is_not_told_of_while_it_waits_for_handlers() {
    let mut config = Config::default();
    config.max_running_handlers = 1;
    let gate = Gate::default();
    let io = Io::builder().config(config).state(gate.clone()).build();
    io.namespace("/").on("wait", async |State(gate): State<Gate>| gate.passed().await);
    let world = World::new(io);
    let session = world.join_polling();
    session.post("42[\"wait\"]\u{1e}42[\"held\"]").response();
    let bytes = session.post_bytes(&format!("42[\"{}\"]", "x".repeat(70_000)));
    let (half, rest) = bytes.split_at(30_000);
    let mut post = world.request(half);
    assert_eq!(world.io().statistics().incomplete_messages, 1);
    post.write(rest);
    post.expect_silence();
    assert_eq!(world.io().statistics().incomplete_messages, 0);
    gate.open();
    assert_eq!(post.response().status, 200);
}
