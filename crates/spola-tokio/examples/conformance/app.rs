//! What the fixture does, whatever runs it.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use spola_server::{
    Ack, AllowOrigin, Arguments, Auth, ByteString, Config, ConnectionStateRecovery, Cors, Data,
    DisconnectReason, EventName, Handshake, Io, MessagePack, Namespace, RawData, Refusal, Reply,
    SessionCookie, Socket, State, Value,
};

/// The server, with the settings of the command line.
pub(crate) fn io() -> Result<Io, Box<dyn Error>> {
    let mut config = Config::default();
    config.engine.transports.sse = true;
    if let Some(interval) = argument("--ping-interval-ms") {
        config.engine.ping_interval = Duration::from_millis(interval.parse()?);
    }
    if let Some(timeout) = argument("--ping-timeout-ms") {
        config.engine.ping_timeout = Duration::from_millis(timeout.parse()?);
    }
    if let Some(time) = argument("--sse-resume-ms") {
        config.engine.resume_timeout = Duration::from_millis(time.parse()?);
    }
    if let Some(origin) = argument("--cors") {
        let origin = AllowOrigin::list([origin]);
        // The suite for Node also runs against the official server, which refuses nobody.
        let cors = Cors::new().allow_origin(origin).enforce_origin(flag("--enforce-origin"));
        config.cors = Some(cors.allow_credentials(true));
    }
    config.cookie = flag("--cookie").then(SessionCookie::new);
    config.per_message_deflate = flag("--deflate").then(Default::default);
    config.engine.allow_eio3 = flag("--eio3");
    if let Some(longest) = argument("--recovery-ms") {
        let mut recovery = ConnectionStateRecovery::default();
        recovery.max_disconnection_duration = Duration::from_millis(longest.parse()?);
        config.connection_state_recovery = Some(recovery);
    }
    let mut builder = Io::builder().config(config).state(Departures::default());
    if flag("--msgpack") {
        builder = builder.parser(MessagePack);
    }
    let io = builder.build();
    root(&io);
    others(&io);
    dynamic(&io);
    Ok(io)
}

/// The port of the command line; 0, which takes any, if it names none.
pub(crate) fn port() -> Result<u16, Box<dyn Error>> {
    Ok(argument("--port").map_or(Ok(0), |port| port.parse())?)
}

/// Waits on a thread of its own for a line that says `quit`; then calls `tell`.
pub(crate) fn when_told_to_quit(tell: impl FnOnce() + Send + 'static) {
    // Not on the runtime: its standard input would hold the runtime's end up.
    #[expect(clippy::disallowed_methods, reason = "an application spawns its threads")]
    std::thread::spawn(move || {
        if std::io::stdin().lines().map_while(Result::ok).any(|line| line == "quit") {
            tell();
        }
    });
}

fn root(io: &Io) {
    io.namespace("/")
        .on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
            let _ = socket.emit("auth", auth);
            socket.once("once", async || Reply("first"));
        })
        .on_disconnect(remember)
        .on("echo", echo)
        .on("echo-ack", async |Data(arguments): Data<Arguments>| Reply(arguments))
        .on("ask", async |socket: Socket, Data(question): Data<Value>| {
            let question = socket.emit_with_ack("question", question);
            let answer: Result<Value, _> = question.timeout(Duration::from_secs(1)).await;
            let _ = socket.emit("answered", answer.unwrap_or_else(|_| "timed out".into()));
        })
        .on("binary", async |socket: Socket, Data(data): Data<bytes::Bytes>, ack: Ack| {
            let body = json!({ "length": data.len(), "first": data.first(), "last": data.last() });
            let _ = ack.send(body);
            let _ = socket.emit("binary-back", data);
        })
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room).map(|()| Reply("ok")).map_err(|error| Refusal::new(error.to_string()))
        })
        .on("leave", async |socket: Socket, Data(room): Data<String>| {
            socket.leave(&room);
            Reply("ok")
        })
        .on("to", to)
        .on("broadcast", async |socket: Socket, Data(value): Data<Value>| {
            let _ = socket.broadcast().emit("news", value);
        })
        .on("whisper", async |socket: Socket, Data(value): Data<Value>| {
            let _ = socket.broadcast().volatile().emit("whispered", value);
        })
        .on("keep", async |socket: Socket, Data(value): Data<Value>| {
            socket.set_data(value);
            Reply("ok")
        })
        .on("kept", async |socket: Socket| Reply(socket.data()))
        .on("kick", async |socket: Socket| socket.disconnect())
        .on("kick-session", async |socket: Socket| socket.disconnect_session())
        .on("who", async |socket: Socket, Data(room): Data<String>| {
            let there = socket.namespace().to(room).sockets();
            let mut ids: Vec<_> = there.iter().map(|socket| socket.id().to_owned()).collect();
            ids.sort();
            Reply(ids)
        })
        .on("fail", async || {
            Err::<(), _>(Refusal::new("failed on purpose").with_data(&json!({ "code": 7 })))
        })
        .on("typed", async |Data(person): Data<Person>| {
            Reply(format!("hello {} of {}", person.name, person.age))
        })
        .on_any(async |socket: Socket, EventName(name): EventName| {
            if name == "listeners" {
                let _ = socket.emit("heard", "any");
            }
        })
        .on("listeners", async |socket: Socket| {
            let _ = socket.emit("heard", "first");
        })
        .on("listeners", async || Reply("second"))
        .on("listeners", async || Reply("third"))
        .on("handshake", handshake)
        .on("cookie", async |handshake: Arc<Handshake>| {
            let cookie = handshake.headers().get("cookie").and_then(|value| value.to_str().ok());
            Reply(cookie.map(ToOwned::to_owned))
        })
        .on("last-disconnect", async |socket: Socket, State(departures): State<Departures>| {
            Reply(departures.last_but(socket.id()))
        });
}

