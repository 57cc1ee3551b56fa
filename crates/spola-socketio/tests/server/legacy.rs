//! Clients of the protocol's revision 4, and of 3 (§22).

use std::time::Duration;

use crate::peer::{Peer, namespace};
use spola_socketio::server::{CloseReason, Config, DisconnectReason, Event, Revision, Violation};
use spola_socketio_packet::{Namespace, RawValue};

fn config() -> Config {
    let mut config = Config::default();
    config.revision = Revision::V4;
    config
}

/// A client that has just opened its session.
fn opened() -> Peer {
    Peer::new(config())
}

/// A client that was let into the root.
fn joined() -> Peer {
    let mut peer = opened();
    assert_eq!(peer.events(), [requested("/", None)]);
    peer.connection.accept(&Namespace::root(), "a").unwrap();
    assert_eq!(peer.hears(), ["0"]);
    peer
}

fn requested(name: &str, auth: Option<&str>) -> Event {
    Event::ConnectRequested { namespace: namespace(name), auth: auth.map(Into::into) }
}

fn left(name: &str, reason: DisconnectReason) -> Event {
    Event::Disconnected { namespace: namespace(name), reason, unanswered: Vec::new() }
}

/// What is told when the connection breaks with the root joined.
fn broken(reason: CloseReason) -> Vec<Event> {
    vec![left("/", reason.disconnect_reason()), Event::Closed(reason)]
}

