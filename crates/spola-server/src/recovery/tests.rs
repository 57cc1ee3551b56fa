//! The log, the stays and their limits, on a clock that moves only when told.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use spola_engineio::Sid;
use spola_engineio::server::BinaryMode;
use spola_engineio_packet::Message;
use spola_socketio_packet::{Encoded, Value};

use super::budget::Budget;
use super::log::{Audience, Log};
use super::stays::{Left, Stay, Stays};
use super::{ConnectionStateRecovery, Recovery};
use crate::config::Config;
use crate::emit::EmitError;
use crate::outbound::Outbound;
use crate::rooms::Selection;
use crate::socket_id::SocketId;

fn start() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "an `Instant` can come from nowhere else; the clock starts here and stands still"
    )]
    Instant::now()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// With the official heartbeat, events matter for 25 + 2 × 20 s more than clients may be away.
fn budget(change: impl FnOnce(&mut ConnectionStateRecovery)) -> Arc<Budget> {
    let mut settings = ConnectionStateRecovery::default();
    change(&mut settings);
    let config = Config { connection_state_recovery: Some(settings), ..Config::default() };
    Budget::of(&config, &Arc::default()).expect("it was asked for")
}

fn event(text: &str) -> Outbound {
    let text = ByteString::from(format!("4{text}"));
    Outbound::new(Encoded { text, attachments: Vec::new() }, true)
}

fn id(number: u8) -> SocketId {
    SocketId::from_random([number; 15])
}

fn pid(number: u8) -> Sid {
    Sid::from_bytes([number; 15])
}

fn left(number: u8, at: Instant) -> Left {
    Left {
        stay: Stay { pid: pid(number), since: 0 },
        id: id(number),
        rooms: vec!["blue".into(), "green".into()],
        data: Value::default(),
        extensions: Arc::default(),
        at,
        _lease: None,
    }
}

fn to_all() -> Audience {
    Audience::Many { selection: Selection::default(), but: None }
}

/// How many events somebody missed who had them up to `position`.
fn missed(log: &Log, position: u64) -> Option<usize> {
    log.missed(&left(1, start()), position).map(|missed| missed.len())
}

#[test]
fn what_is_too_old_for_anybody_to_have_missed_is_not_missing() {
    let (budget, now) = (budget(|_| {}), start());
    let mut log = Log::new(Arc::clone(&budget));
    log.append(event("a"), to_all(), true);
    log.expire(now);
    log.append(event("b"), to_all(), true);
    log.expire(now + secs(184));
    assert_eq!(missed(&log, 0), Some(2));
    log.expire(now + secs(185));
    assert_eq!(missed(&log, 0), Some(1), "the first is old");
    assert_eq!(budget.packets.used(), 1);
    log.expire(now + secs(184 + 185));
    assert!(log.is_empty());
    assert_eq!((budget.packets.used(), budget.bytes.used()), (0, 0));
    assert_eq!(missed(&log, 0), Some(0));
}

#[test]
fn what_was_forgotten_for_want_of_room_is_missing_until_it_is_old() {
    let (budget, now) = (budget(|settings| settings.max_packets = 2), start());
    let mut log = Log::new(Arc::clone(&budget));
    for text in ["a", "b", "c"] {
        log.append(event(text), to_all(), true);
    }
    let all = [0, 1, 2, 3].map(|position| missed(&log, position));
    assert_eq!(all, [None, Some(2), Some(1), Some(0)]);
    log.expire(now);
    log.expire(now + secs(184));
    assert_eq!(missed(&log, 0), None);
    log.expire(now + secs(185));
    assert_eq!(missed(&log, 0), Some(0));
}

#[test]
fn an_event_larger_than_all_that_may_be_kept_is_missing_at_once() {
    let budget = budget(|settings| settings.max_packet_bytes = 1000);
    let mut log = Log::new(Arc::clone(&budget));
    log.append(event(&"x".repeat(1000)), to_all(), true);
    assert_eq!((missed(&log, 0), missed(&log, 1)), (None, Some(0)));
    assert_eq!(budget.bytes.used(), 0);
}

