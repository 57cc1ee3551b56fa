//! What closes a connection or is refused, and timers.

use std::time::Duration;

use crate::peer::{Peer, namespace};
use spola_socketio::server::{
    CloseReason, Config, Connection, Declined, Event, SendError, Violation,
};
use spola_socketio_packet::DecodeError;

use super::{SECOND, broken};

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
fn idle_connection_is_small() {
    // On the heap it has one entry for its namespace, of about 80 bytes.
    assert!(size_of::<Connection>() <= 472, "{}", size_of::<Connection>());
}
