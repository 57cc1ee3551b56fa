//! What an application hands over may do anything when it is cloned or dropped: no lock is held then, and
//! a panic in it is nobody else's.

use std::future::ready;
use std::sync::{Arc, Mutex};

use spola_server::{Config, ConnectionStateRecovery, Io, Namespace, Socket, State};

use crate::harness::{Log, World, secs, serving};

/// Runs something when it is dropped.
struct OnDrop(Box<dyn Fn() + Send + Sync>);

impl OnDrop {
    fn new(run: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self(Box::new(run)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Looks into the table that it is in when it is cloned.
struct Curious(Socket, Log);

impl Clone for Curious {
    fn clone(&self) -> Self {
        let Self(socket, log) = self;
        log.say(format!("cloned, {}", socket.extensions().get::<u8>().unwrap()));
        Self(socket.clone(), log.clone())
    }
}

#[test]
fn an_extension_may_look_at_the_others_when_it_is_cloned_or_dropped() {
    let (world, log) = serving(|_| {});
    let _client = world.join();
    let socket = world.io().sockets().remove(0);
    socket.extensions().insert(7_u8);
    socket.extensions().insert(Curious(socket.clone(), log.clone()));
    assert!(socket.extensions().get::<Curious>().is_some());
    assert!(socket.extensions().remove::<Curious>().is_some());
    assert_eq!(log.take(), ["cloned, 7"]);
    assert_eq!(socket.extensions().insert(8_u8), Some(7));
    let (other, said) = (socket.clone(), log.clone());
    let curious = OnDrop::new(move || said.say(format!("{:?}", other.extensions().get::<u8>())));
    socket.extensions().insert(curious);
    drop(socket.extensions().insert(OnDrop::new(|| {})));
    assert_eq!(log.take(), ["Some(8)"]);
}

#[test]
fn a_listener_that_is_taken_off_may_take_others_off() {
    let (world, log) = serving(|_| {});
    let mut client = world.join();
    let socket = world.io().sockets().remove(0);
    let cascade = |event: &'static str| {
        let other = socket.clone();
        let owned = OnDrop::new(move || other.off_event(event));
        move || {
            let _ = &owned;
            ready(())
        }
    };
    let first = socket.on("a", cascade("b"));
    socket.on("b", cascade("c"));
    socket.on("c", async |State(log): State<Log>| log.say("c"));
    client.send(r#"42["c"]"#);
    assert_eq!(log.take(), ["c"]);
    assert!(socket.off(first) && !socket.off(first));
    client.send(r#"42["c"]"#);
    assert!(log.take().is_empty());
}

#[test]
fn a_handler_that_another_replaces_may_register_a_third() {
    let (world, log) = serving(|_| {});
    let root = world.io().namespace("/");
    let other: Namespace = root.clone();
    let owned = OnDrop::new(move || {
        other.on_connect(async |State(log): State<Log>| log.say("third"));
    });
    root.fallback(move || {
        let _ = &owned;
        ready(())
    });
    root.fallback(async || {});
    let _client = world.join();
    assert_eq!(log.take(), ["third"]);
}

#[test]
fn a_panic_as_what_is_left_of_a_client_is_dropped_is_nobody_elses() {
    let mut recovery = ConnectionStateRecovery::default();
    recovery.max_sessions = 2;
    let mut config = Config::default();
    config.connection_state_recovery = Some(recovery);
    let io = Io::builder().config(config).build();
    let dropped = Arc::new(Mutex::new(0));
    let count = Arc::clone(&dropped);
    let gone = Log::default();
    let said = gone.clone();
    io.namespace("/")
        .on_connect(move |socket: Socket| {
            let count = Arc::clone(&count);
            socket.extensions().insert(OnDrop::new(move || {
                *count.lock().unwrap() += 1;
                panic!("while it is dropped");
            }));
            ready(())
        })
        .on_disconnect(move || {
            said.say("gone");
            ready(())
        });
    let world = World::new(io);
    // The third makes the server forget the first.
    for _ in 0..3 {
        world.join().reset();
    }
    assert_eq!((*dropped.lock().unwrap(), gone.take().len()), (1, 3));
    // Later ones are forgotten for their age.
    world.advance(secs(400));
    assert_eq!(*dropped.lock().unwrap(), 3);
    world.join().reset();
    world.advance(secs(400));
    assert_eq!(*dropped.lock().unwrap(), 4);
    assert_eq!(world.runtime.tasks(), 0);
}