#[test]
fn rooms_weigh_as_much_as_their_names() {
    let budget = budget(|_| {});
    let mut log = Log::new(Arc::clone(&budget));
    log.append(event("a"), Audience::One(id(1)), true);
    let before = budget.bytes.used();
    let (rooms, except) = (vec!["12345".into()], vec!["123".into()]);
    let selection = Selection { rooms, except };
    log.append(event("a"), Audience::Many { selection, but: None }, true);
    assert_eq!(budget.bytes.used(), 2 * before + 8);
    drop(log);
    assert_eq!((budget.packets.used(), budget.bytes.used()), (0, 0));
}

#[test]
fn what_matters_to_nobody_is_numbered_alone() {
    let mut log = Log::new(budget(|_| {}));
    log.append(event("a"), to_all(), false);
    assert!(log.is_empty());
    assert_eq!(log.position(), 1);
    log.append(event("b"), to_all(), true);
    assert_eq!(missed(&log, 1), Some(1));
}

#[test]
fn offsets_are_those_of_this_log_as_far_as_it_has_come() {
    let (mut log, mut other) = (Log::new(budget(|_| {})), Log::new(budget(|_| {})));
    log.name_by(id(0));
    other.name_by(id(255));
    let next = log.next_offset(false);
    assert_eq!(log.position_at(&next), None, "it is still to come");
    log.append(event("a"), to_all(), true);
    other.append(event("a"), to_all(), true);
    assert_eq!(log.position_at(&next), Some(1));
    assert_eq!(log.next_offset(true), next);
    assert_eq!(other.position_at(&next), None);
    // It keeps its name, whoever comes later.
    log.name_by(id(255));
    assert_eq!(log.next_offset(true), next);
}

