//! What an application writes, end to end.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spola_server::{
    Ack, AckError, Auth, Config, Data, DisconnectReason, EmitError, EventName, Handshake, Io,
    Namespace, RawData, Refusal, Reply, Socket, State,
};

use crate::harness::{Gate, Log, World, millis, recorder, recorder_with, secs, sid_of};

/// A server whose root namespace was set up by `register`, with a log as its state.
fn serving(register: impl FnOnce(&Namespace)) -> (World, Log) {
    let log = Log::default();
    let io = Io::builder().state(log.clone()).state(7_u32).build();
    register(&io.namespace("/"));
    (World::new(io), log)
}

#[test]
fn a_handler_takes_whatever_its_arguments_say() {
    #[derive(Deserialize)]
    struct Order {
        item: String,
        count: u32,
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "eight is what a handler may have"
    )]
    async fn order(
        socket: Socket,
        namespace: Namespace,
        handshake: Arc<Handshake>,
        State(number): State<u32>,
        Data((order, rush)): Data<(Order, bool)>,
        EventName(name): EventName,
        raw: RawData,
        ack: Ack,
    ) -> Reply<Vec<String>> {
        assert!(ack.is_awaited());
        Reply(vec![
            socket.id().len().to_string(),
            namespace.name().to_owned(),
            handshake.query("token").unwrap_or_default(),
            handshake.address().unwrap().to_string(),
            handshake.headers["host"].to_str().unwrap().to_owned(),
            number.to_string(),
            format!("{} {} {rush}", order.count, order.item),
            name.to_string(),
            raw.json().len().to_string(),
        ])
    }

    let (world, _) = serving(|root| {
        root.on("order", order);
    });
    let mut client = world.upgrade("EIO=4&transport=websocket&token=a%20b&token=c%26d");
    assert_eq!(client.response().status, 101);
    client.send("40");
    assert_eq!(client.texts().len(), 2);
    client.send(r#"4212["order",{"item":"tea","count":2},true]"#);
    assert_eq!(
        client.text(),
        r#"4312[["20","/","c&d","127.0.0.1","x","7","2 tea true","order","39"]]"#
    );
}

