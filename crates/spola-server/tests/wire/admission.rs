//! Middleware and connect handlers.

use serde::{Deserialize, Serialize};
use spola_server::{Auth, DisconnectReason, EmitError, Refusal, Socket, State};

use crate::harness::{Gate, Log, serving, sid_of};

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
    assert!(session.get().response().body.contains("\"}\x1e42[\"welcome\""));
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
            assert!(matches!(socket.emit("early", ()), Err(EmitError::Disconnected)));
            assert!(socket.join("room").is_err());
            socket.extensions().insert(String::from("kept"));
        });
        root.middleware(async |State(log): State<Log>, Auth(auth): Auth<Credentials>| {
            log.say("second");
            if auth.token == 1 {
                return Ok(());
            }
            Err(Refusal::new("wrong token").with_data(&auth))
        });
        root.middleware(async |State(log): State<Log>| log.say("third"));
        root.on_connect(async |State(log): State<Log>, socket: Socket| {
            log.say(socket.extensions().get::<String>().unwrap());
        });
    });
    let mut client = world.open_websocket();
    client.send(r#"40{"token":2}"#);
    assert_eq!(client.text(), r#"44{"message":"wrong token","data":{"token":2}}"#);
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
