//! The application: namespaces, middleware, events. Each has its twin in `official.mjs`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use spola_server::{
    Ack, Arguments, Auth, Broadcast, Data, EventName, Handshake, Io, Namespace, RawData, Refusal,
    Reply, Socket, Value,
};

use crate::arguments::{event, milliseconds, name, shift, texts};
use crate::orders::send;
use crate::{listeners, log};

pub(crate) fn install(io: &Io) {
    root(&io.namespace("/"));
    admin(&io.namespace("/admin"));
    chat(&io.namespace("/chat"));
    chain(&io.namespace("/chain"));
    listeners::order(&io.namespace("/order"));
    listeners::dynamic(io);
}

fn root(namespace: &Namespace) {
    namespace
        .middleware(async |handshake: Arc<Handshake>| match handshake.query("refuse") {
            Some(why) if !why.is_empty() => Err(Refusal::new(why)),
            _ => Ok(()),
        })
        .on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
            log::connected(socket.clone()).await;
            socket.extensions().insert(auth.clone());
            if auth.get("greet").and_then(Value::as_bool) == Some(true) {
                let _ = socket.emit("hello", ());
            }
        });
    events(namespace);
}

/// Refuses without the right token, with data or without; may take its time.
fn admin(namespace: &Namespace) {
    namespace
        .middleware(async |Auth(auth): Auth<Value>| {
            if let Some(delay) = auth.get("delay") {
                tokio::time::sleep(milliseconds(delay)).await;
            }
            match auth.get("token").and_then(Value::as_str) {
                Some("letmein") => Ok(()),
                Some("plain") => Err(Refusal::new("no data")),
                _ => Err(Refusal::new("not authorized").with_data(&json!({ "code": "E1" }))),
            }
        })
        .on_connect(log::connected);
    events(namespace);
}

fn chat(namespace: &Namespace) {
    namespace.on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
        log::connected(socket.clone()).await;
        let _ = socket.emit("welcome", auth);
    });
    events(namespace);
}

/// Two middleware functions in a row, each leaving its mark.
fn chain(namespace: &Namespace) {
    for (number, mark) in [(1, "first"), (2, "second")] {
        namespace.middleware(move |socket: Socket, Auth(auth): Auth<Value>| async move {
            let mut marks: Marks = socket.extensions().get().unwrap_or_default();
            marks.0.push(mark);
            socket.extensions().insert(marks);
            match auth.get("stop").and_then(Value::as_u64) {
                Some(stop) if stop == number => Err(Refusal::new(mark)),
                _ => Ok(()),
            }
        });
    }
    namespace
        .on_connect(async |socket: Socket| {
            log::connected(socket.clone()).await;
            let marks: Marks = socket.extensions().get().unwrap_or_default();
            let _ = socket.emit("marks", marks.0);
        })
        .on_disconnect(log::disconnected);
}

