//! Who sees an event, in which order: the namespace `/order`, and names that are not fixed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use spola_server::{Auth, EventName, Io, Namespace, NamespaceName, Refusal, Reply, Socket, Value};

use crate::{application, log};

/// The parent of all `/dynamic-N`.
static PARENT: OnceLock<Namespace> = OnceLock::new();

/// The names of the dynamic namespaces that are there.
pub(crate) fn children() -> Vec<String> {
    let children = PARENT.get().map(Namespace::children).unwrap_or_default();
    children.iter().map(|child| child.name().to_owned()).collect()
}

pub(crate) fn dynamic(io: &Io) {
    let numbered = io.dynamic_namespace(|name| {
        let number = name.strip_prefix("/dynamic-").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered.middleware(async |Auth(auth): Auth<Value>| {
        let stopped = auth.get("stop").and_then(Value::as_bool) == Some(true);
        if stopped { Err(Refusal::new("stopped")) } else { Ok(()) }
    });
    let asked = io.dynamic_namespace_async(
        async |NamespaceName(name): NamespaceName, Auth(auth): Auth<Value>| {
            tokio::time::sleep(Duration::from_millis(20)).await;
            name.starts_with("/asked/") && auth.get("pass").and_then(Value::as_bool) == Some(true)
        },
    );
    for parent in [&numbered, &asked] {
        parent.on_connect(async |socket: Socket| {
            log::connected(socket.clone()).await;
            let _ = socket.emit("welcome", socket.namespace().name());
        });
        application::events(parent);
    }
    let _ = PARENT.set(numbered);
}

/// What a socket of `/order` saw.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_owned());
    }

    /// What runs at an event without a look at it.
    fn noting(
        &self,
        what: &'static str,
    ) -> impl Fn() -> std::future::Ready<()> + Send + Sync + use<> {
        let seen = self.clone();
        move || {
            seen.note(what);
            std::future::ready(())
        }
    }
}

pub(crate) fn order(namespace: &Namespace) {
    namespace.on_disconnect(log::disconnected).on_connect(async |socket: Socket| {
        log::connected(socket.clone()).await;
        listen(&socket, &Seen::default());
    });
}

fn listen(socket: &Socket, all: &Seen) {
    let seen = all.clone();
    socket.middleware(move |EventName(name): EventName| {
        seen.note(&format!("middleware {name}"));
        let blocked = name == "blocked";
        async move { if blocked { Err(Refusal::new("blocked")) } else { Ok(()) } }
    });
    let seen = all.clone();
    socket.on_any(move |EventName(name): EventName| {
        seen.note(&format!("any {name}"));
        std::future::ready(())
    });
    let seen = all.clone();
    socket.on_any_outgoing(move |EventName(name): EventName| {
        seen.note(&format!("outgoing {name}"));
        std::future::ready(())
    });
    socket.on("one", all.noting("first one"));
    socket.on("one", all.noting("second one"));
    socket.once("one", all.noting("once one"));
    let removed = socket.on("one", all.noting("removed"));
    socket.off(removed);
    let seen = all.clone();
    socket.on("report", move || {
        let seen = std::mem::take(&mut *seen.0.lock().unwrap_or_else(PoisonError::into_inner));
        async move { Reply(seen) }
    });
    socket.on("out", async |socket: Socket| {
        let _ = socket.emit("out", ());
    });
}
