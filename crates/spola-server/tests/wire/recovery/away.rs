//! What is sent to clients that are away, or on their way.

use serde_json::json;
use spola_server::{Auth, ConnectionStateRecovery, EmitError, Io, Refusal, Socket, Value};

use super::{Memory, Visitor, bare, lost, only, remembering, root, serving, world, world_with};
use crate::harness::{Gate, Log, World, sid_of};

#[test]
fn what_is_sent_to_a_client_that_is_away_waits_for_it() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    socket.emit("first", ()).unwrap();
    visitor.events();
    let memory = visitor.lose();
    socket.emit("a", ()).unwrap();
    socket.try_emit("b", ()).unwrap();
    let waiting = socket.emit_wait("c", ());
    assert!(world.run(waiting).output().unwrap().is_ok());
    // Others in a room of its name get nothing of it, now or later.
    let mut visitor = Visitor::back(&world, &memory);
    assert_eq!(visitor.missed, [r#"42["a"]"#, r#"42["b"]"#, r#"42["c"]"#]);
    // Who holds the old socket reaches the client still.
    socket.emit("d", ()).unwrap();
    let waiting = socket.emit_wait("e", ());
    assert!(world.run(waiting).output().unwrap().is_ok());
    assert_eq!(visitor.events(), [r#"42["d"]"#, r#"42["e"]"#]);
    visitor.client.send("41");
    assert!(matches!(socket.emit("f", ()), Err(EmitError::Disconnected)));
}

#[test]
fn what_found_no_room_is_not_missed() {
    let mut config = remembering(|_| {});
    config.high_water_packets = 1;
    let world = serving(Io::builder().config(config).build());
    let session = world.open_polling();
    session.post("40");
    let reply = session.get().response().body;
    let (_, pid) = reply.split_once(r#""pid":""#).unwrap();
    let memory = Memory { sid: sid_of(&reply), pid: pid[..20].into(), offset: None };
    let socket = only(&world);
    socket.try_emit("a", ()).unwrap();
    assert!(matches!(socket.try_emit("b", ()), Err(EmitError::Full)));
    session.post("1");
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["a"]"#]);
}

#[test]
fn the_end_is_told_before_the_client_is_back() {
    let world = world();
    let log = Log::default();
    let (left, came) = (log.clone(), log.clone());
    root(&world).on_disconnect(move |socket: Socket| {
        left.say("left");
        // Nobody is in the namespace any more, but may well miss something.
        socket.namespace().emit("a", ()).unwrap();
        socket.emit("b", ()).unwrap();
        std::future::ready(())
    });
    root(&world).on_connect(move || {
        came.say("came");
        std::future::ready(())
    });
    let memory = lost(&world);
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["a"]"#, r#"42["b"]"#]);
    assert_eq!(log.take(), ["came", "left", "came"]);
}

#[test]
fn middleware_is_skipped_unless_told() {
    for (skips, asked) in [(true, 1), (false, 2)] {
        let world = world_with(|recovery| recovery.skip_middlewares = skips);
        let log = Log::default();
        let seen = log.clone();
        root(&world).middleware(move |socket: Socket| {
            seen.say(format!("{} {}", socket.id(), socket.recovered()));
            std::future::ready(())
        });
        let memory = lost(&world);
        assert!(Visitor::back(&world, &memory).is(&memory));
        let told = log.take();
        assert_eq!(told[0], format!("{} false", memory.sid));
        assert_eq!(told.get(1), (!skips).then_some(&format!("{} true", memory.sid)));
        assert_eq!(told.len(), asked);
    }
}

/// A server whose middleware lets nobody in without a word, and may wait.
fn guarded(change: impl FnOnce(&mut ConnectionStateRecovery)) -> (World, Gate) {
    let world = world_with(|recovery| {
        recovery.skip_middlewares = false;
        change(recovery);
    });
    let gate = Gate::default();
    let waits = gate.clone();
    root(&world).middleware(move |Auth(auth): Auth<Value>| {
        let gate = waits.clone();
        async move {
            match auth.get("word").and_then(Value::as_str) {
                Some("wait") => gate.passed().await,
                Some("no") => return Err(Refusal::new("no")),
                _ => {}
            }
            Ok(())
        }
    });
    (world, gate)
}

/// What the client sends to come back, with a word for the middleware.
fn connect(memory: &Memory, word: &str) -> String {
    format!("40{}", json!({ "pid": memory.pid, "offset": memory.offset, "word": word }))
}

#[test]
fn who_is_refused_or_gone_before_it_is_let_in_may_ask_again() {
    let (world, _) = guarded(|_| {});
    let memory = lost(&world);
    let mut client = world.open_websocket();
    client.send(&connect(&memory, "no"));
    assert_eq!(client.text(), r#"44{"message":"no"}"#);
    let mut gone = world.open_websocket();
    gone.send(&connect(&memory, "wait"));
    gone.reset();
    assert!(Visitor::back(&world, &memory).is(&memory));
}

#[test]
fn what_happens_while_the_middleware_waits_is_missed_too() {
    let (world, gate) = guarded(|_| {});
    let memory = lost(&world);
    root(&world).emit("a", ()).unwrap();
    let mut client = world.open_websocket();
    client.send(&connect(&memory, "wait"));
    root(&world).emit("b", ()).unwrap();
    client.expect_silence();
    gate.open();
    let (mut offset, texts) = (None, client.texts());
    let missed: Vec<_> = texts[..2].iter().map(|text| bare(text, &mut offset)).collect();
    assert_eq!(missed, [r#"42["a"]"#, r#"42["b"]"#]);
    assert_eq!(sid_of(&texts[2]), memory.sid);
}

#[test]
fn too_much_missed_while_the_middleware_waits_makes_a_new_client() {
    let (world, gate) = guarded(|recovery| recovery.max_replayed_packets = 1);
    let memory = lost(&world);
    root(&world).emit("a", ()).unwrap();
    let mut client = world.open_websocket();
    client.send(&connect(&memory, "wait"));
    root(&world).emit("b", ()).unwrap();
    gate.open();
    let reply = client.text();
    assert!(reply.starts_with(r#"40{"sid":""#) && sid_of(&reply) != memory.sid, "{reply}");
    assert!(!only(&world).recovered());
    client.expect_silence();
}
