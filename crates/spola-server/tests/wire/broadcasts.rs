//! What is asked of many, and done with many (§18.3 of the wire text).

use bytes::Bytes;
use spola_server::{AckError, Broadcast, Config, Gathered, JoinError, Socket, Value};

use crate::harness::{Client, Frame, Running, World, millis, recorder, recorder_with, secs};

/// A client that has joined, and its socket.
fn member(world: &World) -> (Client, Socket) {
    let (client, id) = world.join_with_id();
    let mut sockets = world.io().sockets();
    sockets.retain(|socket| socket.id() == id);
    (client, sockets.remove(0))
}

/// Asks, and gathers the answers.
fn gather(world: &World, selection: &Broadcast, event: &str) -> Running<Gathered<u8>> {
    let answers = selection.emit_with_ack::<u8>(event, ()).unwrap();
    world.run(answers.gather())
}

type Told<T> = Vec<(String, T)>;

/// Whose the answers are and what they say, and who is missing and why, in order of id.
fn told(gathered: Gathered<u8>) -> (Told<u8>, Told<String>) {
    let mut answers: Vec<_> =
        gathered.answers.iter().map(|(id, answer)| (id.to_string(), *answer)).collect();
    let missing = gathered.missing.iter();
    let mut missing: Vec<_> =
        missing.map(|(id, error)| (id.to_string(), error.to_string())).collect();
    answers.sort();
    missing.sort();
    (answers, missing)
}

