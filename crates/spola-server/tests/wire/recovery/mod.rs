//! Connection state recovery (§20 of the wire text): clients that lose their connection and come back.

mod away;
mod chance;
mod keeping;
mod returning;

use serde_json::json;
use spola_server::{Config, ConnectionStateRecovery, Io, Namespace, Socket};

use crate::harness::{Client, World, sid_of};

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
    serving(Io::builder().config(remembering(change)).build())
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