#[derive(Clone, Default)]
struct Marks(Vec<&'static str>);

pub(crate) fn events(namespace: &Namespace) {
    namespace
        .on_error(log::failed)
        .on_disconnecting(log::disconnecting)
        .on_disconnect(log::disconnected)
        .fallback(seen);
    answers(namespace);
    rooms(namespace);
    namespace
        .on("echo", async |socket: Socket, data: RawData| {
            let _ = socket.emit_raw(data);
        })
        .on("later", async |socket: Socket, Data(mut values): Data<Arguments>| {
            tokio::time::sleep(milliseconds(&shift(&mut values))).await;
            if let Some((name, values)) = event(values.0) {
                let _ = socket.emit(&name, values);
            }
        })
        .on("burst", async |socket: Socket, Data(count): Data<u64>| {
            for number in 0..count {
                let _ = socket.emit("n", number);
            }
        })
        .on("big", async |socket: Socket, Data((size, compress)): Data<(usize, bool)>| {
            let _ = socket.compress(compress).emit("big", "x".repeat(size));
        })
        .on("volatile", async |socket: Socket| {
            let _ = socket.volatile().emit("v", 1);
            let _ = socket.volatile().emit("v", 2);
            let _ = socket.emit("n", ());
            let _ = socket.volatile().emit("v", 3);
        })
        .on("volatile-later", async |socket: Socket, Data(mut values): Data<Arguments>| {
            tokio::time::sleep(milliseconds(&shift(&mut values))).await;
            if let Some((name, values)) = event(values.0) {
                let _ = socket.volatile().emit(&name, values);
            }
        })
        .on("error", async || {})
        .on("kick", async |socket: Socket| socket.disconnect())
        .on("kick-session", async |socket: Socket| socket.disconnect_session())
        .on("reserved", async |socket: Socket, Data(name): Data<String>| {
            Reply(if socket.emit(&name, ()).is_ok() { "sent" } else { "refused" })
        })
        .on("values", async |socket: Socket| {
            let date = "1970-01-01T00:00:00.000Z";
            let values = ((), f64::NAN, 0, date, json!({ "b": {} }), "\u{2028}€");
            let _ = socket.emit("values", values);
        })
        .on("handshake", async |handshake: Arc<Handshake>, socket: Socket| {
            Reply(described(&handshake, &socket))
        });
}

/// Events that nobody listens to are seen all the same.
async fn seen(socket: Socket, EventName(event): EventName, data: RawData, ack: Ack) {
    let arguments: Arguments = data.args().unwrap_or_default();
    let event = name(&data, &event);
    if ack.is_awaited() {
        let mut all = vec!["acked".into(), event];
        all.extend(arguments.0);
        let _ = ack.send(Arguments(all));
    } else {
        let mut all = vec![event];
        all.extend(arguments.0);
        let _ = socket.emit("seen", Arguments(all));
    }
}

fn answers(namespace: &Namespace) {
    namespace
        .on("ack", async |Data(values): Data<Arguments>| Reply(values))
        .on("ack-twice", async |ack: Ack| {
            let _ = ack.send(1);
            let _ = ack.send(2);
        })
        .on("ack-late", async |Data(delay): Data<u64>| {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            Reply("late")
        })
        .on("ask", async |socket: Socket, Data(mut values): Data<Arguments>| {
            let limit = milliseconds(&shift(&mut values));
            let question = socket.emit_with_ack("question", values);
            let answer: Result<Arguments, _> = question.timeout(limit).await;
            let _ = match answer {
                Ok(values) => socket.emit("answered", values),
                Err(_) => socket.emit("answered", "timed out"),
            };
        })
        .on("ask-all", ask_all);
}

async fn ask_all(socket: Socket, Data(mut values): Data<Arguments>) {
    let limit = milliseconds(&shift(&mut values));
    let rooms = texts(&shift(&mut values));
    let asked = selected(socket.namespace().everybody(), &rooms, &[]).timeout(limit);
    if let Ok(answers) = asked.emit_with_ack::<Value>("question", values) {
        let gathered = answers.gather().await;
        let word = if gathered.is_complete() { "all" } else { "timed out" };
        let answers: Vec<_> = gathered.answers.into_iter().map(|(_, answer)| answer).collect();
        let _ = socket.emit("answers", (word, answers));
    }
}

fn rooms(namespace: &Namespace) {
    namespace
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room).map(|()| Reply(())).map_err(|error| Refusal::new(error.to_string()))
        })
        .on("leave", async |socket: Socket, Data(room): Data<String>| {
            socket.leave(&room);
            Reply(())
        })
        .on("rooms", async |socket: Socket| {
            let rooms = socket.rooms();
            let own = rooms.iter().filter(|room| **room != *socket.id());
            let mut own: Vec<_> = own.map(ToString::to_string).collect();
            own.sort();
            Reply((own,))
        })
        .on("to", async |socket: Socket, Data(mut values): Data<Arguments>| {
            let (rooms, except) = (shift(&mut values), shift(&mut values));
            let everybody = socket.namespace().everybody();
            send(&selected(everybody, &texts(&rooms), &texts(&except)), values);
        })
        .on("others", async |socket: Socket, Data(mut values): Data<Arguments>| {
            let rooms = texts(&shift(&mut values));
            send(&selected(socket.broadcast(), &rooms, &[]), values);
        });
}

fn selected(mut all: Broadcast, rooms: &[String], except: &[String]) -> Broadcast {
    for room in rooms {
        all = all.to(room.as_str());
    }
    for room in except {
        all = all.except(room.as_str());
    }
    all
}

/// What the application knows of the handshake, under the official names.
fn described(handshake: &Handshake, socket: &Socket) -> serde_json::Value {
    let mut query = serde_json::Map::new();
    for (name, value) in handshake.query_pairs().filter(|(name, _)| name != "t") {
        query.insert(name.into_owned(), value.into_owned().into());
    }
    let age = handshake.issued.elapsed().unwrap_or_default();
    json!({
        "auth": socket.extensions().get::<Value>(),
        "query": query,
        "url": handshake.url(),
        "xdomain": handshake.is_cross_domain(),
        "secure": handshake.secure,
        "address": handshake.address(),
        "recent": age < Duration::from_secs(60),
        "timed": !handshake.time().is_empty(),
        "custom": handshake.headers().get("x-custom").and_then(|value| value.to_str().ok()),
    })
}