#[test]
fn a_broadcast_has_one_id_and_shares_the_counter_with_its_sockets() {
    let (world, _) = recorder();
    let [(mut a, socket), (mut b, _)] = [member(&world), member(&world)];
    let session = world.join_polling();
    let own = world.run(async move { socket.emit_with_ack::<u8>("own", ()).await });
    assert!(own.output().is_none());
    assert_eq!(a.text(), r#"420["own"]"#);

    let data = Bytes::from_static(&[1, 2]);
    let answers = world.io().namespace("/").everybody().emit_with_ack::<u8>("all", data).unwrap();
    assert_eq!(answers.recipients(), 3);
    let all = world.run(answers.gather());
    let text = r#"451-1["all",{"_placeholder":true,"num":0}]"#;
    for client in [&mut a, &mut b] {
        assert_eq!(client.text(), text);
        assert_eq!(client.try_frame(), Some(Frame::Binary(vec![1, 2])));
        client.send("431[7]");
    }
    assert_eq!(session.get().response().body, format!("{text}\x1ebAQI="));
    assert!(all.output().is_none());
    session.post("431[7]");
    let gathered = all.output().unwrap();
    assert!(gathered.is_complete());
    assert_eq!(gathered.answers.len(), 3);

    let own = world.io().sockets().remove(0);
    let own = world.run(async move { own.emit_with_ack::<u8>("own", ()).await });
    assert!(own.output().is_none());
    let third = [
        a.texts(),
        b.texts(),
        vec![session.get().try_response().map_or(String::new(), |r| r.body)],
    ];
    assert!(third.iter().flatten().any(|text| text == r#"422["own"]"#), "{third:?}");
}

#[test]
fn who_is_late_gone_or_unfit_is_missing_and_told_so() {
    let (world, _) = recorder();
    let mut members = [(); 5].map(|()| member(&world));
    let ids = members.each_ref().map(|(_, socket)| socket.id().to_owned());
    let everybody = world.io().namespace("/").everybody().timeout(millis(500));
    let all = gather(&world, &everybody, "vote");
    for (client, _) in &mut members {
        assert_eq!(client.text(), r#"420["vote"]"#);
    }
    members[0].0.send("430[5]");
    members[0].0.send("430[6]");
    members[1].0.send(r#"430["five"]"#);
    members[2].0.send("41");
    members[3].0.shut();
    world.advance(millis(499));
    assert!(all.output().is_none());
    world.advance(millis(1));
    let (answers, missing) = told(all.output().unwrap());
    assert_eq!(answers, [(ids[0].clone(), 5)]);
    let reason = |id: &String| {
        let (_, reason) = missing.iter().find(|(missing, _)| missing == id).unwrap();
        reason.as_str()
    };
    assert!(reason(&ids[1]).starts_with("unfit answer"));
    assert_eq!(reason(&ids[2]), "socket has been disconnected");
    assert_eq!(reason(&ids[3]), "socket has been disconnected");
    assert_eq!(reason(&ids[4]), "operation has timed out");
    assert_eq!(missing.len(), 4);
    // A late answer finds nobody, and hurts nobody.
    members[4].0.send("430[9]");
    members[4].0.send(r#"421["echo",1]"#);
    assert_eq!(members[4].0.texts(), ["431[1]"]);
}

#[test]
fn without_a_timeout_answers_are_awaited_for_a_minute() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let all = gather(&world, &world.io().namespace("/").everybody(), "vote");
    assert_eq!(session.get().response().body, r#"420["vote"]"#);
    for wait in [secs(25), secs(25)] {
        world.advance(wait);
        assert_eq!(session.get().response().body, "2");
        session.post("3");
    }
    world.advance(millis(9_999));
    assert!(all.output().is_none());
    world.advance(millis(1));
    let (answers, missing) = told(all.output().unwrap());
    assert_eq!((answers.len(), missing[0].1.as_str()), (0, "operation has timed out"));
}

#[test]
fn nobody_asked_is_nobody_missing() {
    let (world, _) = recorder();
    let all = gather(&world, &world.io().to("nowhere"), "vote");
    let gathered = all.output().unwrap();
    assert!(gathered.is_complete() && gathered.answers.is_empty());
}

#[test]
fn every_answer_settles_when_the_server_goes() {
    for go in [spola_server::Io::close, spola_server::Io::abort] {
        let (world, _) = recorder();
        let _members = [(); 3].map(|()| member(&world));
        let _session = world.join_polling();
        let everybody = world.io().namespace("/").everybody();
        let asked = gather(&world, &everybody, "vote");
        assert!(asked.output().is_none());
        // These are still in the inboxes when the server goes.
        let unsent = gather(&world, &everybody, "vote");
        go(world.io());
        for all in [asked, unsent] {
            assert_eq!(all.output().unwrap().missing.len(), 4);
        }
    }
}

#[test]
fn answers_nobody_waits_for_make_room_for_others() {
    let mut config = Config::default();
    config.sockets.max_outstanding_acks = 2;
    let (world, _) = recorder_with(config);
    let (mut client, _) = member(&world);
    let everybody = world.io().namespace("/").everybody();
    let kept = gather(&world, &everybody, "a");
    drop(everybody.emit_with_ack::<u8>("b", ()).unwrap());
    let taken = gather(&world, &everybody, "c");
    let refused = gather(&world, &everybody, "d");
    assert!(matches!(refused.output().unwrap().missing[..], [(_, AckError::TooMany)]));
    assert_eq!(client.texts(), [r#"420["a"]"#, r#"421["b"]"#, r#"422["c"]"#]);
    client.send("430[1]");
    client.send("431[1]");
    client.send("432[1]");
    assert!(kept.output().unwrap().is_complete() && taken.output().unwrap().is_complete());
}

#[test]
fn a_volatile_question_that_is_dropped_settles_at_once() {
    let (world, _) = recorder();
    let session = world.join_polling();
    let all = gather(&world, &world.io().namespace("/").everybody().volatile(), "vote");
    assert!(matches!(all.output().unwrap().missing[..], [(_, AckError::Dropped)]));
    let socket = world.io().sockets().remove(0);
    let own = world.run(async move { socket.volatile().emit_with_ack::<u8>("own", ()).await });
    assert!(matches!(own.output(), Some(Err(AckError::Dropped))));
    let mut get = session.get();
    let all = gather(&world, &world.io().namespace("/").everybody().volatile(), "vote");
    assert_eq!(get.response().body, r#"422["vote"]"#);
    session.post("432[3]");
    assert_eq!(told(all.output().unwrap()).0[0].1, 3);
}

#[test]
fn a_selection_joins_and_leaves_rooms_and_is_told_of() {
    let mut config = Config::default();
    config.max_rooms = 2;
    let (world, _) = recorder_with(config);
    let [(_a, a), (_b, b), (_c, c)] = [(); 3].map(|()| member(&world));
    let root = world.io().namespace("/");
    root.to(a.socket_id()).within(b.socket_id()).sockets_join("ab").unwrap();
    a.broadcast().sockets_join("bc").unwrap();
    assert_eq!([a.rooms(), b.rooms(), c.rooms()], [vec!["ab"], vec!["ab", "bc"], vec!["bc"]]);
    // The one that may not join keeps out nobody else.
    assert_eq!(root.everybody().sockets_join("all"), Err(JoinError::TooManyRooms));
    assert_eq!(
        [a.rooms(), b.rooms(), c.rooms()],
        [vec!["ab", "all"], vec!["ab", "bc"], vec!["all", "bc"]]
    );
    root.everybody().sockets_leave("all");
    root.to("bc").except("ab").sockets_leave("bc");
    assert_eq!([a.rooms(), b.rooms(), c.rooms()], [vec!["ab"], vec!["ab", "bc"], vec![]]);

    b.set_data(Value::Bool(true));
    let bc = root.to("bc").local();
    let fetched = world.run(async move { bc.fetch_sockets().await }).output().unwrap();
    let [found] = &fetched[..] else { panic!("{fetched:?}") };
    assert_eq!(found.id, *b.id());
    assert_eq!((&found.rooms[..], &found.data), (&b.rooms()[..], &Value::Bool(true)));
    assert!(found.handshake.url().contains("transport=websocket"));
}

#[test]
fn a_selection_may_lose_its_namespace_or_its_session() {
    let (world, log) = recorder();
    let [(mut a, _), (mut b, room), (mut c, _)] = [(); 3].map(|()| member(&world));
    world.io().namespace("/admin");
    b.send("40/admin,");
    b.text();
    room.join("room").unwrap();
    log.take();
    world.io().to("room").disconnect_sessions();
    assert_eq!(
        b.frames(),
        [Frame::Text("41".into()), Frame::Text("41/admin,".into()), Frame::Close(vec![])]
    );
    room.broadcast().disconnect_sockets();
    assert_eq!([a.texts(), c.texts()], [["41"], ["41"]]);
    assert_eq!(log.take(), ["server namespace disconnect"; 3]);
    assert_eq!(world.io().session_count(), 2);
}
