//! Connection state recovery (§20 of the wire text): clients that lose their connection and come back.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use spola_server::{
    Auth, Config, ConnectionStateRecovery, EmitError, EventName, Io, Namespace, RawData, Refusal,
    Socket, State, Value,
};

use crate::harness::{Client, Frame, Gate, Log, World, millis, secs, sid_of};

fn remembering(change: impl FnOnce(&mut ConnectionStateRecovery)) -> Config {
    let mut recovery = ConnectionStateRecovery::default();
    change(&mut recovery);
    let mut config = Config::default();
    config.connection_state_recovery = Some(recovery);
    config
}

/// A server with the root namespace.
fn serving(io: Io) -> World {
    io.namespace("/");
    World::new(io)
}

/// A server that remembers, by these settings.
fn world_with(change: impl FnOnce(&mut ConnectionStateRecovery)) -> World {
    serving(Io::builder().config(remembering(change)).state(Log::default()).build())
}

fn world() -> World {
    world_with(|_| {})
}

fn root(world: &World) -> Namespace {
    world.io().namespace("/")
}

/// A client that is connected.
struct Visitor {
    client: Client,
    /// What it remembers of its stay.
    memory: Memory,
    /// What came before the reply.
    missed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Memory {
    sid: String,
    pid: String,
    offset: Option<String>,
}

impl Memory {
    fn auth(&self) -> String {
        json!({ "pid": self.pid, "offset": self.offset }).to_string()
    }
}

impl Visitor {
    /// Connects to the root with this `auth`.
    fn new(world: &World, auth: &str) -> Self {
        Self::at(world, "", auth)
    }