fn others(io: &Io) {
    io.namespace("/admin")
        .middleware(async |Auth(auth): Auth<Value>| {
            match auth.get("token").and_then(Value::as_str) {
                Some("letmein") => Ok(()),
                _ => Err(Refusal::new("not authorized").with_data(&json!({ "code": "E_AUTH" }))),
            }
        })
        .on_connect(async |socket: Socket| {
            let _ = socket.emit("welcome", ());
        })
        .on_disconnect(remember);
    io.namespace("/room-chat").on_disconnect(remember).on("echo", echo);
}

/// Namespaces that clients call into being.
fn dynamic(io: &Io) {
    let parent = io.dynamic_namespace(|name| name.starts_with("/dynamic-"));
    let all = parent.clone();
    parent
        .middleware(async |namespace: Namespace, Auth(auth): Auth<Value>| {
            match auth.get("token").and_then(Value::as_str) {
                Some("banned") => {
                    Err(Refusal::new("banned").with_data(&json!({ "from": namespace.name() })))
                }
                _ => Ok(()),
            }
        })
        .on_connect(async |socket: Socket| {
            let _ = socket.emit("where", socket.namespace().name());
        })
        .on_disconnecting(async |socket: Socket| {
            let _ = socket.namespace().emit("leaving", socket.id());
        })
        .on_disconnect(remember)
        .on("say", async |namespace: Namespace, Data(value): Data<Value>| {
            let _ = namespace.emit("said", value);
        })
        .on("tell-all", move |Data(value): Data<Value>| {
            let _ = all.emit("told", value);
            std::future::ready(())
        });
}

async fn handshake(handshake: Arc<Handshake>, Auth(auth): Auth<Value>) -> Reply<serde_json::Value> {
    Reply(json!({
        "token": handshake.query("token"),
        "secure": handshake.secure,
        "xdomain": handshake.is_cross_domain(),
        "address": handshake.address(),
        "auth": auth,
        "date": handshake.time().ends_with("GMT") && handshake.issued_millis() > 1_600_000_000_000,
    }))
}

async fn echo(socket: Socket, data: RawData) {
    let _ = socket.emit_raw(data);
}

async fn to(socket: Socket, Data(order): Data<(Vec<String>, Vec<String>, String, Value)>) {
    let (rooms, except, event, value) = order;
    let mut selection = socket.namespace().everybody();
    for room in rooms {
        selection = selection.to(room);
    }
    for room in except {
        selection = selection.except(room);
    }
    let _ = selection.emit(&event, value);
}

async fn remember(socket: Socket, reason: DisconnectReason, State(departures): State<Departures>) {
    departures.add(socket.id().into(), reason);
}

#[derive(Deserialize)]
struct Person {
    name: String,
    age: u32,
}

/// Who left, and why.
#[derive(Clone, Default)]
struct Departures {
    all: Arc<Mutex<Vec<(ByteString, DisconnectReason)>>>,
}

impl Departures {
    fn add(&self, id: ByteString, reason: DisconnectReason) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push((id, reason));
    }

    fn last_but(&self, id: &str) -> Option<&'static str> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.iter().rev().find(|(left, _)| **left != *id);
        last.map(|(_, reason)| reason.as_str())
    }
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}
