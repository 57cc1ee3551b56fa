//! Several listeners of an event, catch-all listeners, middleware of events (§18.7 of the wire text).

use std::future::ready;
use std::sync::{Arc, Mutex};

use spola_server::{
    Ack, Data, DisconnectReason, EventName, Io, ListenerId, RawData, Refusal, Reply, Socket, State,
};

use crate::harness::{Client, Gate, Log, World, masked, serving};

/// What the client gets for an event with the acknowledgement id 0.
fn ask(client: &mut Client, event: &str) -> String {
    client.send(&format!("420{event}"));
    client.text()
}

#[test]
fn listeners_start_in_order_the_namespaces_first_and_the_first_answer_counts() {
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            socket.on("e", async |State(log): State<Log>| {
                log.say("own");
                Reply("own")
            });
        });
        root.on("e", async |State(log): State<Log>| log.say("silent"));
        root.on("e", async |State(log): State<Log>, ack: Ack| {
            log.say("first");
            assert!(ack.is_awaited());
            Reply("first")
        });
        root.on("e", async |State(log): State<Log>, ack: Ack| {
            log.say("second");
            assert!(!ack.is_awaited());
            ack.send("second").unwrap();
        });
    });
    let mut client = world.join();
    assert_eq!(ask(&mut client, r#"["e"]"#), r#"430["first"]"#);
    client.expect_silence();
    assert_eq!(log.take(), ["silent", "first", "second", "own"]);
}

#[test]
fn of_listeners_that_wait_the_first_to_be_done_answers() {
    let gate = Gate::default();
    let (world, _) = serving(|root| {
        let gate = gate.clone();
        root.on("e", move || {
            let passed = gate.clone().passed();
            async move {
                passed.await;
                Reply("late")
            }
        });
        root.on("e", async || Reply("early"));
    });
    let mut client = world.join();
    assert_eq!(ask(&mut client, r#"["e"]"#), r#"430["early"]"#);
    gate.open();
    client.expect_silence();
}

#[test]
fn a_refusal_beside_an_answer_is_reported() {
    let (world, _) = serving(|root| {
        root.on("e", async || Reply(1));
        root.on("e", async |_: Data<u8>| Reply(2));
    });
    let mut client = world.join();
    assert_eq!(ask(&mut client, r#"["e","x"]"#), "430[1]");
    let report = client.text();
    assert!(report.starts_with(r#"42["error",{"event":"e","message":"unfit arg"#), "{report}");
}

#[test]
fn events_never_overtake_each_other_with_several_listeners() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        for listener in ["a", "b"] {
            let gate = gate.clone();
            root.on("step", move |Data(n): Data<u32>, State(log): State<Log>| {
                let gate = gate.clone();
                async move {
                    log.say(format!("{listener}{n}"));
                    gate.passed().await;
                    log.say(format!("{listener}{n} done"));
                }
            });
        }
    });
    let mut client = world.join();
    let burst: Vec<_> =
        (0..3).flat_map(|n| masked(1, format!(r#"42["step",{n}]"#).as_bytes())).collect();
    client.write(burst);
    assert_eq!(log.take(), ["a0", "b0", "a1", "b1", "a2", "b2"]);
    gate.open();
    world.runtime.run_until_idle();
    assert_eq!(log.take().len(), 6);
}

#[test]
fn a_listener_runs_once_or_until_it_is_taken_off() {
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Option<ListenerId>>>);

    let (log, kept) = (Log::default(), Kept::default());
    let io = Io::builder().state(log.clone()).state(kept).build();
    io.namespace("/")
        .on_connect(async |socket: Socket, State(Kept(kept)): State<Kept>| {
            socket.once("e", async |State(log): State<Log>| log.say("once"));
            let id = socket.on("e", async |State(log): State<Log>| log.say("kept"));
            *kept.lock().unwrap() = Some(id);
            socket.on("e", async |State(log): State<Log>| log.say("last"));
        })
        .on("off", async |socket: Socket, State(Kept(kept)): State<Kept>| {
            let id = kept.lock().unwrap().unwrap();
            Reply((socket.off(id), socket.off(id)))
        })
        .on("off all", async |socket: Socket| socket.off_event("e"));
    let world = World::new(io);
    let mut client = world.join();
    client.send(r#"42["e"]"#);
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["once", "kept", "last", "kept", "last"]);
    assert_eq!(ask(&mut client, r#"["off"]"#), "430[true,false]");
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["last"]);
    client.send(r#"42["off all"]"#);
    client.send(r#"42["e"]"#);
    assert!(log.take().is_empty());
}

#[test]
fn a_listener_that_runs_once_is_off_before_it_runs() {
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            socket.once("e", async |socket: Socket, State(log): State<Log>| {
                log.say("first");
                socket.once("e", async |State(log): State<Log>| log.say("second"));
            });
        });
    });
    let mut client = world.join();
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["first"]);
    client.send(r#"42["e"]"#);
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["second"]);
}

#[test]
fn what_a_namespace_takes_off_is_off_for_those_who_come_later() {
    let (world, log) = serving(|root| {
        root.on("e", async |State(log): State<Log>| log.say("heard"));
    });
    let mut early = world.join();
    world.io().namespace("/").off_event("e");
    let mut late = world.join();
    late.send(r#"42["e"]"#);
    assert!(log.take().is_empty());
    early.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["heard"]);
}

#[test]
fn catch_all_listeners_run_before_middleware_and_that_before_the_named() {
    let (world, log) = serving(|root| {
        root.event_middleware(async |State(log): State<Log>| log.say("middleware"));
        root.on("e", async |State(log): State<Log>| log.say("named"));
        root.on_any(async |EventName(name): EventName, State(log): State<Log>| {
            log.say(format!("any {name}"));
        });
        root.on_connect(async |socket: Socket| {
            socket.middleware(async |State(log): State<Log>| log.say("own middleware"));
            let any = socket.on_any(async |State(log): State<Log>| log.say("own any"));
            socket.on("off", move |socket: Socket| ready(Reply(socket.off(any))));
        });
        root.fallback(async |State(log): State<Log>| log.say("fallback"));
    });
    let mut client = world.join();
    client.send(r#"42["e"]"#);
    let all = ["any e", "own any", "middleware", "own middleware"];
    assert_eq!(log.take(), [&all[..], &["named"]].concat());
    client.send(r#"42["f"]"#);
    assert_eq!(log.take().last().map(String::as_str), Some("fallback"));
    assert_eq!(ask(&mut client, r#"["off"]"#), "430[true]");
    log.take();
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), ["any e", "middleware", "own middleware", "named"]);
}

#[test]
fn middleware_of_events_refuses_by_the_acknowledgement_or_the_event_error() {
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            socket.middleware(async |EventName(name): EventName, Data(n): Data<u8>| match n {
                7 => Err(Refusal::new("not seven").with_data(&name.to_string())),
                _ => Ok(()),
            });
            socket.middleware(async |State(log): State<Log>| log.say("second"));
        });
        root.on("e", async |Data(n): Data<u8>| Reply(n));
    });
    let mut client = world.join();
    let body = r#""message":"not seven","data":"e"}"#;
    assert_eq!(ask(&mut client, r#"["e",7]"#), format!(r#"430[{{"error":{{{body}}}]"#));
    client.send(r#"42["e",7]"#);
    assert_eq!(client.text(), format!(r#"42["error",{{"event":"e",{body}]"#));
    assert!(log.take().is_empty());
    let unfit = ask(&mut client, r#"["e","x"]"#);
    assert!(unfit.starts_with(r#"430[{"error":{"message":"unfit arguments: "#), "{unfit}");
    assert_eq!(ask(&mut client, r#"["e",8]"#), "430[8]");
    assert_eq!(log.take(), ["second"]);
}

#[test]
fn an_event_whose_middleware_waits_lets_others_pass_and_none_once_the_socket_has_left() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.event_middleware(move |EventName(name): EventName| {
            let gate = gate.clone();
            async move {
                if name == "slow" {
                    gate.passed().await;
                }
            }
        });
        root.on_any(async |EventName(name): EventName, State(log): State<Log>| {
            log.say(format!("any {name}"));
        });
        root.fallback(async |EventName(name): EventName, State(log): State<Log>| log.say(name));
    });
    let mut stays = world.join();
    stays.send(r#"42["slow"]"#);
    stays.send(r#"42["fast"]"#);
    assert_eq!(log.take(), ["any slow", "any fast", "fast"]);
    let mut leaves = world.join();
    leaves.send(r#"42["slow"]"#);
    leaves.send("41");
    log.take();
    gate.open();
    world.runtime.run_until_idle();
    assert_eq!(log.take(), ["slow"]);
}

#[test]
fn a_panic_in_middleware_of_events_refuses_the_event() {
    let (world, _) = serving(|root| {
        root.event_middleware(async |_: Socket| -> () { panic!("no") });
        root.on("e", async || Reply(1));
    });
    let mut client = world.join();
    let refused = r#"430[{"error":{"message":"internal error"}}]"#;
    assert_eq!(ask(&mut client, r#"["e"]"#), refused);
}

#[test]
fn listeners_of_outgoing_events_see_whatever_is_sent_but_answers() {
    let (world, log) = serving(|root| {
        root.on_any_outgoing(async |event: RawData, State(log): State<Log>| {
            let attached = event.attachments().len();
            log.say(format!("{} {attached}", event.json()));
        });
        root.on_connect(async |socket: Socket| {
            socket.on_any_outgoing(async |EventName(name): EventName, State(log): State<Log>| {
                log.say(format!("own {name}"));
            });
            let _ = socket.emit("welcome", ("x", bytes::Bytes::from_static(b"\x01")));
        });
        root.on("e", async |socket: Socket| {
            let _ = socket.emit_with_ack::<()>("question", 1).await;
        });
        root.on("answered", async || Reply(()));
    });
    let mut client = world.join();
    let welcome = r#"["welcome","x",{"_placeholder":true,"num":0}] 1"#;
    assert_eq!(log.take(), [welcome, "own welcome"]);
    client.frames();
    client.send(r#"42["e"]"#);
    assert_eq!(log.take(), [r#"["question",1] 0"#, "own question"]);
    world.io().emit("news", 2).unwrap();
    world.runtime.run_until_idle();
    assert_eq!(log.take(), [r#"["news",2] 0"#, "own news"]);
    client.send(r#"421["answered"]"#);
    assert!(log.take().is_empty());
}

#[test]
fn disconnecting_comes_with_the_rooms_and_disconnect_without() {
    async fn tell(socket: Socket, reason: DisconnectReason, State(log): State<Log>) {
        log.say(format!("{} {reason}", socket.rooms().len()));
    }
    let (world, log) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            socket.join("a").unwrap();
            socket.join("b").unwrap();
            socket.on_disconnect(async |State(log): State<Log>| log.say("own"));
            socket.on_disconnecting(async |State(log): State<Log>| log.say("own"));
        });
        root.on_disconnecting(tell).on_disconnect(tell);
        root.on_disconnecting(async |socket: Socket| {
            let told = socket.to("a").emit("left", socket.id());
            assert_eq!(told.unwrap(), 1);
        });
    });
    let mut bystander = world.join();
    let (mut client, id) = world.join_with_id();
    client.send("41");
    let reason = "client namespace disconnect";
    assert_eq!(log.take(), [&format!("2 {reason}"), "own", &format!("0 {reason}"), "own"]);
    assert_eq!(bystander.text(), format!(r#"42["left","{id}"]"#));
}

#[test]
#[should_panic(expected = "no event is called \"disconnect\"")]
fn a_listener_of_a_reserved_name_is_refused_at_registration() {
    Io::new().namespace("/").on("disconnect", async || {});
}

#[test]
fn a_refused_client_leaves_nothing_of_what_its_middleware_attached() {
    let kept = Arc::new(());
    let (world, _) = serving(|root| {
        let kept = kept.clone();
        root.middleware(move |socket: Socket| {
            let (own, kept) = (socket.clone(), kept.clone());
            socket.on("e", move || {
                let (_own, _kept) = (own.clone(), kept.clone());
                async {}
            });
            async { Err::<(), _>("no") }
        });
    });
    let before = Arc::strong_count(&kept);
    let mut client = world.open_websocket();
    client.send("40");
    assert_eq!(client.text(), r#"44{"message":"no"}"#);
    assert_eq!(Arc::strong_count(&kept), before);
}