    /// Connects to a namespace, `/name,`, with this `auth`.
    fn at(world: &World, name: &str, auth: &str) -> Self {
        let mut client = world.open_websocket();
        client.send(&format!("40{name}{auth}"));
        let mut texts = client.texts();
        let reply = texts.pop().expect("a reply");
        assert!(reply.starts_with(&format!("40{name}{{")), "{reply}");
        let (_, pid) = reply.split_once(r#","pid":""#).expect("a pid");
        let pid = pid.split('"').next().unwrap().to_owned();
        let mut offset = None;
        let missed = texts.iter().map(|text| bare(text, &mut offset)).collect();
        Self { client, memory: Memory { sid: sid_of(&reply), pid, offset }, missed }
    }

    /// Comes back after the connection broke.
    fn back(world: &World, memory: &Memory) -> Self {
        let mut visitor = Self::new(world, &memory.auth());
        if visitor.memory.offset.is_none() {
            visitor.memory.offset.clone_from(&memory.offset);
        }
        visitor
    }

    /// The events that have come, without their offsets.
    fn events(&mut self) -> Vec<String> {
        let texts = self.client.texts();
        texts.iter().map(|text| bare(text, &mut self.memory.offset)).collect()
    }

    /// Loses the connection.
    fn lose(self) -> Memory {
        self.client.reset();
        self.memory
    }

    fn is(&self, memory: &Memory) -> bool {
        (&self.memory.sid, &self.memory.pid) == (&memory.sid, &memory.pid)
    }
}

/// A packet without the offset at its end, which must be there.
#[track_caller]
fn bare(packet: &str, offset: &mut Option<String>) -> String {
    let (rest, last) = packet.rsplit_once(",\"").expect(packet);
    *offset = Some(last.strip_suffix("\"]").expect(packet).to_owned());
    format!("{rest}]")
}

fn lost(world: &World) -> Memory {
    let mut visitor = Visitor::new(world, "");
    root(world).emit("first", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["first"]"#]);
    visitor.lose()
}

/// The one socket that is there.
fn only(world: &World) -> Socket {
    let mut sockets = world.io().sockets();
    assert_eq!(sockets.len(), 1);
    sockets.remove(0)
}

#[test]
fn without_recovery_there_is_neither_pid_nor_offset() {
    let world = serving(Io::new());
    let mut client = world.open_websocket();
    client.send(r#"40{"pid":"AAECAwQFBgcICQoLAAAA","offset":"x"}"#);
    let reply = client.text();
    assert_eq!(reply, format!(r#"40{{"sid":"{}"}}"#, sid_of(&reply)));
    root(&world).emit("a", ()).unwrap();
    only(&world).emit("b", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#, r#"42["b"]"#]);
    assert!(!only(&world).recovered());
    client.reset();
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn what_was_missed_comes_before_the_reply_in_order_and_once() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let (sid, pid) = (visitor.memory.sid.clone(), visitor.memory.pid.clone());
    assert!(sid.len() == 20 && pid.len() == 20 && sid != pid);
    only(&world).emit("a", (1, "x")).unwrap();
    root(&world).emit("b", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["a",1,"x"]"#, r#"42["b"]"#]);
    // On its way when the connection breaks, and unknown to the client.
    let io = world.io().clone();
    visitor.client.end.reset();
    io.emit("c", ()).unwrap();
    world.runtime.run_until_idle();
    io.to(sid.clone()).emit("d", ()).unwrap();
    io.emit("e", ()).unwrap();

    let mut visitor = Visitor::back(&world, &visitor.memory);
    assert_eq!((&visitor.memory.sid, &visitor.memory.pid), (&sid, &pid));
    assert_eq!(visitor.missed, [r#"42["c"]"#, r#"42["d"]"#, r#"42["e"]"#]);
    only(&world).emit("f", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["f"]"#]);

    let memory = visitor.lose();
    io.emit("g", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["g"]"#]);
}

#[test]
fn questions_have_no_offset_and_are_not_sent_again() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    let all = root(&world).everybody().emit_with_ack::<u8>("all", ()).unwrap();
    let all = world.run(all.gather());
    let own = world.run(async move { socket.emit_with_ack::<u8>("own", 1).await });
    assert_eq!(visitor.client.texts(), [r#"420["all"]"#, r#"421["own",1]"#]);
    let memory = visitor.lose();
    assert!(!all.output().unwrap().is_complete() && own.output().unwrap().is_err());
    let visitor = Visitor::back(&world, &memory);
    assert!(visitor.is(&memory) && visitor.missed.is_empty());
}

#[test]
fn volatile_events_say_how_far_the_client_is_and_are_not_kept() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    // The client takes the last text of any event for its offset.
    socket.volatile().emit("v", "text").unwrap();
    assert_eq!(visitor.events(), [r#"42["v","text"]"#]);
    root(&world).emit("a", ()).unwrap();
    visitor.events();
    root(&world).everybody().volatile().emit("v", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["v"]"#]);
    let memory = visitor.lose();
    socket.volatile().emit("v", ()).unwrap();
    root(&world).everybody().volatile().emit("v", ()).unwrap();
    root(&world).emit("b", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["b"]"#]);
}

#[test]
fn a_client_that_got_no_event_has_missed_all_since_it_came() {
    let world = world();
    root(&world).emit("before anybody", ()).unwrap();
    let first = Visitor::new(&world, "");
    root(&world).emit("before it came", ()).unwrap();
    let visitor = Visitor::new(&world, "");
    let memory = visitor.lose();
    root(&world).emit("a", ()).unwrap();
    // Nor does an offset from before take it back to then.
    let earlier = Memory { offset: first.lose().offset, ..memory.clone() };
    let visitor = Visitor::back(&world, &earlier);
    assert_eq!((visitor.is(&memory), visitor.missed.clone()), (true, vec![r#"42["a"]"#.into()]));
    let memory = Memory { offset: None, ..visitor.lose() };
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["a"]"#]);
}

#[test]
fn rooms_data_and_extensions_are_restored() {
    let world = world();
    let log = Log::default();
    let seen = log.clone();
    root(&world).on_connect(move |socket: Socket| {
        seen.say(format!("{} {} {:?}", socket.recovered(), socket.is_connected(), socket.rooms()));
        let _ = socket.join("lobby");
        std::future::ready(())
    });
    let visitor = Visitor::new(&world, "");
    let socket = only(&world);
    socket.join("blue").unwrap();
    socket.set_data(Value::from("ada"));
    socket.extensions().insert(7_u32);
    let memory = visitor.lose();
    assert!(!socket.is_connected() && socket.rooms().is_empty());
    // The old socket has no part in it any more, but for the extensions, which are the same.
    socket.extensions().insert(8_u32);

    let mut visitor = Visitor::back(&world, &memory);
    let again = only(&world);
    assert!(again.recovered() && again.id() == memory.sid && again.is_connected());
    assert_eq!(again.rooms(), ["blue", "lobby"]);
    assert_eq!(again.data(), Value::from("ada"));
    assert_eq!(again.extensions().get::<u32>(), Some(8));
    assert_eq!(log.take(), ["false true []", r#"true true ["blue", "lobby"]"#]);
    assert_eq!(world.io().to("blue").emit("a", ()).unwrap(), 1);
    assert_eq!(visitor.events(), [r#"42["a"]"#]);
    drop(socket);
    visitor.lose();
    assert!(world.io().sockets().is_empty() && world.io().to("blue").sockets().is_empty());
}

#[test]
fn nobody_gets_what_was_for_others() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    socket.join("blue").unwrap();
    root(&world).emit("first", ()).unwrap();
    visitor.events();
    let memory = visitor.lose();
    let io = world.io();
    for (name, selection) in [
        ("room", io.to("blue")),
        ("rooms", io.to("red").to("blue")),
        ("own", io.to(memory.sid.clone())),
        ("but red", root(&world).except("red")),
    ] {
        selection.emit(name, ()).unwrap();
    }
    for selection in [
        io.to("red"),
        io.to("blue").except(memory.sid.clone()),
        root(&world).except("blue"),
        socket.broadcast(),
        socket.to("blue"),
    ] {
        selection.emit("for others", ()).unwrap();
    }
    io.namespace("/other").emit("elsewhere", ()).unwrap();
    let missed = Visitor::back(&world, &memory).missed;
    assert_eq!(missed, [r#"42["room"]"#, r#"42["rooms"]"#, r#"42["own"]"#, r#"42["but red"]"#]);
}

#[test]
fn only_a_lost_connection_is_one_to_come_back_to() {
    type Leave = fn(&World, &mut Client);
    let ends: [(&str, Leave, bool); 8] = [
        ("closed", |_, client| client.shut(), true),
        ("silent", |world, _| world.advance(secs(45)), true),
        ("malformed packet", |_, client| client.send("42["), true),
        ("second CONNECT", |_, client| client.send("40"), true),
        ("bad Engine.IO packet", |_, client| client.send("9"), false),
        ("left", |_, client| client.send("41"), false),
        ("sent off", |world, _| only(world).disconnect(), false),
        ("thrown out", |world, _| only(world).disconnect_session(), false),
    ];
    for (name, leave, kept) in ends {
        let world = world();
        let mut visitor = Visitor::new(&world, "");
        leave(&world, &mut visitor.client);
        world.runtime.run_until_idle();
        assert!(world.io().sockets().is_empty(), "{name}");
        assert_eq!(Visitor::back(&world, &visitor.memory).is(&visitor.memory), kept, "{name}");
    }
}

#[test]
fn a_stay_is_kept_for_two_minutes_and_then_nothing_is_left() {
    let world = world();
    let (late, memory) = (lost(&world), lost(&world));
    root(&world).emit("missed", ()).unwrap();
    world.advance(secs(120));
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["missed"]"#]);
    world.advance(millis(1));
    assert!(!Visitor::back(&world, &late).is(&late));
    // Long after, nobody looks after anything any more.
    world.advance(secs(600));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_stay_belongs_to_one_at_a_time() {
    let world = world();
    let memory = lost(&world);
    let visitor = Visitor::back(&world, &memory);
    assert!(visitor.is(&memory));
    // Whoever asks while it is there is somebody else.
    let thief = Visitor::back(&world, &memory);
    assert!(!thief.is(&memory) && thief.memory.sid != memory.sid);
    let memory = visitor.lose();
    assert!(Visitor::back(&world, &memory).is(&memory));
}

#[test]
fn what_is_no_pid_or_no_offset_makes_a_new_client() {
    let world = world();
    let memory = lost(&world);
    let Memory { sid, pid, offset } = memory.clone();
    let offset = offset.unwrap();
    let longest = "x".repeat(65);
    for auth in [
        json!({ "pid": 1, "offset": 2 }),
        json!({ "pid": {}, "offset": [] }),
        json!({ "pid": null, "offset": offset }),
        json!({ "pid": sid, "offset": offset }),
        json!({ "pid": "", "offset": offset }),
        json!({ "pid": format!("/#{pid}"), "offset": offset }),
        json!({ "pid": format!("{pid}A"), "offset": offset }),
        json!({ "pid": "AAECAwQFBgcICQoLAAAA", "offset": offset }),
        json!({ "offset": offset }),
        json!({ "pid": pid, "offset": 1 }),
        json!({ "pid": pid, "offset": "" }),
        json!({ "pid": pid, "offset": "nope" }),
        json!({ "pid": pid, "offset": format!("{offset}9") }),
        json!({ "pid": pid, "offset": longest }),
    ] {
        let visitor = Visitor::new(&world, &auth.to_string());
        assert!(!visitor.is(&memory) && visitor.missed.is_empty(), "{auth}");
    }
    let twice = format!(r#"{{"pid":"{pid}","pid":"{pid}"}}"#);
    assert!(!Visitor::new(&world, &twice).is(&memory));
    // None of them has taken it away.
    let auth = json!({ "pid": pid, "offset": offset, "token": [{ "pid": 1 }] });
    assert!(Visitor::new(&world, &auth.to_string()).is(&memory));
    assert_eq!(only_of(&world, &sid).auth(), Some(auth.to_string().as_str()));
}

fn only_of(world: &World, sid: &str) -> Socket {
    let mut sockets = world.io().to(sid.to_owned()).sockets();
    assert_eq!(sockets.len(), 1);
    sockets.remove(0)
}

#[test]
fn sessions_are_limited_and_the_longest_away_is_forgotten() {
    let world = world_with(|recovery| recovery.max_sessions = 2);
    let memories = [(); 3].map(|()| lost(&world));
    let back = memories.each_ref().map(|memory| Visitor::back(&world, memory));
    let is = std::array::from_fn::<_, 3, _>(|at| back[at].is(&memories[at]));
    assert_eq!(is, [false, true, true]);
}

#[test]
fn who_missed_an_event_that_was_forgotten_is_new() {
    let size = 256 + r#"42["a","XXXX1"]"#.len();
    for change in [
        |recovery: &mut ConnectionStateRecovery, _| recovery.max_packets = 3,
        |recovery: &mut ConnectionStateRecovery, size| recovery.max_packet_bytes = 3 * size,
        |recovery: &mut ConnectionStateRecovery, _| recovery.max_replayed_packets = 3,
        |recovery: &mut ConnectionStateRecovery, size| {
            recovery.max_replayed_bytes = 3 * (size - 256);
        },
    ] {
        for (events, is_back) in [(3, true), (4, false)] {
            let world = world_with(|recovery| change(recovery, size));
            let memory = Visitor::new(&world, "").lose();
            for _ in 0..events {
                root(&world).emit("a", ()).unwrap();
            }
            let visitor = Visitor::back(&world, &memory);
            assert_eq!(visitor.is(&memory), is_back);
            assert_eq!(visitor.missed.len(), if is_back { 3 } else { 0 });
        }
    }
}

#[test]
fn the_limits_are_those_of_all_namespaces_together() {
    let world = world_with(|recovery| (recovery.max_packets, recovery.max_sessions) = (2, 1));
    world.io().namespace("/other");
    let memory = Visitor::new(&world, "").lose();
    root(&world).emit("a", ()).unwrap();
    root(&world).emit("b", ()).unwrap();
    // Each namespace forgets its own: here, what has just come.
    let other = Visitor::at(&world, "/other,", "");
    world.io().namespace("/other").emit("c", ()).unwrap();
    let elsewhere = other.lose();
    let visitor = Visitor::back(&world, &memory);
    assert_eq!((visitor.is(&memory), visitor.missed.len()), (true, 2));
    assert!(!Visitor::at(&world, "/other,", &elsewhere.auth()).is(&elsewhere));
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
fn binary_comes_again_with_its_attachments() {
    let world = world();
    let memory = lost(&world);
    root(&world).emit("b", Bytes::from_static(&[1, 2])).unwrap();
    let mut client = world.open_websocket();
    client.send(&format!("40{}", memory.auth()));
    let mut offset = None;
    let missed = bare(&client.text(), &mut offset);
    assert_eq!(missed, r#"451-["b",{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.try_frame(), Some(Frame::Binary(vec![1, 2])));
    assert_eq!(sid_of(&client.text()), memory.sid);
}

#[test]
fn an_event_that_is_passed_on_has_an_offset() {
    let world = world();
    root(&world).on("echo", async |socket: Socket, data: RawData| {
        let _ = socket.emit_raw(data);
    });
    let mut visitor = Visitor::new(&world, "");
    visitor.client.send(r#"42["echo", "x" ]"#);
    assert_eq!(visitor.events(), [r#"42["echo", "x" ]"#]);
}

#[test]
fn it_works_over_polling() {
    let world = world();
    let memory = lost(&world);
    root(&world).emit("missed", ()).unwrap();
    let session = world.open_polling();
    session.post(&format!("40{}", memory.auth()));
    let body = session.get().response().body;
    let packets: Vec<_> = body.split('\x1e').collect();
    assert_eq!(bare(packets[0], &mut None), r#"42["missed"]"#);
    assert_eq!(sid_of(packets[1]), memory.sid);
}

#[test]
fn listeners_of_what_goes_out_see_the_offset_and_no_event_twice() {
    let world = world();
    let log = Log::default();
    let seen = log.clone();
    root(&world).on_any_outgoing(move |EventName(name): EventName, data: RawData| {
        seen.say(format!("{name} {}", data.args::<Vec<Value>>().unwrap().len()));
        std::future::ready(())
    });
    let memory = lost(&world);
    root(&world).emit("missed", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed.len(), 1);
    assert_eq!(log.take(), ["first 1"]);
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
fn what_the_application_attached_may_do_anything_when_it_is_forgotten() {
    struct Noisy(Namespace);
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.0.emit("forgotten", ()).unwrap();
        }
    }
    let world = world_with(|recovery| recovery.max_sessions = 1);
    for _ in 0..2 {
        let visitor = Visitor::new(&world, "");
        let noisy = std::sync::Arc::new(Noisy(root(&world)));
        only(&world).extensions().insert(noisy);
        visitor.lose();
    }
    world.advance(secs(300));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn clients_of_revision_3_get_offsets_and_cannot_come_back() {
    let mut config = remembering(|_| {});
    config.engine.allow_eio3 = true;
    let world = serving(Io::builder().config(config).build());
    let mut client = world.upgrade("EIO=3&transport=websocket");
    assert_eq!(client.response().status, 101);
    assert!(client.text().starts_with("0{"));
    assert_eq!(client.text(), "40");
    root(&world).emit("a", ()).unwrap();
    let (mut offset, text) = (None, client.text());
    assert_eq!(bare(&text, &mut offset), r#"42["a"]"#);
    assert!(offset.unwrap().len() >= 5);

    let parent = world.io().dynamic_namespace(|name| name.starts_with("/room-"));
    let memory = Visitor::at(&world, "/room-1,", "").lose();
    client.send(&format!("40/room-1?pid={},", memory.pid));
    client.send("40/room-2,");
    assert_eq!(client.texts(), ["40/room-1,", "40/room-2,"]);
    assert!(Visitor::at(&world, "/room-1,", &memory.auth()).is(&memory));
    client.reset();
    // Nobody comes back to the other one.
    assert_eq!(parent.children().len(), 1);
    world.advance(secs(300));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_dynamic_namespace_stays_while_somebody_may_come_back() {
    let world = world();
    let parent = world.io().dynamic_namespace(|name| name.starts_with("/room-"));
    let memory = Visitor::at(&world, "/room-1,", "").lose();
    assert_eq!(parent.children().len(), 1);
    parent.emit("a", ()).unwrap();
    let visitor = Visitor::at(&world, "/room-1,", &memory.auth());
    assert!(visitor.is(&memory));
    assert_eq!(visitor.missed, [r#"42/room-1,["a"]"#]);
    visitor.lose();
    world.advance(secs(180));
    assert!(parent.children().is_empty());
    // A client that left on purpose keeps nothing.
    let mut visitor = Visitor::at(&world, "/room-2,", "");
    visitor.client.send("41/room-2,");
    assert!(parent.children().is_empty());
    drop(parent);
    world.advance(secs(180));
    drop(visitor);
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_server_that_closes_forgets_nobody() {
    let world = world();
    let visitor = Visitor::new(&world, "");
    world.io().close();
    world.runtime.run_until_idle();
    assert!(world.io().sockets().is_empty());
    drop(visitor);
    world.advance(secs(300));
    assert_eq!(world.runtime.tasks(), 0);
}

#[cfg(feature = "msgpack")]
#[test]
fn in_messagepack_the_offset_is_an_argument_like_others() {
    use crate::harness::hex;
    use spola_server::MessagePack;

    let io = Io::builder().config(remembering(|_| {})).parser(MessagePack).build();
    let world = serving(io);
    let binary = |client: &mut Client| match client.try_frame() {
        Some(Frame::Binary(data)) => data,
        other => panic!("{other:?}"),
    };
    let text_after = |data: &[u8], key: &[u8], len: usize| {
        let at = data.windows(key.len()).position(|part| part == key).unwrap() + key.len();
        String::from_utf8(data[at..at + len].to_vec()).unwrap()
    };
    let mut client = world.open_websocket();
    client.send_binary(&hex("82 a4 74 79 70 65 00 a3 6e 73 70 a1 2f"));
    let reply = binary(&mut client);
    let pid = text_after(&reply, b"pid\xb4", 20);
    root(&world).emit("a", Bytes::from_static(&[1])).unwrap();
    // `{type: 2, data: ["a", <01>, "…"], nsp: "/"}`
    let event = binary(&mut client);
    let head = hex("83 a4 74 79 70 65 02 a4 64 61 74 61 93 a1 61 c4 01 01 a5");
    assert!(event.starts_with(&head) && event.ends_with(&hex("a3 6e 73 70 a1 2f")), "{event:02x?}");
    let offset = text_after(&event, &hex("c4 01 01 a5"), 5);
    client.reset();
    root(&world).emit("b", ()).unwrap();

    let mut client = world.open_websocket();
    let mut connect = hex("83 a4 74 79 70 65 00 a4 64 61 74 61 82 a3 70 69 64 b4");
    connect.extend(pid.as_bytes());
    connect.extend(hex("a6 6f 66 66 73 65 74 a5"));
    connect.extend(offset.as_bytes());
    connect.extend(hex("a3 6e 73 70 a1 2f"));
    client.send_binary(&connect);
    assert!(
        binary(&mut client).starts_with(&hex("83 a4 74 79 70 65 02 a4 64 61 74 61 92 a1 62 a5"))
    );
    assert_eq!(text_after(&binary(&mut client), b"pid\xb4", 20), pid);
}

#[test]
fn the_time_can_be_set() {
    let world = world_with(|recovery| {
        recovery.max_disconnection_duration = Duration::from_millis(200);
    });
    let (in_time, late) = (lost(&world), lost(&world));
    world.advance(millis(200));
    assert!(Visitor::back(&world, &in_time).is(&in_time));
    world.advance(millis(1));
    assert!(!Visitor::back(&world, &late).is(&late));
}

#[test]
fn state_of_handlers_is_there_as_ever() {
    let world = world();
    root(&world).on("note", async |State(log): State<Log>, socket: Socket| {
        log.say(socket.recovered().to_string());
        let _ = socket.emit("noted", log.take());
    });
    let memory = lost(&world);
    let mut visitor = Visitor::back(&world, &memory);
    visitor.client.send(r#"42["note"]"#);
    assert_eq!(visitor.events(), [r#"42["noted",["true"]]"#]);
}
