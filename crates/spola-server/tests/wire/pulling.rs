//! Pulling events instead of handling them as they come.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use spola_server::{Config, EventName, Io, Refusal, Reply, Socket, State};

use crate::harness::{Gate, Log, World, masked, secs, serving};

#[test]
fn pulled_events_come_in_strict_order_and_are_answered() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.on_connect(move |socket: Socket, State(log): State<Log>| {
            let gate = gate.clone();
            async move {
                while let Some(event) = socket.recv().await {
                    log.say(format!("start {}", event.raw().json()));
                    gate.clone().passed().await;
                    log.say("end");
                    assert!(event.is_ack_awaited());
                    let (n, more): (u8, Option<String>) = event.extract().unwrap();
                    event.ack((event.name(), n, more)).unwrap();
                    event.ack("a second time").unwrap();
                }
                log.say("over");
            }
        });
    });
    let mut client = world.join();
    client.send(r#"421["a",1]"#);
    client.send(r#"422["b",2,"x"]"#);
    assert_eq!(log.take(), [r#"start ["a",1]"#]);
    gate.open();
    assert_eq!(client.texts(), [r#"431["a",1,null]"#, r#"432["b",2,"x"]"#]);
    assert_eq!(log.take(), ["end", r#"start ["b",2,"x"]"#, "end"]);
    client.send("41");
    assert_eq!(log.take(), ["over"]);
}

#[test]
fn while_somebody_pulls_no_listener_runs() {
    let (world, log) = serving(|root| {
        root.on("pull", async |socket: Socket, State(log): State<Log>| {
            while let Some(event) = socket.recv().await {
                log.say(format!("pulled {}", event.name()));
            }
        });
        root.event_middleware(async |State(log): State<Log>| log.say("middleware"));
        root.fallback(async |EventName(name): EventName, State(log): State<Log>| log.say(name));
    });
    let mut client = world.join();
    client.send(r#"42["a"]"#);
    assert_eq!(log.take(), ["middleware", "a"]);
    client.send(r#"42["pull"]"#);
    log.take();
    client.send(r#"42["b"]"#);
    client.send(r#"42["pull"]"#);
    assert_eq!(log.take(), ["pulled b", "pulled pull"]);
}

#[test]
fn what_came_before_the_end_can_be_pulled_after_it() {
    let (world, _) = serving(|root| {
        root.on_connect(async |socket: Socket| drop(socket.recv()));
    });
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    client.send(r#"421["a"]"#);
    client.send(r#"42["b"]"#);
    client.reset();
    let pulled = world.run(async move {
        let mut names = Vec::new();
        while let Some(event) = socket.recv().await {
            event.ack(()).unwrap();
            names.push(event.name().into_owned());
        }
        names
    });
    assert_eq!(pulled.output().unwrap(), ["a", "b"]);
}

#[test]
fn an_answer_may_be_what_a_handler_returns() {
    let (world, _) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            while let Some(event) = socket.recv().await {
                let number = event.extract::<u8>();
                event.answer(number.map(|n| Reply(n + 1)).map_err(Refusal::from));
            }
        });
    });
    let mut client = world.join();
    client.send(r#"421["n",1]"#);
    assert_eq!(client.text(), "431[2]");
    client.send(r#"421["n","x"]"#);
    let refused = client.text();
    assert!(refused.starts_with(r#"431[{"error":{"message":"unfit arg"#), "{refused}");
    client.send(r#"42["n","x"]"#);
    let refused = client.text();
    assert!(refused.starts_with(r#"42["error",{"event":"n","message":"unfit arg"#), "{refused}");
}

/// A server whose sockets pull nothing until they are told by the gate, then count.
fn slow_world(config: Config) -> (World, Log, Gate) {
    let (log, gate) = (Log::default(), Gate::default());
    let io = Io::builder().config(config).state(log.clone()).build();
    let waits = gate.clone();
    io.namespace("/").on_connect(move |socket: Socket, State(log): State<Log>| {
        let (gate, first) = (waits.clone(), socket.clone());
        drop(first.recv());
        async move {
            gate.passed().await;
            while let Some(event) = socket.recv().await {
                log.say(event.raw().json());
            }
        }
    });
    (World::new(io), log, gate)
}

#[test]
fn beyond_128_waiting_events_a_websocket_is_not_read() {
    let (world, log, gate) = slow_world(Config::default());
    let mut client = world.join();
    client.end.write(&masked(1, br#"42["waiting"]"#).repeat(100_000));
    world.runtime.run_until_idle();
    assert!(client.end.unread_by_server() > 1_000_000);
    let mut bystander = world.join();
    bystander.send("41");
    gate.open();
    client.expect_silence();
    assert_eq!(log.take().len(), 100_000);
}

#[test]
fn beyond_a_mebibyte_of_waiting_events_a_websocket_is_not_read() {
    let mut config = Config::default();
    config.max_waiting_events = usize::MAX;
    let (world, log, gate) = slow_world(config);
    let mut client = world.join();
    let event = masked(1, format!(r#"42["e","{}"]"#, "x".repeat(100_000)).as_bytes());
    client.end.write(&event.repeat(100));
    world.runtime.run_until_idle();
    assert!(client.end.unread_by_server() > 7_000_000);
    gate.open();
    client.expect_silence();
    assert_eq!(log.take().len(), 100);
}

#[test]
fn who_pulls_nothing_does_not_keep_a_dead_client() {
    let (world, _, _gate) = slow_world(Config::default());
    let mut client = world.join();
    client.end.write(&masked(1, br#"42["e"]"#).repeat(10_000));
    world.advance(secs(45));
    assert_eq!(world.io().session_count(), 0);
    client.raw();
}

#[test]
fn who_pulls_may_ask_the_client_with_events_waiting() {
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket, State(log): State<Log>| {
            while let Some(event) = socket.recv().await {
                if event.name() == "ask" {
                    let question = socket.emit_with_ack::<u32>("question", ());
                    let answer = question.timeout(Duration::from_secs(9)).await;
                    log.say(format!("{answer:?}"));
                }
            }
        });
    });
    let mut client = world.join();
    client.send(r#"42["ask"]"#);
    let question = client.text();
    let id = question.trim_start_matches("42").split('[').next().unwrap().to_owned();
    for _ in 0..300 {
        client.send(r#"42["e"]"#);
    }
    client.send(&format!("43{id}[7]"));
    assert_eq!(log.take(), ["Ok(7)"]);
}

#[test]
fn several_may_pull_and_each_event_goes_to_one() {
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket| drop(socket.recv()));
    });
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    for _ in 0..3 {
        let (socket, log) = (socket.clone(), log.clone());
        world.run(async move {
            while let Some(event) = socket.recv().await {
                log.say(event.name().as_ref());
            }
            log.say("over");
        });
    }
    for n in 0..5 {
        client.send(&format!(r#"42["{n}"]"#));
    }
    assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
    client.send("41");
    assert_eq!(log.take(), ["over"; 3]);
}

#[test]
fn events_that_nobody_pulls_go_with_their_socket() {
    let (world, log, gate) = slow_world(Config::default());
    let mut client = world.join();
    client.send(r#"421["e"]"#);
    client.reset();
    gate.open();
    assert_eq!(world.runtime.tasks(), 0);
    assert_eq!(log.take(), [r#"["e"]"#]);
}

/// Counts the wakers that are kept of it.
struct Kept;

impl Wake for Kept {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn who_stops_waiting_leaves_nothing() {
    let (world, _) = serving(|_| {});
    let client = world.join();
    client.end.set_capacity(100);
    let socket = world.io().sockets().remove(0);
    while socket.try_emit("n", "x".repeat(1 << 16)).is_ok() {}
    let kept = Arc::new(Kept);
    let mut lasting = pin!(socket.recv());
    for round in 0..3 {
        // As many wakers as futures, and one task's may be the same.
        let waker = Waker::from(Arc::clone(&kept));
        let mut cx = Context::from_waker(&waker);
        let before = Arc::strong_count(&kept);
        let (mut pull, mut wait) = (Box::pin(socket.recv()), socket.emit_wait("n", ()));
        for _ in 0..2 {
            assert!(pull.as_mut().poll(&mut cx).is_pending());
            assert!(pin!(&mut wait).poll(&mut cx).is_pending());
        }
        assert_eq!(Arc::strong_count(&kept), before + 2);
        drop((pull, wait));
        assert_eq!(Arc::strong_count(&kept), before);
        if round == 0 {
            assert!(lasting.as_mut().poll(&mut cx).is_pending());
        }
    }
    assert_eq!(Arc::strong_count(&kept), 2, "the one that waits still does");
}
