//! Whatever comes, in whatever order: the connection keeps its promises.

use std::{collections::BTreeSet, time::Duration};

use crate::peer::{Peer, namespace};
use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use spola_socketio::server::{Config, DisconnectReason, Event, Revision, SendError};
use spola_socketio_packet::{AckId, encode_event};

const NAMES: [&str; 4] = ["/", "/a", "/b", "/c"];

#[derive(Clone, Debug)]
enum Step {
    Text(String),
    Binary(Vec<u8>),
    Wait(u64),
    Accept(usize),
    Refuse(usize),
    Emit(usize),
    Ask(usize, Option<u64>),
    AskAll(usize, u64),
    Cancel(usize, u64),
    Disconnect(usize),
    Close,
    Lose,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let nsp = || proptest::sample::select(&["", "/a,", "/b,", "/c,"][..]);
    let seconds = 0..70_u64;
    prop_oneof![
        6 => nsp().prop_map(|nsp| Step::Text(format!("0{nsp}"))),
        4 => nsp().prop_map(|nsp| Step::Text(format!("1{nsp}"))),
        8 => nsp().prop_map(|nsp| Step::Text(format!("2{nsp}[\"e\",1]"))),
        8 => (nsp(), 0..4_u64).prop_map(|(nsp, ack)| Step::Text(format!("3{nsp}{ack}[]"))),
        2 => (nsp(), 1..3).prop_map(|(nsp, count)| Step::Text(format!("5{count}-{nsp}[\"e\"]"))),
        1 => "[0-6]?.{0,6}".prop_map(Step::Text),
        1 => "0/[abé./%2e?=&#\\\\ ]{0,8}".prop_map(Step::Text),
        3 => vec(any::<u8>(), 0..3).prop_map(Step::Binary),
        4 => seconds.clone().prop_map(Step::Wait),
        12 => name.clone().prop_map(Step::Accept),
        1 => name.clone().prop_map(Step::Refuse),
        3 => name.clone().prop_map(Step::Emit),
        8 => (name.clone(), proptest::option::of(seconds.clone())).prop_map(|(n, t)| Step::Ask(n, t)),
        3 => (name.clone(), 0..3_u64).prop_map(|(n, id)| Step::AskAll(n, id)),
        2 => (name.clone(), 0..4_u64).prop_map(|(n, id)| Step::Cancel(n, id)),
        2 => name.prop_map(Step::Disconnect),
        1 => Just(Step::Close),
        1 => Just(Step::Lose),
    ]
}

/// What the application knows: which namespaces are joined, which answers are due, and whether
/// the connection is over.
#[derive(Default)]
struct Application {
    joined: BTreeSet<String>,
    pending: BTreeSet<String>,
    due: BTreeSet<(String, AckId)>,
    over: bool,
}