#[test]
fn an_audience_is_compared_with_the_rooms_at_the_end() {
    let many = |rooms: &[&'static str], except: &[&'static str], but| {
        let names = |of: &[&'static str]| of.iter().map(|room| (*room).into()).collect();
        Audience::Many { selection: Selection { rooms: names(rooms), except: names(except) }, but }
    };
    for (audience, is_for) in [
        (Audience::One(id(1)), true),
        (Audience::One(id(2)), false),
        (many(&[], &[], None), true),
        (many(&[], &[], Some(id(1))), false),
        (many(&[], &[], Some(id(2))), true),
        (many(&["red", "green"], &[], None), true),
        (many(&["red"], &[], None), false),
        (many(&["blue"], &["green"], None), false),
        (many(&[], &["red"], None), true),
        (many(&["AQEBAQEBAQEBAQEBAQEB"], &[], None), true),
        (many(&[], &["AQEBAQEBAQEBAQEBAQEB"], None), false),
    ] {
        let mut log = Log::new(budget(|_| {}));
        log.append(event("a"), audience.clone(), true);
        assert_eq!(missed(&log, 0), Some(usize::from(is_for)), "{audience:?}");
    }
}

#[test]
fn a_stay_can_be_asked_for_while_it_is_open() {
    let (budget, now) = (budget(|_| {}), start());
    let mut stays = Stays::new(Arc::clone(&budget));
    assert!(stays.keep(left(1, now)).is_empty());
    assert!(stays.close(pid(1)).is_none(), "its end is still under way");
    stays.open(pid(1));
    stays.open(pid(2));
    assert!(stays.close(pid(1)).is_some() && stays.close(pid(2)).is_none());
    assert!(stays.close(pid(1)).is_none(), "somebody has asked");
    assert!(stays.has(id(1)) && !stays.has(id(2)));
    assert!(stays.take(pid(1)).is_some() && stays.take(pid(1)).is_none());
    assert!(stays.is_empty() && !stays.has(id(1)));
    assert_eq!(budget.sessions.used(), 0);
}

#[test]
fn the_longest_away_are_forgotten_first() {
    let (budget, now) = (budget(|settings| settings.max_sessions = 2), start());
    let mut stays = Stays::new(Arc::clone(&budget));
    for number in [1, 2] {
        assert!(stays.keep(left(number, now + secs(number.into()))).is_empty());
    }
    let forgotten = stays.keep(left(3, now + secs(3)));
    assert_eq!(forgotten.iter().map(|left| left.id).collect::<Vec<_>>(), [id(1)]);
    assert!(stays.expire(now + secs(122)).is_empty());
    assert_eq!(stays.expire(now + secs(123)).len(), 1);
    assert!(!stays.has(id(2)) && stays.has(id(3)));
    drop(stays);
    assert_eq!(budget.sessions.used(), 0);
}

#[test]
fn what_could_not_be_delivered_is_not_recorded() {
    let recovery = Recovery::new(budget(|_| {}));
    let stay = recovery.begin(id(9), Some(pid(1)), || {}).expect("it has a pid");
    let record = |result: Result<(), EmitError>| {
        recovery.record(Audience::One(id(1)), false, event, |_| result)
    };
    assert!(matches!(record(Err(EmitError::Full)), Err(EmitError::Full)));
    assert!(record(Err(EmitError::Disconnected)).is_err(), "it is not away");
    assert!(record(Ok(())).is_ok());
    let now = start();
    recovery.leave(|| Some(Left { stay, ..left(1, now) }));
    assert!(record(Err(EmitError::Disconnected)).is_ok(), "it is");
    recovery.open(stay.pid);
    let auth = format!(r#"{{"pid":"{}"}}"#, stay.pid);
    let claim = recovery.claim(now, &auth).expect("it was opened");
    assert!(recovery.claim(now, &auth).is_none());
    let (_, missed) =
        recovery.resume(&claim, |rooms| assert_eq!(rooms, ["blue", "green"])).unwrap();
    assert_eq!(missed.len(), 2);
    assert!(recovery.needs_sweep() && !recovery.needs_sweep());
    recovery.leave(|| None);
    assert!(recovery.forget_old(now) && !recovery.forget_old(now + secs(185)));
    assert!(recovery.needs_sweep());
}

/// The offset that a test's event consists of.
fn offset_of(event: Outbound) -> String {
    let mut offset = String::new();
    event.each_message(BinaryMode::Native, |message| {
        offset = String::from_utf8_lossy(Message::from(message).as_bytes()).into_owned();
        true
    });
    offset
}

#[test]
fn between_threads_no_event_is_lost_or_comes_twice() {
    const EVENTS: usize = 2000;
    let recovery = Recovery::new(budget(|settings| settings.max_replayed_packets = 2 * EVENTS));
    let (inbox, now) = (Mutex::new(Some(Vec::new())), start());
    let emit = || {
        for _ in 0..EVENTS {
            let deliver = |event: Outbound| {
                let mut inbox = inbox.lock().expect("no panic holds it");
                inbox.as_mut().ok_or(EmitError::Disconnected)?.push(offset_of(event));
                Ok(())
            };
            let recorded = recovery.record(Audience::One(id(1)), false, event, deliver);
            assert!(recorded.is_ok(), "it is there, or may come back");
        }
    };
    let exit = || inbox.lock().expect("no panic holds it").take();
    let stay = recovery.begin(id(9), Some(pid(1)), || {}).expect("it has a pid");
    let mut got = Vec::new();
    thread::scope(|scope| {
        let emitters = [(); 2].map(|()| scope.spawn(emit));
        loop {
            let is_over = emitters.iter().all(|emitter| emitter.is_finished());
            let mut unread = None;
            recovery.leave(|| {
                unread = exit();
                Some(Left { stay, ..left(1, now) })
            });
            got.extend(unread.into_iter().flatten());
            recovery.open(stay.pid);
            let auth = match got.last() {
                Some(offset) => format!(r#"{{"pid":"{}","offset":"{offset}"}}"#, stay.pid),
                None => format!(r#"{{"pid":"{}"}}"#, stay.pid),
            };
            let claim = recovery.claim(now, &auth).expect("it was opened");
            let enter = |_: &[ByteString]| {
                // Whoever can get in between now does.
                thread::yield_now();
                *inbox.lock().expect("no panic holds it") = Some(Vec::new());
            };
            let (_, missed) = recovery.resume(&claim, enter).expect("nothing was forgotten");
            got.extend(missed.into_iter().map(offset_of));
            if is_over {
                break;
            }
        }
    });
    let mut numbers = got.iter().map(|offset| super::offset::decode("CQkJ", offset));
    assert!((1..=2 * EVENTS as u64).all(|number| numbers.next() == Some(Some(number))));
    assert_eq!(numbers.next(), None);
}
