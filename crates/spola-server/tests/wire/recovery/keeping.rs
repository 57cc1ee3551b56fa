//! Whose stay is kept, for how long, and what is forgotten.

use std::sync::Arc;

use serde_json::json;
use spola_server::{ConnectionStateRecovery, Io, Namespace, Socket};

use super::{Memory, Visitor, bare, lost, only, remembering, root, serving, world, world_with};
use crate::harness::{Client, World, millis, secs};

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
fn the_time_can_be_set() {
    let world = world_with(|recovery| {
        recovery.max_disconnection_duration = millis(200);
    });
    let (in_time, late) = (lost(&world), lost(&world));
    world.advance(millis(200));
    assert!(Visitor::back(&world, &in_time).is(&in_time));
    world.advance(millis(1));
    assert!(!Visitor::back(&world, &late).is(&late));
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
        let noisy = Arc::new(Noisy(root(&world)));
        only(&world).extensions().insert(noisy);
        visitor.lose();
    }
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
fn a_server_that_closes_leaves_nothing_behind() {
    let world = world();
    let visitor = Visitor::new(&world, "");
    world.io().close();
    world.runtime.run_until_idle();
    assert!(world.io().sockets().is_empty());
    drop(visitor);
    world.advance(secs(300));
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn a_room_that_another_thread_joins_as_the_socket_leaves_is_kept_or_refused() {
    for _ in 0..100 {
        let world = world();
        let visitor = Visitor::new(&world, "");
        let socket = only(&world);
        for room in 0..500 {
            socket.join(format!("room {room}")).unwrap();
        }
        let (ready, begun) = std::sync::mpsc::channel();
        #[expect(clippy::disallowed_methods, reason = "it is about two threads")]
        let busy = std::thread::spawn(move || {
            // It moves on from room to room, and tells the last that it came into.
            for number in 0_u32.. {
                if number == 10 {
                    ready.send(()).unwrap();
                }
                if socket.join(format!("new {number}")).is_err() {
                    return number - 1;
                }
                socket.leave(&format!("new {}", number.wrapping_sub(1)));
            }
            unreachable!("the socket leaves")
        });
        begun.recv().unwrap();
        let memory = visitor.lose();
        let last = busy.join().unwrap();
        let back = Visitor::back(&world, &memory);
        assert!(back.is(&memory));
        let mut rooms = only(&world).rooms();
        rooms.retain(|room| room.starts_with("new"));
        // That before it may have been left too late.
        rooms.retain(|room| **room != format!("new {}", last.wrapping_sub(1)));
        assert_eq!(rooms, [format!("new {last}")]);
    }
}