#[test]
fn root_is_joined_without_being_asked_for() {
    let mut peer = joined();
    assert!(peer.connection.is_joined(&Namespace::root()));
    assert_eq!(peer.connection.poll_timeout(), None);
    let events = peer.says(r#"20["a"]"#);
    assert!(matches!(&events[..], [Event::Received { ack: Some(_), .. }]), "{events:?}");
}

#[test]
fn refused_client_keeps_its_session() {
    let mut peer = opened();
    peer.events();
    peer.connection.refuse(&Namespace::root(), "no \"entry\"", None).unwrap();
    assert_eq!(peer.hears(), [r#"4"no \"entry\"""#]);
    assert_eq!(peer.says("0/admin"), [requested("/admin", None)]);
    peer.connection.accept(&namespace("/admin"), "b").unwrap();
    assert_eq!(peer.hears(), ["0/admin,"]);
}

#[test]
fn client_that_gets_in_nowhere_is_closed_in_time() {
    let mut peer = opened();
    peer.events();
    peer.connection.refuse(&Namespace::root(), "no", None).unwrap();
    assert!(peer.waits(Duration::from_millis(44_999)).is_empty());
    let closed = [Event::Closed(CloseReason::ConnectTimeout)];
    assert_eq!(peer.waits(Duration::from_millis(1)), closed);
}

#[test]
fn error_is_the_data_or_else_the_message() {
    let mut peer = joined();
    for (data, payload) in [
        (None, r#""nope""#),
        (Some(r#"{"code":1}"#), r#"{"code":1}"#),
        (Some("[]"), "[]"),
        (Some("7"), "7"),
        (Some("true"), "true"),
        (Some(r#""x""#), r#""x""#),
        // What is false in JavaScript is no data.
        (Some("null"), r#""nope""#),
        (Some("false"), r#""nope""#),
        (Some("0"), r#""nope""#),
        (Some("-0.0"), r#""nope""#),
        (Some(r#""""#), r#""nope""#),
    ] {
        peer.says("0/auth,");
        let data = data.map(|data| RawValue::from_string(data.into()).unwrap());
        peer.connection.refuse(&namespace("/auth"), "nope", data.as_deref()).unwrap();
        assert_eq!(peer.hears(), [format!("4/auth,{payload}")]);
    }
    peer.says("0/random,");
    peer.connection.refuse(&namespace("/random"), "Invalid namespace", None).unwrap();
    assert_eq!(peer.hears(), [r#"4/random,{"message":"Invalid namespace"}"#]);
}

#[test]
fn credentials_come_in_the_query() {
    let mut peer = joined();
    for (text, name, auth) in [
        ("0/admin?token=1&x=%20a,", "/admin", Some(r#"{"token":"1","x":" a"}"#)),
        ("0/b?token=1", "/b", Some(r#"{"token":"1"}"#)),
        // A payload is ignored, whatever it is.
        (r#"0/c,{"token":"1"}"#, "/c", None),
        ("0/d,null", "/d", None),
    ] {
        assert_eq!(peer.says(text), [requested(name, auth)], "{text}");
        peer.connection.accept(&namespace(name), "a").unwrap();
        assert_eq!(peer.hears(), [format!("0{name},")]);
    }
}

#[test]
fn credentials_may_be_longer_than_a_namespace() {
    let mut peer = joined();
    let token = "x".repeat(60_000);
    let auth = format!(r#"{{"token":"{token}"}}"#);
    assert_eq!(peer.says(&format!("0/a?token={token},")), [requested("/a", Some(&auth))]);
    let events = peer.says(&format!("0/b?token={},", "x".repeat(70_000)));
    assert!(matches!(events.last(), Some(Event::Closed(CloseReason::Malformed(_)))), "{events:?}");
}

#[test]
fn names_of_all_packets_are_read_alike() {
    let mut peer = joined();
    assert_eq!(peer.says("0/x/../é,"), [requested("/%C3%A9", None)]);
    peer.connection.accept(&namespace("/%C3%A9"), "a").unwrap();
    assert_eq!(peer.hears(), ["0/%C3%A9,"]);
    for name in ["/é", "/%C3%A9", "/x/../é", "/é?token=1"] {
        let events = peer.says(&format!(r#"2{name},["a"]"#));
        assert!(
            matches!(&events[..], [Event::Received { namespace, .. }] if namespace == "/%C3%A9")
        );
        assert!(
            peer.says(&format!(r#"51-{name},["a",{{"_placeholder":true,"num":0}}]"#)).is_empty()
        );
        assert_eq!(peer.says_bytes(b"x").len(), 1, "{name}");
    }
    let reason = DisconnectReason::ClientNamespaceDisconnect;
    assert_eq!(peer.says("1/é"), [left("/%C3%A9", reason)]);
}

#[test]
fn name_that_is_no_path_closes() {
    for text in ["0//", "0//host/a,", r#"2//,["a"]"#, r#"51-//,["a"]"#, "1/\\"] {
        let mut peer = joined();
        let events = peer.says(text);
        let closed = matches!(events.last(), Some(Event::Closed(CloseReason::Malformed(_))));
        assert!(closed, "{text}: {events:?}");
    }
}

#[test]
fn asking_for_the_root_is_a_violation() {
    for text in ["0", "0/", "0/,", "0/?token=1,", "0{}", "0[", "07"] {
        let mut peer = joined();
        let violation = CloseReason::Violation(Violation::DuplicateConnect);
        assert_eq!(peer.says(text), broken(violation), "{text}");
    }
    let mut peer = opened();
    peer.events();
    let violation = CloseReason::Violation(Violation::DuplicateConnect);
    assert_eq!(peer.says("0"), [Event::Closed(violation)], "while it is pending, too");
}

#[test]
fn connect_between_attachments_is_no_connect() {
    let mut peer = joined();
    assert!(peer.says(r#"51-["a",{"_placeholder":true,"num":0}]"#).is_empty());
    let events = peer.says("0/admin,");
    assert!(matches!(events.last(), Some(Event::Closed(CloseReason::Malformed(_)))), "{events:?}");
}

#[test]
fn leaving_the_root_leaves_the_session() {
    let mut peer = joined();
    peer.says("0/admin,");
    peer.connection.accept(&namespace("/admin"), "a").unwrap();
    assert_eq!(peer.says("1"), [left("/", DisconnectReason::ClientNamespaceDisconnect)]);
    assert_eq!(peer.says(r#"2/admin,["a"]"#).len(), 1);
}