#[test]
fn arguments_arrive_as_the_types_that_were_asked_for() {
    let (world, _) = serving(|root| {
        root.on("one", async |Data(n): Data<i64>| Reply(n));
        root.on("pair", async |Data((a, b)): Data<(String, f64)>| {
            Reply((b, a))
        });
        root.on("option", async |Data(n): Data<Option<u8>>| {
            Reply(n.is_some())
        });
        root.on("rest", async |Data((a, b)): Data<(u8, Option<u8>)>| {
            Reply((a, b))
        });
        root.on("map", async |Data(map): Data<BTreeMap<String, u8>>| {
            Reply(map)
        });
        root.on("bytes", async |Data(data): Data<Bytes>| Reply(data.len()));
        root.on("none", async || Reply(()));
    });
    let mut client = world.join();
    for (event, answer) in [
        (r#"["one",-5]"#, "[-5]"),
        (r#"["one",-5,"and more"]"#, "[-5]"),
        (r#"["pair","a",0.5]"#, r#"[0.5,"a"]"#),
        (r#"["option"]"#, "[false]"),
        (r#"["option",null]"#, "[false]"),
        (r#"["option",1]"#, "[true]"),
        (r#"["rest",1]"#, "[1,null]"),
        (r#"["map",{"b":1,"a":2}]"#, r#"[{"a":2,"b":1}]"#),
        (r#"["none",1,2,3]"#, "[]"),
    ] {
        client.send(&format!("420{event}"));
        assert_eq!(client.text(), format!("430{answer}"), "{event}");
    }
    client.send(r#"451-0["bytes",{"_placeholder":true,"num":0}]"#);
    client.send_binary(&[1, 2, 3]);
    assert_eq!(client.text(), "430[3]");
}

#[test]
fn a_refusal_answers_the_ack_or_comes_as_the_event_error() {
    let (world, _) = serving(|root| {
        root.on("plain", async || Err::<(), _>("no"));
        root.on("owned", async || Err::<(), _>(String::from("no")));
        root.on("data", async || {
            Err::<Reply<u8>, _>(Refusal::new("quota").with_data(&("E1", 5)))
        });
        root.on("fine", async || Ok::<_, Refusal>(Reply("yes")));
        root.on("number", async |Data(n): Data<u8>| Reply(n));
    });
    let mut client = world.join();
    for (event, body) in [
        ("plain", r#""message":"no"}"#),
        ("owned", r#""message":"no"}"#),
        ("data", r#""message":"quota","data":["E1",5]}"#),
    ] {
        client.send(&format!(r#"421["{event}"]"#));
        assert_eq!(client.text(), format!(r#"431[{{"error":{{{body}}}]"#));
        client.send(&format!(r#"42["{event}"]"#));
        assert_eq!(
            client.text(),
            format!(r#"42["error",{{"event":"{event}",{body}]"#)
        );
    }
    client.send(r#"421["fine"]"#);
    assert_eq!(client.text(), r#"431["yes"]"#);
    client.send(r#"42["fine"]"#);
    client.expect_silence();
    // What cannot be extracted is refused as well, and the handler does not run.
    client.send(r#"421["number","x"]"#);
    let text = client.text();
    assert!(
        text.starts_with(r#"431[{"error":{"message":"unfit arguments: "#),
        "{text}"
    );
    client.send(r#"42["number",256]"#);
    let text = client.text();
    assert!(
        text.starts_with(r#"42["error",{"event":"number","message":"unfit arguments: "#),
        "{text}"
    );
}

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
        assert_eq!(
            error.to_string(),
            "socket has been disconnected",
            "{farewell}"
        );
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
    assert!(matches!(
        outcomes,
        [None, None, Some(Err(AckError::TooMany))]
    ));
    assert_eq!(client.texts(), [r#"420["a"]"#, r#"421["a"]"#]);
    client.send("431[7]");
    assert_eq!(asked[1].output().unwrap().unwrap(), 7);
}

#[test]
fn a_handler_may_ask_and_answer_with_what_it_heard() {
    let (world, _) = serving(|root| {
        root.on("relay", async |socket: Socket| {
            let answer: u32 = socket
                .emit_with_ack("really?", ())
                .await
                .map_err(|e| e.to_string())?;
            Ok::<_, Refusal>(Reply(answer + 1))
        });
    });
    let mut client = world.join();
    client.send(r#"425["relay"]"#);
    assert_eq!(client.text(), r#"420["really?"]"#);
    client.send("430[41]");
    assert_eq!(client.text(), "435[42]");
}

#[test]
fn a_panic_in_a_handler_stays_there() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        root.on("now", async |_: Socket| -> Reply<()> { panic!("at once") });
        let later = gate.clone();
        root.on("later", move |_: Socket| {
            let gate = later.clone();
            async move {
                gate.passed().await;
                None::<Reply<u8>>.ok_or_else(|| -> Refusal { panic!("later") })
            }
        });
        root.on("call", |_: Socket| -> std::future::Ready<()> {
            panic!("before it starts")
        });
        root.on("fine", async || Reply("fine"));
        root.on_disconnect(async |State(log): State<Log>| -> () {
            log.say("left");
            panic!("at the end");
        });
    });
    let mut client = world.join();
    for event in ["now", "call"] {
        client.send(&format!(r#"421["{event}"]"#));
        assert_eq!(
            client.text(),
            r#"431[{"error":{"message":"internal error"}}]"#
        );
    }
    client.send(r#"422["later"]"#);
    client.send(r#"423["fine"]"#);
    assert_eq!(client.text(), r#"433["fine"]"#);
    gate.open();
    assert_eq!(
        client.text(),
        r#"432[{"error":{"message":"internal error"}}]"#
    );
    client.send(r#"424["fine"]"#);
    assert_eq!(client.text(), r#"434["fine"]"#);
    client.send("41");
    client.send("40");
    assert!(client.text().starts_with("40{"));
    assert_eq!(log.take(), ["left"]);
}

#[test]
fn a_panic_in_middleware_refuses_and_one_on_connect_disconnects() {
    let (world, _) = serving(|root| {
        root.on_connect(async |_: Socket| -> () { panic!("too late") });
    });
    let admin = world.io().namespace("/admin");
    admin.middleware(async |_: Socket| -> () { panic!("no") });
    let mut client = world.open_websocket();
    client.send("40/admin,");
    assert_eq!(client.text(), r#"44/admin,{"message":"internal error"}"#);
    client.send("40");
    assert!(client.text().starts_with("40{\"sid\""));
    assert_eq!(client.text(), "41");
}

#[test]
fn events_start_in_order_and_overtake_only_at_an_await() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.on("step", move |Data(n): Data<u32>, State(log): State<Log>| {
            let gate = gate.clone();
            async move {
                log.say(format!("start {n}"));
                if n % 2 == 0 {
                    gate.passed().await;
                }
                log.say(format!("end {n}"));
            }
        });
    });
    let mut client = world.join();
    let burst: Vec<_> = (0..4)
        .flat_map(|n| crate::harness::masked(1, format!(r#"42["step",{n}]"#).as_bytes()))
        .collect();
    client.write(burst);
    assert_eq!(
        log.take(),
        ["start 0", "start 1", "end 1", "start 2", "start 3", "end 3"]
    );
    gate.open();
    world.runtime.run_until_idle();
    let mut rest = log.take();
    rest.sort_unstable();
    assert_eq!(rest, ["end 0", "end 2"]);
}

#[test]
fn what_on_connect_emits_comes_after_the_reply() {
    let (world, _) = serving(|root| {
        root.on_connect(async |socket: Socket| {
            socket.emit("welcome", socket.id()).unwrap();
            socket.join("room").unwrap();
            assert_eq!(socket.namespace().to("room").emit("news", 1).unwrap(), 1);
        });
    });
    let mut client = world.open_websocket();
    client.send("40");
    let texts = client.texts();
    let id = sid_of(&texts[0]);
    assert_eq!(
        texts,
        [
            format!(r#"40{{"sid":"{id}"}}"#),
            format!(r#"42["welcome","{id}"]"#),
            r#"42["news",1]"#.to_owned(),
        ]
    );
    // Over polling too, and in one response.
    let session = world.open_polling();
    session.post("40");
    assert!(
        session
            .get()
            .response()
            .body
            .contains("\"}\x1e42[\"welcome\"")
    );
}

#[test]
fn on_connect_may_send_the_client_away() {
    let (world, log) = serving(|root| {
        root.on_connect(async || Err::<(), _>("not today"));
        root.on_disconnect(async |State(log): State<Log>, reason: DisconnectReason| {
            log.say(reason.as_str());
        });
    });
    let mut client = world.open_websocket();
    client.send("40");
    assert!(client.text().starts_with("40{"));
    assert_eq!(client.text(), "41");
    assert_eq!(log.take(), ["server namespace disconnect"]);
}

#[test]
fn middleware_runs_in_order_and_may_refuse() {
    #[derive(Deserialize, Serialize)]
    struct Credentials {
        token: u32,
    }
    let (world, log) = serving(|root| {
        root.middleware(async |State(log): State<Log>, socket: Socket| {
            log.say("first");
            assert!(!socket.is_connected());
            assert!(matches!(
                socket.emit("early", ()),
                Err(EmitError::Disconnected)
            ));
            assert!(socket.join("room").is_err());
            socket.extensions().insert(String::from("kept"));
        });
        root.middleware(
            async |State(log): State<Log>, Auth(auth): Auth<Credentials>| {
                log.say("second");
                if auth.token == 1 {
                    return Ok(());
                }
                Err(Refusal::new("wrong token").with_data(&auth))
            },
        );
        root.middleware(async |State(log): State<Log>| log.say("third"));
        root.on_connect(async |State(log): State<Log>, socket: Socket| {
            log.say(socket.extensions().get::<String>().unwrap());
        });
    });
    let mut client = world.open_websocket();
    client.send(r#"40{"token":2}"#);
    assert_eq!(
        client.text(),
        r#"44{"message":"wrong token","data":{"token":2}}"#
    );
    assert_eq!(log.take(), ["first", "second"]);
    client.send("40");
    let text = client.text();
    assert!(text.starts_with(r#"44{"message":"unfit auth: "#), "{text}");
    assert_eq!(log.take(), ["first"]);
    client.send(r#"40{"token":1}"#);
    assert!(client.text().starts_with("40{\"sid\":\""));
    assert_eq!(log.take(), ["first", "second", "third", "kept"]);
}

#[test]
fn asynchronous_middleware_lets_in_when_it_is_done() {
    let gate = Gate::default();
    let (world, log) = serving(|root| {
        let gate = gate.clone();
        root.middleware(move || gate.clone().passed());
        root.on_connect(async |State(log): State<Log>| log.say("connect"));
    });
    let mut client = world.open_websocket();
    client.send("40");
    client.expect_silence();
    assert!(world.io().sockets().is_empty());
    gate.open();
    assert!(client.text().starts_with("40{\"sid\":\""));
    assert_eq!(log.take(), ["connect"]);
}

#[test]
#[should_panic(expected = "which the server was not given")]
fn a_missing_state_is_found_at_registration() {
    let io = Io::new();
    io.namespace("/").on("a", async |_: State<u32>| {});
}

#[test]
#[should_panic(expected = "u64")]
fn a_missing_state_is_named() {
    serving(|root| {
        root.on_disconnect(async |_: State<u64>| {});
    });
}

#[test]
fn a_socket_may_have_handlers_of_its_own() {
    let (world, _) = serving(|root| {
        root.on_connect(
            async |socket: Socket, Auth(auth): Auth<BTreeMap<String, bool>>| {
                if auth.contains_key("special") {
                    let count = socket.extensions();
                    count.insert(1_u8);
                    socket.on("who", async |socket: Socket| {
                        let count = socket.extensions().get::<u8>().unwrap();
                        socket.extensions().insert(count + 1);
                        Reply(("own", count))
                    });
                }
            },
        );
        root.on("who", async || Reply("shared"));
        root.fallback(async |EventName(name): EventName| Reply(("fallback", name.to_string())));
    });
    let mut usual = world.join();
    let mut special = world.open_websocket();
    special.send(r#"40{"special":true}"#);
    special.text();
    for (client, answers) in [
        (&mut usual, [r#"["shared"]"#, r#"["shared"]"#]),
        (&mut special, [r#"["own",1]"#, r#"["own",2]"#]),
    ] {
        for answer in answers {
            client.send(r#"420["who"]"#);
            assert_eq!(client.text(), format!("430{answer}"));
        }
        client.send(r#"420["what"]"#);
        assert_eq!(client.text(), r#"430["fallback","what"]"#);
    }
}

#[test]
fn an_event_without_a_handler_is_dropped() {
    let (world, _) = serving(|root| {
        root.on("a", async || Reply(1));
    });
    let mut client = world.join();
    client.send(r#"420["b"]"#);
    client.expect_silence();
    client.send(r#"421["a"]"#);
    assert_eq!(client.text(), "431[1]");
}

#[test]
fn reserved_names_cannot_be_emitted() {
    let (world, _) = recorder();
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ] {
        let error = socket.emit(name, ()).unwrap_err();
        assert!(matches!(error, EmitError::Encode(_)), "{name}: {error}");
        assert!(world.io().emit(name, ()).is_err(), "{name}");
    }
    client.expect_silence();
}

#[test]
fn an_event_may_be_passed_on_as_it_is() {
    let (world, _) = serving(|root| {
        root.fallback(async |socket: Socket, event: RawData| {
            socket.emit_raw(event).map_err(|error| error.to_string())
        });
    });
    let mut client = world.join();
    client.send(r#"42["x",{"b":1, "a":1.50}]"#);
    assert_eq!(client.text(), r#"42["x",{"b":1, "a":1.50}]"#);
}

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

#[test]
fn namespaces_have_handlers_of_their_own() {
    let (world, _) = serving(|root| {
        root.on("where", async |namespace: Namespace| {
            Reply(namespace.name().to_owned())
        });
    });
    world
        .io()
        .namespace("admin")
        .on("where", async |namespace: Namespace| {
            Reply(format!("in {}", namespace.name()))
        });
    let mut client = world.join();
    client.send("40/admin,");
    client.text();
    client.send(r#"421["where"]"#);
    client.send(r#"42/admin,1["where"]"#);
    assert_eq!(
        client.texts(),
        [r#"431["/"]"#, r#"43/admin,1["in /admin"]"#]
    );
}

#[test]
fn handlers_may_be_functions_that_return_any_future() {
    let (world, _) = serving(|root| {
        root.on("ready", |Data(n): Data<u8>| ready(Reply(n)));
        root.on("pending", pending::<()>);
    });
    let mut client = world.join();
    client.send(r#"42["pending"]"#);
    client.send(r#"420["ready",9]"#);
    assert_eq!(client.text(), "430[9]");
}
