//! A server's connection under a list of inputs, commands and steps of time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use spola_socketio::server::{Config, Connection, DisconnectReason, Event, Revision, SendError};
use spola_socketio_packet::{AckId, Format, MessagePack, Namespace};

use super::{Message, messages};

const NAMES: [&str; 4] = ["/", "/a", "/b", "/c"];

/// What the application knows.
#[derive(Default)]
struct Known {
    joined: BTreeSet<Namespace>,
    pending: BTreeSet<Namespace>,
    due: BTreeSet<(Namespace, AckId)>,
    closed: bool,
    next_ack: u32,
}

/// The first byte sets the connection up, and each message is a step: bytes are what arrives, and so is
/// a text, unless it begins with `!`: then it is a command. In the end the connection is closed, once,
/// no timer is left, and every acknowledgement has settled.
pub fn check(bytes: &[u8]) {
    let (setup, rest) = crate::number(bytes);
    let mut now = start();
    let mut config = Config::default();
    config.max_namespaces = 3;
    config.max_pending_connects = 2;
    config.max_outstanding_acks = 3;
    if setup & 2 != 0 {
        config.revision = Revision::V4;
    }
    let format = if setup & 1 == 0 { Format::TEXT } else { Format::of(MessagePack) };
    let mut connection = Connection::with_format(format.clone(), config, now);
    let mut known = Known::default();
    settle(&mut connection, &mut known);
    for message in messages(rest) {
        match message {
            Message::Binary(data) => connection.handle_binary(now, data),
            Message::Text(text) => match text.strip_prefix('!') {
                Some(command) => act(&mut connection, &mut known, &format, &mut now, command),
                None => connection.handle_text(now, text.into()),
            },
        }
        settle(&mut connection, &mut known);
    }
    connection.handle_closed(DisconnectReason::TransportClose);
    settle(&mut connection, &mut known);
    assert!(known.closed && known.joined.is_empty() && known.due.is_empty());
}

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    // The one look at a clock: where it starts does not matter.
    Instant::now()
}

/// A letter, a namespace's number, and seconds.
fn act(
    connection: &mut Connection,
    known: &mut Known,
    format: &Format,
    now: &mut Instant,
    command: &str,
) {
    let mut bytes = command.bytes();
    let letter = bytes.next().unwrap_or_default();
    let name = NAMES[usize::from(bytes.next().unwrap_or_default()) % NAMES.len()];
    let seconds = u64::from(bytes.next().unwrap_or_default());
    let namespace: Namespace = name.parse().expect("a name");
    let is_joined = known.joined.contains(&namespace);
    match letter {
        b'a' => {
            let accepted = connection.accept(&namespace, "id").is_ok();
            assert_eq!(accepted, known.pending.remove(&namespace) && !known.closed);
            if accepted {
                known.joined.insert(namespace);
            }
        }
        b'r' => {
            let refused = connection.refuse(&namespace, "no", None).is_ok();
            assert_eq!(refused, known.pending.remove(&namespace) && !known.closed);
        }
        b'e' => {
            let event =
                format.encode_event("", &namespace, None, "e", &(1, Bytes::from_static(b"x")));
            assert_eq!(connection.emit(&namespace, event.expect("an event")).is_ok(), is_joined);
        }
        b'q' => {
            let ack = AckId::from(known.next_ack);
            known.next_ack += 1;
            let timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            match connection.await_ack(*now, &namespace, ack, timeout) {
                Ok(()) => {
                    let event = format.encode_event("", &namespace, Some(ack), "q", &seconds);
                    assert!(connection.emit(&namespace, event.expect("an event")).is_ok());
                    assert!(is_joined && known.due.insert((namespace, ack)));
                }
                Err(SendError::TooManyAcks) => assert!(is_joined),
                Err(_) => assert!(!is_joined),
            }
        }
        b'd' => assert_eq!(connection.disconnect(&namespace).is_ok(), is_joined),
        b'c' => connection.close(),
        b't' => {
            *now += Duration::from_secs(seconds);
            connection.handle_timeout(*now);
        }
        _ => connection.handle_timeout(*now),
    }
}

/// Takes what the connection has to say, and checks it.
fn settle(connection: &mut Connection, known: &mut Known) {
    while let Some(event) = connection.poll_event() {
        assert!(!known.closed, "{event:?} behind the end");
        match event {
            Event::ConnectRequested { namespace, .. } => {
                assert!(!known.joined.contains(&namespace) && known.pending.insert(namespace));
            }
            Event::Received { namespace, .. } => assert!(known.joined.contains(&namespace)),
            Event::Acked { namespace, ack, .. } | Event::AckTimedOut { namespace, ack } => {
                assert!(known.due.remove(&(namespace, ack)));
            }
            Event::Disconnected { namespace, unanswered, .. } => {
                assert!(known.joined.remove(&namespace));
                for ack in unanswered {
                    assert!(known.due.remove(&(namespace.clone(), ack)));
                }
            }
            Event::Declined(_) => {}
            Event::Closed(_) => known.closed = true,
            other => panic!("{other:?}"),
        }
    }
    while connection.poll_transmit().is_some() {}
    assert_eq!(connection.is_closed(), known.closed);
    if known.closed {
        assert_eq!(connection.poll_timeout(), None);
        known.pending.clear();
    } else {
        assert!(known.joined.len() + known.pending.len() <= 3 && known.pending.len() <= 2);
        assert!(known.due.is_empty() || connection.poll_timeout().is_some());
    }
}
