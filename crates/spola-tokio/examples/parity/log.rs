//! What the server tells the suite: one object a line.

use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Value, json};
use spola_server::{DisconnectReason, PacketError, Socket};

static WRONG_REASON: OnceLock<bool> = OnceLock::new();

/// Has the log lie about lost connections, if this is that mutant.
pub(crate) fn set_mutant(mutant: Option<&str>) {
    let _ = WRONG_REASON.set(mutant == Some("wrong-reason"));
}

/// Prints one line.
pub(crate) fn tell(entry: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{entry}").and_then(|()| out.flush());
}

pub(crate) async fn connected(socket: Socket) {
    told(&socket, "connection", &json!({ "recovered": socket.recovered() }));
}

/// Violations are told as well, of which the official server says nothing.
pub(crate) async fn failed(socket: Socket, error: PacketError) {
    if matches!(error, PacketError::Malformed(_)) {
        told(&socket, "error", &json!({}));
    }
}

pub(crate) async fn disconnecting(socket: Socket, reason: DisconnectReason) {
    told(&socket, "disconnecting", &json!({ "reason": word(reason) }));
}

pub(crate) async fn disconnected(socket: Socket, reason: DisconnectReason) {
    told(&socket, "disconnect", &json!({ "reason": word(reason) }));
}

fn word(reason: DisconnectReason) -> &'static str {
    match reason.as_str() {
        "transport close" if WRONG_REASON.get() == Some(&true) => "transport error",
        word => word,
    }
}

fn told(socket: &Socket, at: &str, more: &Value) {
    let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
    // The room of its id is no room of ours, but can be addressed as one until it has left.
    if at != "disconnect" {
        rooms.push(socket.id().to_owned());
    }
    rooms.sort();
    let mut entry =
        json!({ "at": at, "nsp": socket.namespace().name(), "id": socket.id(), "rooms": rooms });
    if let (Some(entry), Some(more)) = (entry.as_object_mut(), more.as_object()) {
        entry.extend(more.clone());
    }
    tell(&entry);
}
