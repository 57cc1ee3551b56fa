//! What the suite asks of the server's application from outside, one order a line.

use serde::Deserialize;
use serde_json::{Value, json};
use spola_server::{Arguments, Broadcast, Io};
use tokio::sync::mpsc;

use crate::log::tell;
use crate::{arguments, listeners};

#[derive(Deserialize)]
struct Order {
    number: u64,
    #[serde(rename = "do")]
    what: String,
    #[serde(default)]
    nsp: String,
    #[serde(default)]
    rooms: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    names: Value,
    #[serde(default)]
    args: Vec<spola_server::Value>,
    #[serde(default)]
    close: bool,
}

/// Carries orders out until there are no more.
pub(crate) async fn obey(io: Io) {
    let (sender, mut orders) = mpsc::unbounded_channel();
    // A thread of its own: tokio's standard input would hold the end of the runtime up.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    while let Some(line) = orders.recv().await {
        match serde_json::from_str::<Order>(&line) {
            Ok(order) => {
                let number = order.number;
                let result = carry_out(&io, order);
                tell(&json!({ "at": "done", "number": number, "result": result }));
            }
            Err(error) => eprintln!("{line}: {error}"),
        }
    }
}

fn carry_out(io: &Io, order: Order) -> Value {
    let selected = selection(io, &order.nsp, &order.rooms, &order.except);
    match order.what.as_str() {
        "emit" => send(&selected, Arguments(order.args)),
        "volatile" => send(&selected.volatile(), Arguments(order.args)),
        "local" => send(&selected.local(), Arguments(order.args)),
        "join" => each_name(&order.names, |name| {
            let _ = selected.sockets_join(name);
        }),
        "leave" => each_name(&order.names, |name| selected.sockets_leave(name)),
        "disconnect" if order.close => selected.disconnect_sessions(),
        "disconnect" => selected.disconnect_sockets(),
        "fetch" => return fetched(&selected),
        "namespaces" => return listeners::children().into(),
        "close" => io.close(),
        other => return json!({ "unsupported": other }),
    }
    Value::Null
}

fn each_name(names: &Value, visit: impl FnMut(&str)) {
    names.as_array().into_iter().flatten().filter_map(Value::as_str).for_each(visit);
}

fn fetched(selected: &Broadcast) -> Value {
    let sockets = selected.sockets();
    let described = sockets.iter().map(|socket| {
        let rooms = socket.rooms();
        let mut own: Vec<_> = rooms.iter().filter(|room| **room != *socket.id()).collect();
        own.sort();
        let own: Vec<_> = own.iter().map(ToString::to_string).collect();
        json!([socket.id(), own])
    });
    described.collect()
}

/// The sockets of a namespace in any of these rooms, but in none of those.
pub(crate) fn selection(io: &Io, nsp: &str, rooms: &[String], except: &[String]) -> Broadcast {
    let mut selected = io.namespace(if nsp.is_empty() { "/" } else { nsp }).everybody();
    for room in rooms {
        selected = selected.to(room.as_str());
    }
    for room in except {
        selected = selected.except(room.as_str());
    }
    selected
}

/// Sends the event that `values` begin with.
pub(crate) fn send(selected: &Broadcast, values: Arguments) {
    if let Some((name, values)) = arguments::event(values.0) {
        let _ = selected.emit(&name, values);
    }
}
