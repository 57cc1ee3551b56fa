//! `cargo xtask arrows`: crates depend on each other only as the architecture says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::process::{self, Failure};
use crate::workspace;

/// A crate of the workspace, what of the workspace it may use directly, and how near the world it is.
struct Place {
    name: &'static str,
    may_use: &'static [&'static str],
    layer: Layer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// Codecs and state machines: nothing beneath them, direct or not, knows a runtime.
    SansIo,
    /// The machines joined: names no runtime itself. (hyper brings tokio's locks along.)
    Joined,
    /// Drivers, the front door, programs.
    World,
}

const fn place(name: &'static str, may_use: &'static [&'static str], layer: Layer) -> Place {
    Place { name, may_use, layer }
}

const JOINED: &[&str] = &[
    "spola-driver",
    "spola-websocket",
    "spola-engineio",
    "spola-engineio-packet",
    "spola-socketio",
    "spola-socketio-packet",
];
const DRIVER: &[&str] = &["spola-driver", "spola-server", "spola-client", "spola-websocket"];

const ALL: &[&str] = &[
    "spola-frame",
    "spola-engineio-packet",
    "spola-socketio-packet",
    "spola-websocket",
    "spola-engineio",
    "spola-socketio",
    "spola-driver",
    "spola-server",
    "spola-client",
    "spola-tokio",
    "spola-async-std",
    "spola-redis",
];

const PLACES: [Place; 14] = [
    place("spola-frame", &[], Layer::SansIo),
    place("spola-engineio-packet", &[], Layer::SansIo),
    place("spola-socketio-packet", &[], Layer::SansIo),
    place("spola-websocket", &["spola-frame"], Layer::SansIo),
    place("spola-engineio", &["spola-engineio-packet"], Layer::SansIo),
    place("spola-socketio", &["spola-socketio-packet"], Layer::SansIo),
    place("spola-driver", &["spola-websocket"], Layer::Joined),
    place("spola-server", JOINED, Layer::Joined),
    place("spola-client", JOINED, Layer::Joined),
    place("spola-tokio", DRIVER, Layer::World),
    place("spola-async-std", DRIVER, Layer::World),
    place("spola-redis", &["spola-server"], Layer::World),
    place("spola", ALL, Layer::World),
    place("spola-cli", &["spola"], Layer::World),
];

/// What gives a program sockets, clocks, tasks or chance.
const WORLDLY: [&str; 16] = [
    "async-global-executor",
    "async-io",
    "async-std",
    "embassy-executor",
    "fastrand",
    "futures-io",
    "futures-timer",
    "getrandom",
    "glommio",
    "hyper",
    "mio",
    "polling",
    "rand",
    "smol",
    "socket2",
    "tokio",
];
/// What `spola-server` and `spola-client` may not name themselves.
const RUNTIMES: [&str; 7] =
    ["async-io", "async-std", "futures-timer", "getrandom", "mio", "smol", "tokio"];

/// Checks every crate of the workspace and prints what breaks the rule.
///
/// # Errors
/// When cargo's metadata cannot be read.
pub(crate) fn run() -> Result<bool, Failure> {
    let graph = Graph::read(&workspace::metadata()?).ok_or("unexpected cargo metadata")?;
    let mut faults = graph.faults();
    faults.extend(foreign_runtime()?);
    for fault in &faults {
        println!("arrows: {fault}");
    }
    println!("arrows: {} crates checked, {} faults", graph.members.len(), faults.len());
    Ok(faults.is_empty())
}

/// What the driver for async-std and smol has of tokio: locks and traits, which hyper brings, and no
/// more.
fn foreign_runtime() -> Result<Vec<String>, Failure> {
    let tree = ["tree", "--package", "spola-async-std", "--all-features"];
    let mut tree = workspace::cargo(&tree);
    tree.args(["--edges", "normal,features", "--prefix", "none"]);
    let tree = process::quiet(&mut tree).ok_or("cargo tree failed")?;
    let foreign =
        ["rt", "net", "time", "fs", "process"].map(|name| format!("tokio feature \"{name}\""));
    let found = foreign.into_iter().filter(|line| tree.contains(line));
    Ok(found.map(|line| format!("spola-async-std must not have {line}")).collect())
}

/// Direct dependencies by package id, without those for tests only.
struct Graph {
    names: BTreeMap<String, String>,
    uses: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
}

impl Graph {
    fn read(metadata: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut names = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            names.insert(text(&package["id"])?, text(&package["name"])?);
        }
        let members = metadata["workspace_members"].as_array()?.iter().filter_map(text).collect();
        let mut uses = BTreeMap::new();
        for node in metadata["resolve"]["nodes"].as_array()? {
            let mut direct = BTreeSet::new();
            for dependency in node["deps"].as_array()? {
                let kinds = dependency["dep_kinds"].as_array()?;
                if kinds.iter().any(|kind| kind["kind"] != "dev") {
                    direct.insert(text(&dependency["pkg"])?);
                }
            }
            uses.insert(text(&node["id"])?, direct);
        }
        Some(Self { names, uses, members })
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for id in &self.members {
            let name = self.name(id);
            match PLACES.iter().find(|place| place.name == name) {
                Some(place) => self.check(place, id, &mut faults),
                // Programs of the project, no part of what it gives.
                None if ["soak", "xtask"].contains(&name) => {}
                None => faults.push(format!("{name} has no place in the table of arrows")),
            }
        }
        faults
    }

    fn check(&self, place: &Place, id: &str, faults: &mut Vec<String>) {
        for used in self.direct(id) {
            let name = self.name(used);
            if self.members.contains(used) && !place.may_use.contains(&name) {
                faults.push(format!("{} must not depend on {name}", place.name));
            }
            if place.layer == Layer::Joined && RUNTIMES.contains(&name) {
                faults.push(format!("{} must not name the runtime {name}", place.name));
            }
        }
        if place.layer == Layer::SansIo {
            for used in self.closure(id) {
                let name = self.name(&used);
                if WORLDLY.contains(&name) {
                    faults.push(format!("{} must not reach {name}", place.name));
                }
            }
        }
    }

    fn closure(&self, id: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![id.to_owned()];
        while let Some(id) = ahead.pop() {
            for used in self.direct(&id) {
                if seen.insert(used.clone()) {
                    ahead.push(used.clone());
                }
            }
        }
        seen
    }

    fn direct(&self, id: &str) -> impl Iterator<Item = &String> {
        self.uses.get(id).into_iter().flatten()
    }

    fn name(&self, id: &str) -> &str {
        self.names.get(id).map_or("?", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(arrows: &[(&str, &str, Option<&str>)], members: &[&str]) -> Vec<String> {
        let mut ids = BTreeSet::new();
        for (from, to, _) in arrows {
            ids.extend([*from, *to]);
        }
        let packages: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": id})).collect();
        let nodes: Vec<_> = ids
            .iter()
            .map(|id| {
                let deps: Vec<_> = arrows
                    .iter()
                    .filter(|(from, ..)| from == id)
                    .map(|(_, to, kind)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                    .collect();
                json!({"id": id, "deps": deps})
            })
            .collect();
        let metadata = json!({
            "packages": packages, "workspace_members": members, "resolve": {"nodes": nodes}
        });
        Graph::read(&metadata).unwrap().faults()
    }

    #[test]
    fn arrows_of_the_table_pass() {
        let arrows = [
            ("spola-websocket", "spola-frame", None),
            ("spola-websocket", "tokio", Some("dev")),
            ("spola-server", "hyper", None),
            ("hyper", "tokio", None),
        ];
        let members = ["spola-websocket", "spola-frame", "spola-server"];
        assert_eq!(faults_of(&arrows, &members), [""; 0]);
    }

    #[test]
    fn each_fault_is_named() {
        let arrows = [
            ("spola-websocket", "spola-engineio", None),
            ("spola-websocket", "helper", None),
            ("helper", "mio", None),
            ("spola-server", "tokio", Some("build")),
            ("spola-new", "mio", None),
        ];
        let members = ["spola-websocket", "spola-engineio", "spola-server", "spola-new"];
        assert_eq!(
            faults_of(&arrows, &members),
            [
                "spola-new has no place in the table of arrows",
                "spola-server must not name the runtime tokio",
                "spola-websocket must not depend on spola-engineio",
                "spola-websocket must not reach mio",
            ]
        );
    }
}
