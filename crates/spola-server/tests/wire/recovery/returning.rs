//! What a client finds when it comes back.

use bytes::Bytes;
use spola_server::{EventName, Io, RawData, Socket, Value};

use super::{Memory, Visitor, bare, lost, only, remembering, root, serving, world};
use crate::harness::{Client, Frame, Log, sid_of};

#[test]
fn without_recovery_there_is_neither_pid_nor_offset() {
    let world = serving(Io::new());
    let mut client = world.open_websocket();
    client.send(r#"40{"pid":"AAECAwQFBgcICQoLAAAA","offset":"x"}"#);
    let reply = client.text();
    assert_eq!(reply, format!(r#"40{{"sid":"{}"}}"#, sid_of(&reply)));
    root(&world).emit("a", ()).unwrap();
    only(&world).emit("b", ()).unwrap();
    assert_eq!(client.texts(), [r#"42["a"]"#, r#"42["b"]"#]);
    assert!(!only(&world).recovered());
    client.reset();
    assert_eq!(world.runtime.tasks(), 0);
}

#[test]
fn what_was_missed_comes_before_the_reply_in_order_and_once() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let (sid, pid) = (visitor.memory.sid.clone(), visitor.memory.pid.clone());
    assert!(sid.len() == 20 && pid.len() == 20 && sid != pid);
    only(&world).emit("a", (1, "x")).unwrap();
    root(&world).emit("b", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["a",1,"x"]"#, r#"42["b"]"#]);
    // On its way when the connection breaks, and unknown to the client.
    let io = world.io().clone();
    visitor.client.end.reset();
    io.emit("c", ()).unwrap();
    world.runtime.run_until_idle();
    io.to(sid.clone()).emit("d", ()).unwrap();
    io.emit("e", ()).unwrap();

    let mut visitor = Visitor::back(&world, &visitor.memory);
    assert_eq!((&visitor.memory.sid, &visitor.memory.pid), (&sid, &pid));
    assert_eq!(visitor.missed, [r#"42["c"]"#, r#"42["d"]"#, r#"42["e"]"#]);
    only(&world).emit("f", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["f"]"#]);

    let memory = visitor.lose();
    io.emit("g", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["g"]"#]);
}

#[test]
fn questions_have_no_offset_and_are_not_sent_again() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    let all = root(&world).everybody().emit_with_ack::<u8>("all", ()).unwrap();
    let all = world.run(all.gather());
    let own = world.run(async move { socket.emit_with_ack::<u8>("own", 1).await });
    assert_eq!(visitor.client.texts(), [r#"420["all"]"#, r#"421["own",1]"#]);
    let memory = visitor.lose();
    assert!(!all.output().unwrap().is_complete() && own.output().unwrap().is_err());
    let visitor = Visitor::back(&world, &memory);
    assert!(visitor.is(&memory) && visitor.missed.is_empty());
}

#[test]
fn volatile_events_say_how_far_the_client_is_and_are_not_kept() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    // The client takes the last text of any event for its offset.
    socket.volatile().emit("v", "text").unwrap();
    assert_eq!(visitor.events(), [r#"42["v","text"]"#]);
    root(&world).emit("a", ()).unwrap();
    visitor.events();
    root(&world).everybody().volatile().emit("v", ()).unwrap();
    assert_eq!(visitor.events(), [r#"42["v"]"#]);
    let memory = visitor.lose();
    socket.volatile().emit("v", ()).unwrap();
    root(&world).everybody().volatile().emit("v", ()).unwrap();
    root(&world).emit("b", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["b"]"#]);
}

#[test]
fn a_client_that_got_no_event_has_missed_all_since_it_came() {
    let world = world();
    root(&world).emit("before anybody", ()).unwrap();
    let first = Visitor::new(&world, "");
    root(&world).emit("before it came", ()).unwrap();
    let visitor = Visitor::new(&world, "");
    let memory = visitor.lose();
    root(&world).emit("a", ()).unwrap();
    // Nor does an offset from before take it back to then.
    let earlier = Memory { offset: first.lose().offset, ..memory.clone() };
    let visitor = Visitor::back(&world, &earlier);
    assert_eq!((visitor.is(&memory), visitor.missed.clone()), (true, vec![r#"42["a"]"#.into()]));
    let memory = Memory { offset: None, ..visitor.lose() };
    assert_eq!(Visitor::back(&world, &memory).missed, [r#"42["a"]"#]);
}

#[test]
fn rooms_data_and_extensions_are_restored() {
    let world = world();
    let log = Log::default();
    let seen = log.clone();
    root(&world).on_connect(move |socket: Socket| {
        seen.say(format!("{} {} {:?}", socket.recovered(), socket.is_connected(), socket.rooms()));
        let _ = socket.join("lobby");
        std::future::ready(())
    });
    let visitor = Visitor::new(&world, "");
    let socket = only(&world);
    socket.join("blue").unwrap();
    socket.set_data(Value::from("ada"));
    socket.extensions().insert(7_u32);
    let memory = visitor.lose();
    assert!(!socket.is_connected() && socket.rooms().is_empty());
    // The old socket has no part in it any more, but for the extensions, which are the same.
    socket.extensions().insert(8_u32);

    let mut visitor = Visitor::back(&world, &memory);
    let again = only(&world);
    assert!(again.recovered() && again.id() == memory.sid && again.is_connected());
    assert_eq!(again.rooms(), ["blue", "lobby"]);
    assert_eq!(again.data(), Value::from("ada"));
    assert_eq!(again.extensions().get::<u32>(), Some(8));
    assert_eq!(log.take(), ["false true []", r#"true true ["blue", "lobby"]"#]);
    assert_eq!(world.io().to("blue").emit("a", ()).unwrap(), 1);
    assert_eq!(visitor.events(), [r#"42["a"]"#]);
    drop(socket);
    visitor.lose();
    assert!(world.io().sockets().is_empty() && world.io().to("blue").sockets().is_empty());
}

#[test]
fn nobody_gets_what_was_for_others() {
    let world = world();
    let mut visitor = Visitor::new(&world, "");
    let socket = only(&world);
    socket.join("blue").unwrap();
    root(&world).emit("first", ()).unwrap();
    visitor.events();
    let memory = visitor.lose();
    let io = world.io();
    for (name, selection) in [
        ("room", io.to("blue")),
        ("rooms", io.to("red").to("blue")),
        ("own", io.to(memory.sid.clone())),
        ("but red", root(&world).except("red")),
    ] {
        selection.emit(name, ()).unwrap();
    }
    for selection in [
        io.to("red"),
        io.to("blue").except(memory.sid.clone()),
        root(&world).except("blue"),
        socket.broadcast(),
        socket.to("blue"),
    ] {
        selection.emit("for others", ()).unwrap();
    }
    io.namespace("/other").emit("elsewhere", ()).unwrap();
    let missed = Visitor::back(&world, &memory).missed;
    assert_eq!(missed, [r#"42["room"]"#, r#"42["rooms"]"#, r#"42["own"]"#, r#"42["but red"]"#]);
}

#[test]
fn binary_comes_again_with_its_attachments() {
    let world = world();
    let memory = lost(&world);
    root(&world).emit("b", Bytes::from_static(&[1, 2])).unwrap();
    let mut client = world.open_websocket();
    client.send(&format!("40{}", memory.auth()));
    let mut offset = None;
    let missed = bare(&client.text(), &mut offset);
    assert_eq!(missed, r#"451-["b",{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.try_frame(), Some(Frame::Binary(vec![1, 2])));
    assert_eq!(sid_of(&client.text()), memory.sid);
}

#[test]
fn an_event_that_is_passed_on_has_an_offset() {
    let world = world();
    root(&world).on("echo", async |socket: Socket, data: RawData| {
        let _ = socket.emit_raw(data);
    });
    let mut visitor = Visitor::new(&world, "");
    visitor.client.send(r#"42["echo", "x" ]"#);
    assert_eq!(visitor.events(), [r#"42["echo", "x" ]"#]);
}

#[test]
fn it_works_over_polling() {
    let world = world();
    let memory = lost(&world);
    root(&world).emit("missed", ()).unwrap();
    let session = world.open_polling();
    session.post(&format!("40{}", memory.auth()));
    let body = session.get().response().body;
    let packets: Vec<_> = body.split('\x1e').collect();
    assert_eq!(bare(packets[0], &mut None), r#"42["missed"]"#);
    assert_eq!(sid_of(packets[1]), memory.sid);
}

#[test]
fn listeners_of_what_goes_out_see_the_offset_and_no_event_twice() {
    let world = world();
    let log = Log::default();
    let seen = log.clone();
    root(&world).on_any_outgoing(move |EventName(name): EventName, data: RawData| {
        seen.say(format!("{name} {}", data.args::<Vec<Value>>().unwrap().len()));
        std::future::ready(())
    });
    let memory = lost(&world);
    root(&world).emit("missed", ()).unwrap();
    assert_eq!(Visitor::back(&world, &memory).missed.len(), 1);
    assert_eq!(log.take(), ["first 1"]);
}

#[cfg(feature = "msgpack")]
#[test]
fn in_messagepack_the_offset_is_an_argument_like_others() {
    use crate::harness::hex;
    use spola_server::MessagePack;

    let io = Io::builder().config(remembering(|_| {})).parser(MessagePack).build();
    let world = serving(io);
    let binary = |client: &mut Client| match client.try_frame() {
        Some(Frame::Binary(data)) => data,
        other => panic!("{other:?}"),
    };
    let text_after = |data: &[u8], key: &[u8], len: usize| {
        let at = data.windows(key.len()).position(|part| part == key).unwrap() + key.len();
        String::from_utf8(data[at..at + len].to_vec()).unwrap()
    };
    let mut client = world.open_websocket();
    client.send_binary(&hex("82 a4 74 79 70 65 00 a3 6e 73 70 a1 2f"));
    let reply = binary(&mut client);
    let pid = text_after(&reply, b"pid\xb4", 20);
    root(&world).emit("a", Bytes::from_static(&[1])).unwrap();
    // `{type: 2, data: ["a", <01>, "…"], nsp: "/"}`
    let event = binary(&mut client);
    let head = hex("83 a4 74 79 70 65 02 a4 64 61 74 61 93 a1 61 c4 01 01 a5");
    assert!(event.starts_with(&head) && event.ends_with(&hex("a3 6e 73 70 a1 2f")), "{event:02x?}");
    let offset = text_after(&event, &hex("c4 01 01 a5"), 5);
    client.reset();
    root(&world).emit("b", ()).unwrap();

    let mut client = world.open_websocket();
    let mut connect = hex("83 a4 74 79 70 65 00 a4 64 61 74 61 82 a3 70 69 64 b4");
    connect.extend(pid.as_bytes());
    connect.extend(hex("a6 6f 66 66 73 65 74 a5"));
    connect.extend(offset.as_bytes());
    connect.extend(hex("a3 6e 73 70 a1 2f"));
    client.send_binary(&connect);
    assert!(
        binary(&mut client).starts_with(&hex("83 a4 74 79 70 65 02 a4 64 61 74 61 92 a1 62 a5"))
    );
    assert_eq!(text_after(&binary(&mut client), b"pid\xb4", 20), pid);
}
