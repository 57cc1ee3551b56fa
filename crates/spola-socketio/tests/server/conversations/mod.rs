//! Conversations with a server connection, in virtual time.

mod acks;
mod ending;
mod limits;

use std::time::Duration;

use crate::peer::{ADMIN, Peer, namespace};
use spola_socketio::server::{CloseReason, Config, DisconnectReason, Event, SendError, Violation};
use spola_socketio_packet::{Namespace, RawValue};

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
fn binary_packets_are_put_together() {
    let mut peer = Peer::joined();
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    assert_eq!(peer.says(&format!(r#"51-["a",{placeholder}]"#)), []);
    let [Event::Received { data, .. }] = &peer.says_bytes(&[1, 2])[..] else { panic!("an event") };
    assert_eq!(data.extract::<&[u8]>().unwrap(), [1, 2]);
    assert_eq!(peer.connection.poll_timeout(), None);
}

#[test]
fn nothing_is_joined_implicitly() {
    let mut peer = Peer::new(Config::default());
    assert_eq!(peer.says(r#"2["a"]"#), [Event::Closed(Violation::NotJoined.into())]);
}
