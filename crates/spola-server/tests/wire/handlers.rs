//! What an application writes, end to end.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use spola_server::{
    Ack, Auth, Data, EmitError, EventName, Handshake, Io, Namespace, RawData, Refusal, Reply,
    Socket, State,
};

use crate::harness::{Gate, Log, recorder, serving};

#[test]
fn a_handler_takes_whatever_its_arguments_say() {
    #[derive(Deserialize)]
    struct Order {
        item: String,
        count: u32,
    }

    #[allow(clippy::too_many_arguments, reason = "eight is what a handler may have")]
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
            handshake.headers()["host"].to_str().unwrap().to_owned(),
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
        root.on("pair", async |Data((a, b)): Data<(String, f64)>| Reply((b, a)));
        root.on("option", async |Data(n): Data<Option<u8>>| Reply(n.is_some()));
        root.on("rest", async |Data((a, b)): Data<(u8, Option<u8>)>| Reply((a, b)));
        root.on("map", async |Data(map): Data<BTreeMap<String, u8>>| Reply(map));
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
        root.on("data", async || Err::<Reply<u8>, _>(Refusal::new("quota").with_data(&("E1", 5))));
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
        assert_eq!(client.text(), format!(r#"42["error",{{"event":"{event}",{body}]"#));
    }
    client.send(r#"421["fine"]"#);
    assert_eq!(client.text(), r#"431["yes"]"#);
    client.send(r#"42["fine"]"#);
    client.expect_silence();
    // What cannot be extracted is refused as well, and the handler does not run.
    client.send(r#"421["number","x"]"#);
    let text = client.text();
    assert!(text.starts_with(r#"431[{"error":{"message":"unfit arguments: "#), "{text}");
    client.send(r#"42["number",256]"#);
    let text = client.text();
    assert!(
        text.starts_with(r#"42["error",{"event":"number","message":"unfit arguments: "#),
        "{text}"
    );
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
        root.on("call", |_: Socket| -> std::future::Ready<()> { panic!("before it starts") });
        root.on("fine", async || Reply("fine"));
        root.on_disconnect(async |State(log): State<Log>| -> () {
            log.say("left");
            panic!("at the end");
        });
    });
    let mut client = world.join();
    for event in ["now", "call"] {
        client.send(&format!(r#"421["{event}"]"#));
        assert_eq!(client.text(), r#"431[{"error":{"message":"internal error"}}]"#);
    }
    client.send(r#"422["later"]"#);
    client.send(r#"423["fine"]"#);
    assert_eq!(client.text(), r#"433["fine"]"#);
    gate.open();
    assert_eq!(client.text(), r#"432[{"error":{"message":"internal error"}}]"#);
    client.send(r#"424["fine"]"#);
    assert_eq!(client.text(), r#"434["fine"]"#);
    client.send("41");
    client.send("40");
    assert!(client.text().starts_with("40{"));
    assert_eq!(log.take(), ["left"]);
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
    assert_eq!(log.take(), ["start 0", "start 1", "end 1", "start 2", "start 3", "end 3"]);
    gate.open();
    world.runtime.run_until_idle();
    let mut rest = log.take();
    rest.sort_unstable();
    assert_eq!(rest, ["end 0", "end 2"]);
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
        root.on_connect(async |socket: Socket, Auth(auth): Auth<BTreeMap<String, bool>>| {
            if auth.contains_key("special") {
                let count = socket.extensions();
                count.insert(1_u8);
                socket.on("who", async |socket: Socket| {
                    let count = socket.extensions().get::<u8>().unwrap();
                    socket.extensions().insert(count + 1);
                    Reply(("own", count))
                });
            } else {
                socket.on("who", async || Reply("usual"));
            }
        });
        root.fallback(async |EventName(name): EventName| Reply(("fallback", name.to_string())));
    });
    let mut usual = world.join();
    let mut special = world.open_websocket();
    special.send(r#"40{"special":true}"#);
    special.text();
    for (client, answers) in [
        (&mut usual, [r#"["usual"]"#, r#"["usual"]"#]),
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
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
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
fn namespaces_have_handlers_of_their_own() {
    let (world, _) = serving(|root| {
        root.on("where", async |namespace: Namespace| Reply(namespace.name().to_owned()));
    });
    world
        .io()
        .namespace("admin")
        .on("where", async |namespace: Namespace| Reply(format!("in {}", namespace.name())));
    let mut client = world.join();
    client.send("40/admin,");
    client.text();
    client.send(r#"421["where"]"#);
    client.send(r#"42/admin,1["where"]"#);
    assert_eq!(client.texts(), [r#"431["/"]"#, r#"43/admin,1["in /admin"]"#]);
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