impl Application {
    fn learn(&mut self, event: Event) {
        assert!(!self.over, "{event:?} after Closed");
        match event {
            Event::ConnectRequested { namespace, .. } => {
                assert!(!self.joined.contains(namespace.as_str()));
                assert!(self.pending.insert(namespace.to_string()));
            }
            Event::Received { namespace, .. } => {
                assert!(self.joined.contains(namespace.as_str()));
            }
            Event::Acked { namespace, ack, .. } | Event::AckTimedOut { namespace, ack } => {
                assert!(self.due.remove(&(namespace.to_string(), ack)));
            }
            Event::Disconnected { namespace, unanswered, .. } => {
                assert!(self.joined.remove(namespace.as_str()));
                for ack in unanswered {
                    assert!(self.due.remove(&(namespace.to_string(), ack)));
                }
                assert!(self.due.iter().all(|(name, _)| name != namespace.as_str()));
            }
            Event::Closed(_) => {
                assert!(self.joined.is_empty() && self.due.is_empty());
                self.over = true;
            }
            Event::Declined(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn act(&mut self, peer: &mut Peer, step: Step) {
        let now = peer.now;
        let connection = &mut peer.connection;
        match step {
            Step::Text(text) => connection.handle_text(now, text.into()),
            Step::Binary(bytes) => connection.handle_binary(now, Bytes::from(bytes)),
            Step::Wait(seconds) => {
                peer.now += Duration::from_secs(seconds);
                connection.handle_timeout(peer.now);
            }
            Step::Accept(n) => {
                let result = connection.accept(&namespace(NAMES[n]), "a");
                assert_eq!(result.is_ok(), !self.over && self.pending.remove(NAMES[n]));
                if result.is_ok() {
                    self.joined.insert(NAMES[n].into());
                }
            }
            Step::Refuse(n) => {
                let result = connection.refuse(&namespace(NAMES[n]), "no", None);
                assert_eq!(result.is_ok(), !self.over && self.pending.remove(NAMES[n]));
            }
            Step::Emit(n) => {
                let event = encode_event("", &namespace(NAMES[n]), None, "e", &1).unwrap();
                let result = connection.emit(&namespace(NAMES[n]), event);
                assert_eq!(result.is_ok(), self.joined.contains(NAMES[n]));
            }
            Step::Ask(n, timeout) => {
                let timeout = timeout.map(Duration::from_secs);
                match peer.try_ask(&namespace(NAMES[n]), timeout) {
                    Ok(ack) => assert!(self.due.insert((NAMES[n].into(), ack))),
                    Err(SendError::TooManyAcks) => assert!(self.joined.contains(NAMES[n])),
                    Err(_) => assert!(!self.joined.contains(NAMES[n])),
                }
            }
            Step::AskAll(n, id) => {
                let ack = AckId::new(1000 + id).unwrap();
                let name = namespace(NAMES[n]);
                match connection.await_ack(now, &name, ack, None) {
                    Ok(()) => assert!(self.due.insert((NAMES[n].into(), ack))),
                    Err(SendError::TooManyAcks) => assert!(self.joined.contains(NAMES[n])),
                    Err(SendError::AckIdInUse) => {
                        assert!(self.due.contains(&(NAMES[n].into(), ack)));
                    }
                    Err(_) => assert!(!self.joined.contains(NAMES[n])),
                }
            }
            Step::Cancel(n, id) => {
                let ack = AckId::new(id).unwrap();
                connection.cancel_ack(&namespace(NAMES[n]), ack);
                self.due.remove(&(NAMES[n].into(), ack));
            }
            Step::Disconnect(n) => {
                let result = connection.disconnect(&namespace(NAMES[n]));
                assert_eq!(result.is_ok(), self.joined.contains(NAMES[n]));
            }
            Step::Close => connection.close(),
            Step::Lose => connection.handle_closed(DisconnectReason::TransportClose),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_ends_once_with_everything_settled(old: bool, steps in vec(step(), 1..60)) {
        let mut config = Config::default();
        config.max_outstanding_acks = 3;
        config.max_namespaces = 3;
        config.max_pending_connects = 2;
        config.revision = if old { Revision::V4 } else { Revision::V5 };
        let mut peer = Peer::new(config);
        let mut application = Application::default();
        peer.events().into_iter().for_each(|event| application.learn(event));
        for step in steps {
            application.act(&mut peer, step);
            for event in peer.events() {
                application.learn(event);
            }
            let joined: BTreeSet<_> = peer.connection.namespaces().map(|name| name.to_string()).collect();
            prop_assert_eq!(&joined, &application.joined);
            prop_assert!(joined.len() + application.pending.len() <= 3 || application.over);
            prop_assert_eq!(peer.connection.is_closed(), application.over);
            if application.over {
                prop_assert_eq!(peer.connection.poll_timeout(), None);
            } else if application.due.is_empty() && !application.joined.is_empty() {
                // All that can still be awaited then are attachments.
                prop_assert!(peer.connection.poll_timeout().is_none_or(|at| at <= peer.now + Duration::from_secs(30)));
            } else if !application.due.is_empty() {
                prop_assert!(peer.connection.poll_timeout().is_some());
            }
        }
        peer.connection.handle_closed(DisconnectReason::TransportClose);
        for event in peer.events() {
            application.learn(event);
        }
        prop_assert!(application.over);
        prop_assert_eq!(peer.connection.poll_timeout(), None);
        // Every packet that was sent is one.
        let mut decoder = spola_socketio_packet::Decoder::default();
        while let Some(packet) = peer.connection.poll_transmit() {
            prop_assert!(decoder.decode_text(packet.text).unwrap().is_some());
        }
    }

    #[test]
    fn deadlines_never_pass_unseen(timeouts in vec(0..100_u64, 1..20)) {
        let mut peer = Peer::joined();
        let start = peer.now;
        for timeout in &timeouts {
            peer.ask(&namespace("/"), Some(Duration::from_secs(*timeout)));
        }
        let mut timed_out = Vec::new();
        while let Some(deadline) = peer.connection.poll_timeout() {
            prop_assert!(deadline >= peer.now);
            peer.now = deadline;
            peer.connection.handle_timeout(peer.now);
            let events = peer.events();
            prop_assert!(!events.is_empty());
            timed_out.extend(events.iter().map(|_| (deadline - start).as_secs()));
        }
        let mut sorted = timeouts;
        sorted.sort_unstable();
        prop_assert_eq!(timed_out, sorted);
    }
}
