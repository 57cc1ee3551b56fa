//! How sockets and connections end.

use crate::peer::{ADMIN, Peer, namespace};
use bytes::Bytes;
use spola_socketio::server::{CloseReason, Declined, DisconnectReason, Event, SendError};
use spola_socketio_packet::{AckId, Namespace, encode_event};

use super::disconnected;

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
