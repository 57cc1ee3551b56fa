//! Conversations with a server connection, in virtual time.

use std::time::Duration;

use crate::peer::{ADMIN, Peer, namespace};
use bytes::Bytes;
use spola_socketio::server::{
    CloseReason, Config, Connection, Declined, DisconnectReason, Event, SendError, Violation,
};
use spola_socketio_packet::{
    AckId, Data, DecodeError, Namespace, RawValue, encode_ack, encode_event,
};

const SECOND: Duration = Duration::from_secs(1);

fn disconnected(name: &str, reason: DisconnectReason) -> Event {
    Event::Disconnected { namespace: namespace(name), reason, unanswered: Vec::new() }
}

/// What sockets and application are told when the connection fails with the root joined.
fn broken(reason: CloseReason) -> Vec<Event> {
    vec![disconnected("/", reason.disconnect_reason()), Event::Closed(reason)]
}

#[test]
fn client_joins_and_is_answered() {
    let mut peer = Peer::new(Config::default());
    let auth = r#"{"token":"x"}"#;
    let events = peer.says(&format!("0{auth}"));
    let requested =
        Event::ConnectRequested { namespace: Namespace::root(), auth: Some(auth.into()) };
    assert_eq!(events, [requested]);
    peer.connection.accept(&Namespace::root(), "wZX3oN0bSVIhsaknAAAI").unwrap();
    assert_eq!(peer.hears(), [r#"0{"sid":"wZX3oN0bSVIhsaknAAAI"}"#]);

    assert_eq!(peer.says("0/admin,").len(), 1);
    peer.connection.accept(&namespace(ADMIN), "b").unwrap();
    assert_eq!(peer.hears(), [r#"0/admin,{"sid":"b"}"#]);
    let joined: Vec<_> = peer.connection.namespaces().map(|name| name.as_str()).collect();
    assert_eq!(joined, ["/", ADMIN]);
}

#[test]
fn recoverable_client_is_told_by_which_id_to_ask() {
    let mut peer = Peer::new(Config::default());
    let root = Namespace::root();
    assert!(!peer.connection.is_requested(&root));
    peer.says(r#"0{"pid":"P","offset":"o1"}"#);
    assert!(peer.connection.is_requested(&root));
    peer.connection.accept_recoverable(&root, "a", "P").unwrap();
    assert!(!peer.connection.is_requested(&root));
    assert_eq!(peer.hears(), [r#"0{"sid":"a","pid":"P"}"#]);
    let again = peer.connection.accept_recoverable(&root, "a", "P");
    assert_eq!(again, Err(SendError::NotRequested));
}

#[test]
fn refused_client_stays_and_may_ask_again() {
    let mut peer = Peer::new(Config::default());
    for data in [None, Some(r#"{"code":"E1"}"#)] {
        assert_eq!(peer.says("0/admin,").len(), 1);
        let data = data.map(|data| RawValue::from_string(data.into()).unwrap());
        peer.connection.refuse(&namespace(ADMIN), "Not authorized", data.as_deref()).unwrap();
    }
    assert_eq!(
        peer.hears(),
        [
            r#"4/admin,{"message":"Not authorized"}"#,
            r#"4/admin,{"message":"Not authorized","data":{"code":"E1"}}"#
        ]
    );
    assert_eq!(peer.join("/admin"), [r#"0/admin,{"sid":"a"}"#]);
}

#[test]
fn prefix_stands_before_every_packet() {
    let mut config = Config::default();
    config.prefix = "4";
    let mut peer = Peer::new(config);
    assert_eq!(peer.join("/"), [r#"40{"sid":"a"}"#]);
    peer.says("0/b");
    peer.connection.refuse(&namespace("/b"), "Invalid namespace", None).unwrap();
    peer.connection.close();
    assert_eq!(peer.hears(), [r#"44/b,{"message":"Invalid namespace"}"#, "41"]);
}

#[test]
fn events_and_acknowledgements_go_both_ways() {
    let mut peer = Peer::joined();
    let root = Namespace::root();
    let [Event::Received { ack: Some(ack), data, .. }] = &peer.says(r#"27["ping?",1]"#)[..] else {
        panic!("an event with id")
    };
    assert_eq!(data.extract::<u8>().unwrap(), 1);
    peer.connection.acknowledge(&root, encode_ack("", &root, *ack, &"pong!").unwrap()).unwrap();
    let hello = encode_event("", &root, None, "hello", &(1, 2)).unwrap();
    peer.connection.emit(&root, hello).unwrap();
    assert_eq!(peer.hears(), [r#"37["pong!"]"#, r#"2["hello",1,2]"#]);

    let first = peer.ask(&root, None);
    let second = peer.ask(&root, None);
    assert_eq!(peer.hears(), [r#"20["ask"]"#, r#"21["ask"]"#]);
    let acked = |ack| Event::Acked { namespace: root.clone(), ack, data: Data::default() };
    assert_eq!(peer.says("31[]"), [acked(second)]);
    assert_eq!(peer.says("30[]"), [acked(first)]);
    assert_eq!(peer.connection.poll_timeout(), None);
}

#[test]
fn unknown_repeated_and_late_acknowledgements_are_told_of_and_change_nothing() {
    let unknown = [Event::Declined(Declined::UnknownAck)];
    let mut peer = Peer::joined();
    assert_eq!(peer.says("3999[]"), unknown);
    peer.ask(&Namespace::root(), None);
    assert_eq!(peer.says("30[]").len(), 1);
    assert_eq!(peer.says("30[]"), unknown);
    let ack = peer.ask(&Namespace::root(), Some(SECOND));
    assert_eq!(peer.waits(SECOND), [Event::AckTimedOut { namespace: Namespace::root(), ack }]);
    assert_eq!(peer.says("31[]"), unknown);
    let ack = peer.ask(&Namespace::root(), None);
    peer.connection.cancel_ack(&Namespace::root(), ack);
    peer.connection.cancel_ack(&Namespace::root(), ack);
    peer.connection.cancel_ack(&namespace("/never"), ack);
    assert_eq!(peer.connection.poll_timeout(), None);
    assert_eq!(peer.says("32[]"), unknown);
    assert!(!peer.connection.is_closed());
}

#[test]
fn acknowledgements_time_out_each_at_its_time() {
    let mut peer = Peer::joined();
    peer.join(ADMIN);
    let root = Namespace::root();
    let admin = namespace(ADMIN);
    let late = peer.ask(&root, None);
    let soon = peer.ask(&root, Some(SECOND));
    let other = peer.ask(&admin, Some(SECOND * 2));
    let never = peer.ask(&root, Some(Duration::MAX));
    assert_eq!(peer.connection.poll_timeout(), Some(peer.now + SECOND));
    assert_eq!(peer.waits(SECOND / 2), []);
    assert_eq!(
        peer.waits(SECOND * 2),
        [
            Event::AckTimedOut { namespace: root.clone(), ack: soon },
            Event::AckTimedOut { namespace: admin, ack: other }
        ]
    );
    assert_eq!(peer.waits(SECOND * 57), []);
    assert_eq!(peer.waits(SECOND), [Event::AckTimedOut { namespace: root.clone(), ack: late }]);
    assert_eq!(peer.connection.poll_timeout(), None);
    peer.connection.handle_closed(DisconnectReason::TransportClose);
    let Some(Event::Disconnected { unanswered, .. }) = peer.events().into_iter().next() else {
        panic!("the root ends first")
    };
    assert_eq!(unanswered, [never]);
}

#[test]
fn one_event_goes_to_many_with_one_acknowledgement_id() {
    let root = Namespace::root();
    let ack = AckId::from(456);
    let data = Bytes::from_static(&[1]);
    let event = encode_event("", &root, Some(ack), "all", &data).unwrap();
    for mut peer in [Peer::joined(), Peer::joined()] {
        let mut emit = || {
            let now = peer.now;
            peer.connection.await_ack(now, &root, ack, Some(SECOND))?;
            peer.connection.emit(&root, event.clone())
        };
        assert_eq!(emit(), Ok(()));
        assert_eq!(emit(), Err(SendError::AckIdInUse));
        assert_eq!(peer.hears(), [r#"51-456["all",{"_placeholder":true,"num":0}]"#]);
        assert!(matches!(&peer.says("3456[]")[..], [Event::Acked { .. }]));
    }
}

#[test]
fn outstanding_acknowledgements_are_limited() {
    let mut config = Config::default();
    config.max_outstanding_acks = 2;
    let mut peer = Peer::new(config);
    peer.join("/");
    let root = Namespace::root();
    let first = peer.ask(&root, None);
    peer.ask(&root, None);
    assert_eq!(peer.try_ask(&root, None), Err(SendError::TooManyAcks));
    peer.connection.cancel_ack(&root, first);
    assert_eq!(peer.ask(&root, None), AckId::from(3));
}

#[test]
fn binary_packets_are_put_together() {
    let mut peer = Peer::joined();
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    assert_eq!(peer.says(&format!(r#"51-["a",{placeholder}]"#)), []);
    let [Event::Received { data, .. }] = &peer.says_bytes(&[1, 2])[..] else { panic!("an event") };
    assert_eq!(data.extract::<&[u8]>().unwrap(), [1, 2]);
    assert_eq!(peer.connection.poll_timeout(), None);
}

#[test]
fn stalled_binary_packet_closes() {
    let mut peer = Peer::joined();
    assert_eq!(peer.says(r#"52-["a"]"#), []);
    assert_eq!(peer.waits(SECOND * 29), []);
    assert_eq!(peer.says_bytes(&[1]), []);
    assert_eq!(peer.waits(SECOND), broken(CloseReason::BinaryTimeout));
    assert_eq!(peer.hears(), [""; 0]);
}

#[test]
fn malformed_packets_close_without_a_word() {
    let error = DecodeError::UnexpectedText;
    for text in ["2", "2[]", "7", "", "1{}", "0null", r#"2["connect"]"#, r#"511-["a"]"#, "31{}"] {
        let mut peer = Peer::joined();
        let events = peer.says(text);
        let Some(Event::Closed(reason @ CloseReason::Malformed(_))) = events.last() else {
            panic!("{text}: {events:?}")
        };
        assert_eq!(events, broken(*reason), "{text}");
        assert_eq!(reason.disconnect_reason().as_str(), "forced close");
        assert_eq!(peer.hears(), [""; 0]);
    }
    let mut peer = Peer::joined();
    assert_eq!(peer.says(r#"51-["a"]"#), []);
    assert_eq!(peer.says(r#"2["b"]"#), broken(error.into()));
    let mut peer = Peer::joined();
    assert_eq!(peer.says_bytes(&[0]), broken(DecodeError::UnexpectedBinary.into()));
    let mut peer = Peer::joined();
    assert_eq!(peer.says(r#"51-["a",{"_placeholder":true,"num":1}]"#), []);
    assert_eq!(peer.says_bytes(&[0]), broken(DecodeError::Placeholder.into()));
}

#[test]
fn violations_close_without_a_word() {
    let table = [
        ("0", Violation::DuplicateConnect),
        (r#"2/never,["a"]"#, Violation::NotJoined),
        ("3/never,0[]", Violation::NotJoined),
        ("1/never,", Violation::NotJoined),
        (r#"51-/never,["a"]"#, Violation::NotJoined),
        ("61-/never,0[]", Violation::NotJoined),
        (r#"2/pending,["a"]"#, Violation::NotJoined),
        (r#"51-/pending,["a"]"#, Violation::NotJoined),
        ("1/pending,", Violation::NotJoined),
        ("0/pending,", Violation::DuplicateConnect),
        (r#"2/refused,["a"]"#, Violation::NotJoined),
        (r#"2/left,["a"]"#, Violation::NotJoined),
        ("1/left,", Violation::NotJoined),
        ("4", Violation::ConnectErrorFromClient),
        (r#"4{"message":"no"}"#, Violation::ConnectErrorFromClient),
        (r#"4/never,"no""#, Violation::ConnectErrorFromClient),
    ];
    for (text, violation) in table {
        let mut peer = Peer::joined();
        peer.says("0/pending,");
        peer.says("0/refused,");
        peer.connection.refuse(&namespace("/refused"), "no", None).unwrap();
        peer.join("/left");
        peer.says("1/left,");
        peer.hears();
        assert_eq!(peer.says(text), broken(violation.into()), "{text}");
        assert_eq!(peer.hears(), [""; 0]);
    }
    assert_eq!(
        CloseReason::from(Violation::NotJoined).disconnect_reason().as_str(),
        "forced server close"
    );
}

#[test]
fn nothing_is_joined_implicitly() {
    let mut peer = Peer::new(Config::default());
    assert_eq!(peer.says(r#"2["a"]"#), [Event::Closed(Violation::NotJoined.into())]);
}

#[test]
fn client_leaves_and_joins_again() {
    let mut peer = Peer::joined();
    let ack = peer.ask(&Namespace::root(), None);
    let left = Event::Disconnected {
        namespace: Namespace::root(),
        reason: DisconnectReason::ClientNamespaceDisconnect,
        unanswered: vec![ack],
    };
    assert_eq!(peer.says("1"), [left]);
    assert_eq!(peer.connection.poll_timeout(), None);
    peer.hears();
    assert_eq!(peer.join("/"), [r#"0{"sid":"a"}"#]);
    // The answer to the earlier stay's question is an answer to nothing.
    assert_eq!(peer.says("30[]"), [Event::Declined(Declined::UnknownAck)]);
}

#[test]
fn what_is_under_way_to_a_namespace_the_server_ended_is_ignored() {
    let mut peer = Peer::joined();
    peer.join(ADMIN);
    let admin = namespace(ADMIN);
    assert_eq!(peer.says(r#"51-/admin,["half"]"#), []);
    assert_eq!(peer.connection.incomplete_len(), Some(8));
    peer.connection.disconnect(&admin).unwrap();
    assert_eq!(peer.hears(), ["1/admin,"]);
    assert_eq!(peer.events(), [disconnected(ADMIN, DisconnectReason::ServerNamespaceDisconnect)]);
    assert_eq!(peer.says_bytes(&[0]), []);
    assert_eq!(peer.connection.incomplete_len(), None);
    for text in [r#"2/admin,["a"]"#, "3/admin,0[]", r#"51-/admin,["b"]"#] {
        assert_eq!(peer.says(text), [], "{text}");
    }
    assert_eq!(peer.says_bytes(&[0]), []);
    assert_eq!(peer.says("1/admin,"), []);
    assert_eq!(peer.connection.disconnect(&admin), Err(SendError::NotJoined));
    assert_eq!(peer.says(r#"2["still here"]"#).len(), 1);

    assert_eq!(peer.says("0/admin,").len(), 1);
    assert!(matches!(&peer.says(r#"2/admin,["early"]"#)[..], [.., Event::Closed(_)]));
}

#[test]
fn namespaces_the_server_ended_are_remembered_up_to_the_limit() {
    let mut config = Config::default();
    config.max_namespaces = 3;
    let mut peer = Peer::new(config);
    for name in ["/a", "/d", "/b", "/c"] {
        peer.join(name);
        peer.connection.disconnect(&namespace(name)).unwrap();
        peer.events();
    }
    for name in ["/d", "/b", "/c"] {
        assert_eq!(peer.says(&format!(r#"2{name},["late"]"#)), [], "{name}");
    }
    assert_eq!(peer.says(r#"2/a,["late"]"#), [Event::Closed(Violation::NotJoined.into())]);
}

#[test]
fn connects_beyond_the_limits_are_refused() {
    let mut config = Config::default();
    config.max_pending_connects = 2;
    config.max_namespaces = 3;
    let mut peer = Peer::new(config);
    let refusal = |name: &str| [format!(r#"4{name},{{"message":"too many namespaces"}}"#)];
    assert_eq!(peer.says("0/a").len() + peer.says("0/b").len(), 2);
    assert_eq!(peer.says("0/c"), [Event::Declined(Declined::PendingConnects)]);
    assert_eq!(peer.hears(), refusal("/c"));
    peer.connection.accept(&namespace("/a"), "a").unwrap();
    peer.connection.accept(&namespace("/b"), "b").unwrap();
    peer.join("/c");
    peer.hears();
    assert_eq!(peer.says("0/d"), [Event::Declined(Declined::Namespaces)]);
    assert_eq!(peer.hears(), refusal("/d"));
    peer.says("1/a");
    assert_eq!(peer.says("0/d").len(), 1);
}

#[test]
fn client_that_joins_nothing_in_time_is_closed() {
    let mut peer = Peer::new(Config::default());
    peer.says("0/no");
    peer.connection.refuse(&namespace("/no"), "Invalid namespace", None).unwrap();
    peer.says("0/pending");
    assert_eq!(peer.connection.poll_timeout(), Some(peer.now + SECOND * 45));
    assert_eq!(peer.waits(SECOND * 44), []);
    assert_eq!(peer.waits(SECOND), [Event::Closed(CloseReason::ConnectTimeout)]);
    assert_eq!(CloseReason::ConnectTimeout.disconnect_reason().as_str(), "forced server close");
    assert_eq!(peer.connection.accept(&namespace("/pending"), "a"), Err(SendError::Closed));

    let mut peer = Peer::joined();
    peer.says("1");
    assert_eq!(peer.connection.poll_timeout(), None);
    assert_eq!(peer.waits(SECOND * 1000), []);
}

#[test]
fn zero_switches_timers_off() {
    let mut config = Config::default();
    config.connect_timeout = Duration::ZERO;
    config.binary_timeout = Duration::ZERO;
    let mut peer = Peer::new(config);
    assert_eq!(peer.connection.poll_timeout(), None);
    peer.join("/");
    peer.says(r#"51-["a"]"#);
    assert_eq!(peer.connection.poll_timeout(), None);
}

#[test]
fn server_ends_the_whole_session() {
    let mut peer = Peer::joined();
    peer.join(ADMIN);
    peer.says("0/pending");
    let hello = encode_event("", &Namespace::root(), None, "bye", &()).unwrap();
    peer.connection.emit(&Namespace::root(), hello).unwrap();
    peer.connection.close();
    peer.connection.close();
    assert_eq!(peer.hears(), [r#"2["bye"]"#, "1", "1/admin,"]);
    let reason = DisconnectReason::ServerNamespaceDisconnect;
    assert_eq!(
        peer.events(),
        [
            disconnected("/", reason),
            disconnected(ADMIN, reason),
            Event::Closed(CloseReason::Command)
        ]
    );
}

#[test]
fn lost_transport_ends_every_namespace_with_its_reason() {
    for reason in [
        DisconnectReason::TransportClose,
        DisconnectReason::PingTimeout,
        DisconnectReason::ServerShuttingDown,
    ] {
        let mut peer = Peer::joined();
        peer.join(ADMIN);
        peer.connection.handle_closed(reason);
        peer.connection.handle_closed(DisconnectReason::TransportError);
        assert_eq!(
            peer.events(),
            [
                disconnected("/", reason),
                disconnected(ADMIN, reason),
                Event::Closed(CloseReason::Transport(reason))
            ]
        );
        assert_eq!(peer.hears(), [""; 0]);
        assert_eq!(peer.says("0"), []);
        assert_eq!(peer.connection.poll_timeout(), None);
    }
}

#[test]
fn commands_the_state_does_not_allow_change_nothing() {
    let mut peer = Peer::joined();
    let (root, admin) = (Namespace::root(), namespace(ADMIN));
    let event = encode_event("", &admin, None, "e", &()).unwrap();
    let (now, ack) = (peer.now, AckId::from(0));
    let connection = &mut peer.connection;
    assert_eq!(connection.accept(&root, "a"), Err(SendError::NotRequested));
    assert_eq!(connection.accept(&admin, "a"), Err(SendError::NotRequested));
    assert_eq!(connection.refuse(&root, "no", None), Err(SendError::NotRequested));
    assert_eq!(connection.emit(&admin, event.clone()), Err(SendError::NotJoined));
    assert_eq!(connection.acknowledge(&admin, event.clone()), Err(SendError::NotJoined));
    assert_eq!(connection.check_emit(&admin, 0), Err(SendError::NotJoined));
    assert_eq!(connection.await_ack(now, &admin, ack, None), Err(SendError::NotJoined));
    assert_eq!(connection.disconnect(&admin), Err(SendError::NotJoined));
    let many = vec![Bytes::new(); 11];
    let event_of_many = encode_event("", &root, None, "e", &many).unwrap();
    assert_eq!(connection.check_emit(&root, 11), Err(SendError::TooManyAttachments));
    assert_eq!(connection.check_emit(&root, 10), Ok(()));
    assert_eq!(connection.emit(&root, event_of_many), Err(SendError::TooManyAttachments));
    assert_eq!(connection.poll_transmit(), None);
    assert_eq!(connection.poll_event(), None);

    connection.close();
    assert_eq!(connection.emit(&root, event), Err(SendError::Closed));
    assert_eq!(connection.check_emit(&root, 0), Err(SendError::Closed));
    assert_eq!(connection.await_ack(now, &root, ack, None), Err(SendError::Closed));
    assert_eq!(connection.disconnect(&root), Err(SendError::Closed));
    assert_eq!(connection.accept(&root, "a"), Err(SendError::Closed));
}

#[test]
fn reasons_have_the_official_words() {
    let table = [
        (DisconnectReason::ClientNamespaceDisconnect, "client namespace disconnect"),
        (DisconnectReason::ServerNamespaceDisconnect, "server namespace disconnect"),
        (DisconnectReason::TransportClose, "transport close"),
        (DisconnectReason::TransportError, "transport error"),
        (DisconnectReason::PingTimeout, "ping timeout"),
        (DisconnectReason::ParseError, "parse error"),
        (DisconnectReason::ForcedClose, "forced close"),
        (DisconnectReason::ForcedServerClose, "forced server close"),
        (DisconnectReason::ServerShuttingDown, "server shutting down"),
    ];
    for (reason, words) in table {
        assert_eq!(reason.as_str(), words);
        assert_eq!(reason.to_string(), words);
    }
}

#[test]
fn idle_connection_is_small() {
    // On the heap it has one entry for its namespace, of about 80 bytes.
    assert!(size_of::<Connection>() <= 472, "{}", size_of::<Connection>());
}
