//! Dynamic namespaces: parents, and the children that clients call into being (§17.1 of the wire text).

use std::cell::Cell;
use std::future::pending;

use serde::{Deserialize, Serialize, Serializer};
use spola_server::{Auth, Config, Io, Namespace, NamespaceName, Refusal, Reply, Socket, State};

use crate::harness::{Client, Gate, Log, World, millis, secs};

#[derive(Deserialize)]
struct Member {
    team: String,
}

/// A server with a parent for names that start with `/room-`, and its parent.
fn rooms() -> (World, Namespace) {
    let io = Io::builder().state(Log::default()).build();
    let parent = io.dynamic_namespace(|name| name.starts_with("/room-"));
    (World::new(io), parent)
}

/// Asks for a namespace, and tells the answer.
fn connect(client: &mut Client, name: &str) -> String {
    client.send(&format!("40{name},"));
    client.text()
}

#[track_caller]
fn join(client: &mut Client, name: &str) {
    let reply = connect(client, name);
    assert!(reply.starts_with(&format!("40{name},{{\"sid\"")), "{reply}");
}

#[test]
fn a_parent_serves_the_names_it_accepts_and_no_others() {
    let (world, parent) = rooms();
    parent.on("where", async |namespace: Namespace| Reply(namespace.name().to_owned()));
    let mut client = world.open_websocket();
    for name in ["/room-1", "/room-2"] {
        join(&mut client, name);
        client.send(&format!(r#"42{name},0["where"]"#));
        assert_eq!(client.text(), format!(r#"43{name},0["{name}"]"#));
    }
    for name in ["/room", "/Room-1", "/x"] {
        let refused = format!(r#"44{name},{{"message":"Invalid namespace"}}"#);
        assert_eq!(connect(&mut client, name), refused);
    }
    client.send("40");
    assert_eq!(client.text(), r#"44{"message":"Invalid namespace"}"#);
}

#[test]
fn children_have_rooms_of_their_own_and_the_parent_reaches_them_all() {
    let (world, parent) = rooms();
    parent.on_connect(async |socket: Socket| socket.join("lobby").map_err(Refusal::from));
    let (mut one, mut other) = (world.open_websocket(), world.open_websocket());
    join(&mut one, "/room-1");
    join(&mut other, "/room-2");
    assert_eq!(world.io().namespace("/room-1").to("lobby").emit("a", 1).unwrap(), 1);
    assert_eq!(one.text(), r#"42/room-1,["a",1]"#);
    other.expect_silence();
    assert_eq!(parent.emit("b", 2).unwrap(), 2);
    assert_eq!(one.text(), r#"42/room-1,["b",2]"#);
    assert_eq!(other.text(), r#"42/room-2,["b",2]"#);
    assert_eq!(parent.to("lobby").emit("c", 3).unwrap(), 2);
    assert_eq!(one.text(), r#"42/room-1,["c",3]"#);
    assert_eq!(other.text(), r#"42/room-2,["c",3]"#);
    assert_eq!(parent.sockets().len(), 2);
    let mut names: Vec<_> = parent.children().iter().map(|child| child.name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["/room-1", "/room-2"]);
}

/// Counts how often it is serialised.
struct Counted<'a>(&'a Cell<u32>);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        serializer.serialize_u32(self.0.get())
    }
}

#[test]
fn what_a_parent_sends_is_serialised_once_for_all_children() {
    let (world, parent) = rooms();
    let mut client = world.open_websocket();
    join(&mut client, "/room-1");
    join(&mut client, "/room-2");
    let times = Cell::new(0);
    assert_eq!(parent.emit("a", Counted(&times)).unwrap(), 2);
    let mut received = [client.text(), client.text()];
    received.sort();
    assert_eq!(received, [r#"42/room-1,["a",1]"#, r#"42/room-2,["a",1]"#]);
    let _answers = parent.everybody().emit_with_ack::<u32>("b", Counted(&times)).unwrap();
    let mut received = [client.text(), client.text()];
    received.sort();
    assert_eq!(received, [r#"42/room-1,0["b",2]"#, r#"42/room-2,0["b",2]"#]);
}

#[test]
fn middleware_of_the_parent_lets_in_or_refuses() {
    let (world, parent) = rooms();
    parent.middleware(async |Auth(auth): Auth<Member>, namespace: Namespace| {
        match namespace.name().ends_with(&auth.team) {
            true => Ok(()),
            false => Err(Refusal::new("another team").with_data(&auth.team)),
        }
    });
    let mut client = world.open_websocket();
    client.send(r#"40/room-a,{"team":"b"}"#);
    assert_eq!(client.text(), r#"44/room-a,{"message":"another team","data":"b"}"#);
    assert!(parent.children().is_empty(), "nobody came in");
    client.send(r#"40/room-a,{"team":"a"}"#);
    assert!(client.text().starts_with("40/room-a,{\"sid\""));
}

#[test]
fn a_predicate_may_wait_and_sees_the_client_each_time() {
    let (log, gate) = (Log::default(), Gate::default());
    let io = Io::builder().state(log.clone()).build();
    let waits = gate.clone();
    let parent = io.dynamic_namespace_async(
        move |NamespaceName(name): NamespaceName,
              Auth(auth): Auth<Member>,
              State(log): State<Log>| {
            let gate = waits.clone();
            async move {
                gate.passed().await;
                log.say(format!("{name} {}", auth.team));
                match auth.team.as_str() {
                    "banned" => Err(Refusal::new("banned").with_data(&1)),
                    team => Ok(name.ends_with(team)),
                }
            }
        },
    );
    let world = World::new(io);
    let mut client = world.open_websocket();
    client.send(r#"40/a,{"team":"a"}"#);
    client.expect_silence();
    gate.open();
    assert!(client.text().starts_with("40/a,{\"sid\""));
    // The child exists, but not for everybody.
    let mut other = world.open_websocket();
    other.send(r#"40/a,{"team":"b"}"#);
    assert_eq!(other.text(), r#"44/a,{"message":"Invalid namespace"}"#);
    other.send(r#"40/a,{"team":"banned"}"#);
    assert_eq!(other.text(), r#"44/a,{"message":"banned","data":1}"#);
    other.send("40/a,");
    let refused = other.text();
    assert!(refused.starts_with(r#"44/a,{"message":"unfit auth: "#), "{refused}");
    assert_eq!(log.take(), ["/a a", "/a b", "/a banned"]);
    assert_eq!(parent.children().len(), 1);
}

#[test]
fn a_predicate_has_30_seconds_and_may_panic() {
    let io = Io::new();
    io.dynamic_namespace_async(async |NamespaceName(name): NamespaceName| match name.as_ref() {
        "/slow" => pending().await,
        _ => false,
    });
    io.dynamic_namespace(|name| name != "/bad" || panic!("bad"));
    let world = World::new(io);
    let mut client = world.open_websocket();
    assert_eq!(connect(&mut client, "/bad"), r#"44/bad,{"message":"internal error"}"#);
    client.send("40/slow,");
    world.advance(secs(25));
    assert_eq!(client.text(), "2");
    client.send("3");
    world.advance(millis(4999));
    client.expect_silence();
    world.advance(millis(1));
    assert_eq!(client.text(), r#"44/slow,{"message":"timed out"}"#);
    client.send("40/slow,");
    client.reset();
    assert_eq!(world.runtime.tasks(), 0, "given up with the client");
}

#[test]
fn parents_are_asked_in_order_and_fixed_namespaces_come_first() {
    let (world, first) = rooms();
    world.io().namespace("/red");
    let second = world.io().dynamic_namespace(|name| name.starts_with("/r"));
    let mut client = world.open_websocket();
    for name in ["/room-1", "/rose", "/red"] {
        join(&mut client, name);
    }
    let names = |parent: &Namespace| -> Vec<_> {
        parent.children().iter().map(|child| child.name().to_owned()).collect()
    };
    assert_eq!(names(&first), ["/room-1"]);
    assert_eq!(names(&second), ["/rose"]);
}

#[test]
fn a_child_goes_with_its_last_socket_and_may_come_back() {
    let (world, parent) = rooms();
    let (mut one, mut other) = (world.open_websocket(), world.open_websocket());
    join(&mut one, "/room-1");
    join(&mut other, "/room-1");
    one.send("41/room-1,");
    assert_eq!(parent.children().len(), 1);
    other.reset();
    assert!(parent.children().is_empty());
    join(&mut one, "/room-1");
    assert_eq!(parent.emit("again", ()).unwrap(), 1);
    assert_eq!(one.text(), r#"42/room-1,["again"]"#);
}

#[test]
fn a_child_waits_for_those_who_are_on_their_way() {
    let gate = Gate::default();
    let (world, parent) = rooms();
    let waits = gate.clone();
    parent.middleware(move || waits.clone().passed());
    let mut one = world.open_websocket();
    one.send("40/room-1,");
    one.expect_silence();
    let child = parent.children().remove(0);
    let mut other = world.open_websocket();
    other.send("40/room-1,");
    one.reset();
    gate.open();
    assert!(other.text().starts_with("40/room-1,{\"sid\""));
    assert_eq!(child.sockets().len(), 1, "it is still the same");
}

#[test]
fn empty_children_may_be_kept() {
    let mut config = Config::default();
    config.cleanup_empty_children = false;
    let io = Io::builder().config(config).build();
    let parent = io.dynamic_namespace(|_| true);
    let world = World::new(io);
    let mut client = world.open_websocket();
    join(&mut client, "/a");
    client.send("41/a,");
    assert_eq!(parent.children().len(), 1);
}

#[test]
fn there_are_at_most_10_000_dynamic_namespaces() {
    let (world, parent) = rooms();
    let io = world.io();
    for n in 0..9_999 {
        io.namespace(&format!("/room-{n}"));
    }
    let mut client = world.open_websocket();
    join(&mut client, "/room-last");
    assert_eq!(parent.children().len(), 10_000);
    let full = r#"44/room-more,{"message":"too many namespaces"}"#;
    assert_eq!(connect(&mut client, "/room-more"), full);
    // Those that there are take clients all the same.
    join(&mut client, "/room-77");
    client.send("41/room-last,");
    join(&mut client, "/room-more");
}

#[test]
fn a_connection_has_at_most_64_namespaces() {
    let (world, parent) = rooms();
    let mut client = world.open_websocket();
    for n in 0..64 {
        join(&mut client, &format!("/room-{n}"));
    }
    let full = r#"44/room-64,{"message":"too many namespaces"}"#;
    assert_eq!(connect(&mut client, "/room-64"), full);
    assert_eq!(parent.children().len(), 64);
    client.reset();
    assert!(parent.children().is_empty());
}

#[test]
fn listeners_of_the_parent_serve_the_children_made_afterwards() {
    let (world, parent) = rooms();
    let mut client = world.open_websocket();
    join(&mut client, "/room-1");
    parent.on("e", async || Reply(1));
    join(&mut client, "/room-2");
    client.send(r#"42/room-1,0["e"]"#);
    client.expect_silence();
    client.send(r#"42/room-2,0["e"]"#);
    assert_eq!(client.text(), "43/room-2,0[1]");
}
