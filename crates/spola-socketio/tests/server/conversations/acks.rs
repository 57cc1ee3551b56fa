//! Acknowledgements, asked for by either side.

use std::time::Duration;

use crate::peer::{ADMIN, Peer, namespace};
use bytes::Bytes;
use spola_socketio::server::{Config, Declined, DisconnectReason, Event, SendError};
use spola_socketio_packet::{AckId, Data, Namespace, encode_ack, encode_event};

use super::SECOND;

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
