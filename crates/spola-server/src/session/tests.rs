//! The handle of a session, while its task runs and while it rests.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::SystemTime;

use http::Request;
use spola_engineio::request::SessionStatus;
use spola_engineio::server::PollResponse;
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

#[test]
fn a_request_has_its_answer_or_hears_that_there_will_be_none() {
    let (handle, wakes) = (handle(), Arc::new(Wakes::default()));
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    let told = || handle.take().map_or(0, |(commands, _)| commands.into_iter().count());

    let mut asked = handle.poll();
    assert!(pin!(&mut asked).poll(&mut cx).is_pending());
    handle.answer_poll(asked.id(), PollResponse::BadRequest);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(pin!(&mut asked).poll(&mut cx), Poll::Ready(Some(PollResponse::BadRequest)));
    drop(asked);
    assert_eq!(told(), 1, "only that it came");

    drop(handle.post(false, None, None));
    assert_eq!(told(), 2, "that it came, and that it was given up");

    let (mut left, mut answered) = (handle.post(false, None, None), handle.poll());
    handle.answer_poll(answered.id(), PollResponse::Stream);
    assert!(pin!(&mut left).poll(&mut cx).is_pending());
    handle.retire();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    assert_eq!(pin!(&mut left).poll(&mut cx), Poll::Ready(None));
    assert_eq!(pin!(&mut answered).poll(&mut cx), Poll::Ready(Some(PollResponse::Stream)));
    assert_eq!(pin!(&mut handle.poll()).poll(&mut cx), Poll::Ready(None));
}
