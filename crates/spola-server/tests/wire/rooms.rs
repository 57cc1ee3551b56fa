//! Rooms and broadcasts (§18.3 of the wire text).

use spola_server::{Io, Socket};

use crate::harness::{Client, World, recorder};

/// Clients `a`, `b` and `c`; `a` and `b` are in the room `ab`, `b` and `c` in `bc`.
fn three() -> (World, [(Client, Socket); 3]) {
    let (world, _) = recorder();
    let members = ["a", "b", "c"].map(|name| {
        let (client, id) = world.join_with_id();
        let mut sockets = world.io().sockets();
        sockets.retain(|socket| socket.id() == id);
        let socket = sockets.remove(0);
        for room in ["ab", "bc"] {
            if room.contains(name) {
                socket.join(room).unwrap();
            }
        }
        (client, socket)
    });
    (world, members)
}

/// How often each client got the event.
fn received(members: &mut [(Client, Socket); 3]) -> [usize; 3] {
    members.each_mut().map(|(client, _)| client.texts().len())
}

#[test]
fn a_broadcast_reaches_each_selected_socket_once() {
    let (world, mut members) = three();
    let (io, root) = (world.io().clone(), world.io().namespace("/"));
    let [a, b, _] = members.each_ref().map(|(_, socket)| socket.clone());
    let (id_a, id_b) = (a.id().to_owned(), b.id().to_owned());
    let cases = [
        ("everybody", io.emit("x", ()).unwrap(), [1, 1, 1]),
        ("a room", io.to("ab").emit("x", ()).unwrap(), [1, 1, 0]),
        ("a union", io.to("ab").to("bc").emit("x", ()).unwrap(), [1, 1, 1]),
        ("a room twice", io.to("ab").to("ab").emit("x", ()).unwrap(), [1, 1, 0]),
        ("no such room", io.to("no").emit("x", ()).unwrap(), [0, 0, 0]),
        ("less a room", root.except("ab").emit("x", ()).unwrap(), [0, 0, 1]),
        ("a room less a room", io.to("bc").except("ab").emit("x", ()).unwrap(), [0, 0, 1]),
        ("less several", root.except("ab").except("bc").emit("x", ()).unwrap(), [0, 0, 0]),
        ("one socket", io.to(&*id_a).emit("x", ()).unwrap(), [1, 0, 0]),
        ("a socket in a room", io.to(&*id_b).to("bc").emit("x", ()).unwrap(), [0, 1, 1]),
        ("less one socket", root.except(&*id_b).emit("x", ()).unwrap(), [1, 0, 1]),
        ("the others", b.broadcast().emit("x", ()).unwrap(), [1, 0, 1]),
        ("the others in a room", b.to("ab").emit("x", ()).unwrap(), [1, 0, 0]),
        ("the others in rooms", b.to("ab").to("bc").emit("x", ()).unwrap(), [1, 0, 1]),
        ("the others less a room", a.broadcast().except("bc").emit("x", ()).unwrap(), [0, 0, 0]),
    ];
    let mut expected = [0; 3];
    for (case, recipients, each) in cases {
        assert_eq!(recipients, each.iter().sum::<usize>(), "{case}");
        for (total, count) in expected.iter_mut().zip(each) {
            *total += count;
        }
    }
    assert_eq!(received(&mut members), expected);
}

#[test]
fn a_broadcast_is_the_same_for_polling_and_websocket() {
    let (world, _) = recorder();
    let mut client = world.join();
    let session = world.join_polling();
    let data = bytes::Bytes::from_static(&[1, 2, 3]);
    assert_eq!(world.io().emit("x", ("é", data)).unwrap(), 2);
    let text = r#"451-["x","é",{"_placeholder":true,"num":0}]"#;
    assert_eq!(client.text(), text);
    assert!(
        matches!(client.try_frame(), Some(crate::harness::Frame::Binary(data)) if data == [1, 2, 3])
    );
    assert_eq!(session.get().response().body, format!("{text}\x1ebAQID"));
}

#[test]
fn rooms_are_left_by_name_and_by_going() {
    let (world, mut members) = three();
    members[0].1.leave("ab");
    members[0].1.leave("never there");
    assert!(members[0].1.rooms().is_empty());
    assert_eq!(members[1].1.rooms(), ["ab", "bc"]);
    assert_eq!(world.io().to("ab").emit("x", ()).unwrap(), 1);
    members[1].0.send("41");
    assert_eq!(world.io().to("ab").emit("x", ()).unwrap(), 0);
    assert_eq!(world.io().to("bc").emit("x", ()).unwrap(), 1);
    assert_eq!(world.io().emit("x", ()).unwrap(), 2);
}

#[test]
fn joining_twice_is_joining_once() {
    let (world, mut members) = three();
    members[0].1.join("ab").unwrap();
    assert_eq!(world.io().to("ab").emit("x", ()).unwrap(), 2);
    assert_eq!(received(&mut members), [1, 1, 0]);
    members[0].1.leave("ab");
    assert_eq!(world.io().to("ab").emit("x", ()).unwrap(), 1);
}

#[test]
fn a_room_may_be_named_like_a_socket() {
    let (world, mut members) = three();
    let id = members[0].1.id().to_owned();
    members[0].1.join(id.clone()).unwrap();
    assert_eq!(world.io().to(&*id).emit("x", ()).unwrap(), 1);
    members[1].1.join(id.clone()).unwrap();
    assert_eq!(world.io().to(&*id).emit("x", ()).unwrap(), 2);
    assert_eq!(members[0].1.to(&*id).emit("x", ()).unwrap(), 1);
    assert_eq!(received(&mut members), [2, 2, 0]);
    // Its own room cannot be left.
    members[0].1.leave(&id);
    assert_eq!(world.io().to(&*id).emit("x", ()).unwrap(), 2);
}

#[test]
fn rooms_of_namespaces_have_nothing_to_do_with_each_other() {
    let io = Io::new();
    for name in ["/", "/admin"] {
        io.namespace(name).on_connect(async |socket: Socket| socket.join("room").unwrap());
    }
    let world = World::new(io);
    let (mut both, mut root) = (world.join(), world.join());
    both.send("40/admin,");
    both.text();
    let admin = world.io().namespace("/admin");
    assert_eq!(admin.to("room").emit("x", ()).unwrap(), 1);
    assert_eq!(admin.emit("y", ()).unwrap(), 1);
    assert_eq!(both.texts(), [r#"42/admin,["x"]"#, r#"42/admin,["y"]"#]);
    assert_eq!(world.io().to("room").emit("z", ()).unwrap(), 2);
    assert_eq!(root.texts(), [r#"42["z"]"#]);
}

#[test]
fn a_selection_may_be_disconnected() {
    let (world, mut members) = three();
    world.io().to("ab").disconnect_sockets();
    assert_eq!(members[0].0.texts(), ["41"]);
    assert_eq!(members[1].0.texts(), ["41"]);
    members[2].0.expect_silence();
    assert_eq!(world.io().sockets().len(), 1);
    assert_eq!(world.io().to("bc").sockets().len(), 1);
}
