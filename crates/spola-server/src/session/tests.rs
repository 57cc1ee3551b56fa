//! The handle of a session, while its task runs and while it rests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::SystemTime;

use http::Request;
use spola_engineio::request::SessionStatus;
use spola_engineio::{Revision, Sid, Transport};

use super::load::Amount;
use super::{Command, SessionHandle};
use crate::config::Config;
use crate::handshake::{Handshake, Source};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn handle() -> SessionHandle {
    let handshake =
        Arc::new(Handshake::of(&Request::new(()), &Source::default(), SystemTime::UNIX_EPOCH));
    let (transport, revision) = (Transport::WebSocket, Revision::V4);
    let status = SessionStatus { transport, accepts_upgrade: false, revision };
    let sid = Sid::from_bytes([1; 15]);
    SessionHandle::new(sid, handshake, Arc::new(Config::default()), Arc::default(), status)
}

#[test]
fn what_happens_while_the_task_is_about_to_rest_is_looked_at() {
    let (handle, wakes) = (handle(), Arc::new(Wakes::default()));
    let waker = Waker::from(Arc::clone(&wakes));
    let cx = Context::from_waker(&waker);
    let rests = || handle.rest(None, Amount::default(), true, &cx);
    let happenings: [&dyn Fn(); 2] = [&|| handle.nudge(), &|| handle.push(Command::Shutdown)];
    for happen in happenings {
        handle.take();
        // The task has looked, and found nothing to do; now, before it rests:
        happen();
        assert!(!rests(), "it looks once more");
        handle.take();
        assert!(rests());
        let before = wakes.0.load(Ordering::Relaxed);
        happen();
        happen();
        assert_eq!(wakes.0.load(Ordering::Relaxed), before + 1);
    }
}

#[test]
fn reading_wakes_a_task_that_rests_and_waits_for_its_turn_if_it_runs() {
    let (handle, wakes) = (Arc::new(handle()), Arc::new(Wakes::default()));
    let (waker, reading) = (Waker::from(Arc::clone(&wakes)), Waker::from(Arc::clone(&handle)));
    let cx = Context::from_waker(&waker);
    let rests = || handle.rest(None, Amount::default(), true, &cx);
    let woken = || wakes.0.swap(0, Ordering::Relaxed);

    assert!(rests());
    reading.wake_by_ref();
    assert_eq!(woken(), 1);
    assert!(handle.take_readable());
    assert!(!handle.take_readable(), "nothing has come since");

    reading.wake_by_ref();
    assert_eq!(woken(), 0, "it runs");
    assert!(rests(), "others get their turn");
    assert_eq!(woken(), 1);
    assert!(handle.take_readable());

    handle.push(Command::Shutdown);
    assert_eq!(woken(), 1);
    assert!(!handle.take_readable(), "a command is no reason to read");
}

#[test]
fn a_task_that_has_ended_is_not_kept() {
    let (handle, wakes) = (handle(), Arc::new(Wakes::default()));
    let waker = Waker::from(Arc::clone(&wakes));
    assert!(handle.rest(None, Amount::default(), true, &Context::from_waker(&waker)));
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 2);
    handle.retire();
    assert_eq!(Arc::strong_count(&wakes), 1);
}
