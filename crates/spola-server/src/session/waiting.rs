//! The HTTP requests of a session that wait for their answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use spola_engineio::Transport;
use spola_engineio::server::{PollResponse, PostMark, PostOutcome, RequestId};

use super::{Command, Inbox, SessionHandle};
use crate::stream::StreamWriter;

/// The name of the request that opens a session.
pub(super) const OPENING: RequestId = RequestId(0);

/// Requests waiting for an answer of type `T`: seldom more than two, one that is in order and one
/// too many.
pub(super) struct Waiting<T> {
    requests: Vec<(RequestId, State<T>)>,
}

enum State<T> {
    Waits(Option<Waker>),
    Answered(T),
}

impl<T> Waiting<T> {
    pub(super) const fn new() -> Self {
        Self { requests: Vec::new() }
    }

    /// How many have no answer.
    pub(super) fn len(&self) -> usize {
        self.requests.iter().filter(|(_, state)| matches!(state, State::Waits(_))).count()
    }

    pub(super) fn add(&mut self, id: RequestId) {
        if self.requests.capacity() == 0 {
            self.requests.reserve_exact(1);
        }
        self.requests.push((id, State::Waits(None)));
    }

    /// Answers a request. If it was given up meanwhile, nobody is there to hear.
    fn answer(&mut self, id: RequestId, answer: T) -> Option<Waker> {
        let (_, state) = self.requests.iter_mut().find(|(waiting, _)| *waiting == id)?;
        match std::mem::replace(state, State::Answered(answer)) {
            State::Waits(waker) => waker,
            State::Answered(_) => None,
        }
    }

    /// The answer to a request; `None` if there will be none. With `keep`, the place is kept for the
    /// next one.
    fn poll(&mut self, id: RequestId, keep: bool, cx: &Context<'_>) -> Poll<Option<T>> {
        let Some((_, state)) = self.requests.iter_mut().find(|(waiting, _)| *waiting == id) else {
            return Poll::Ready(None);
        };
        if let State::Waits(waker) = state {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match self.remove(id, keep) {
            Some(State::Answered(answer)) => Poll::Ready(Some(answer)),
            Some(State::Waits(_)) | None => Poll::Ready(None),
        }
    }

    fn remove(&mut self, id: RequestId, keep: bool) -> Option<State<T>> {
        let at = self.requests.iter().position(|(waiting, _)| *waiting == id)?;
        let (_, state) = self.requests.swap_remove(at);
        if self.requests.is_empty() && !(keep && self.requests.capacity() == 1) {
            self.requests = Vec::new();
        }
        Some(state)
    }

    /// Nobody answers any more. Those who wait are to be woken without the lock.
    pub(super) fn end(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.requests.retain_mut(|(_, state)| match state {
            State::Waits(waker) => {
                wakers.extend(waker.take());
                false
            }
            State::Answered(_) => true,
        });
        wakers
    }
}

/// A request that a session has been asked: its answer, or `None` if the session has ended before it saw
/// the request. Dropped before, it tells the session that the client went while it waited.
pub(crate) struct Asked<'a, T> {
    session: &'a SessionHandle,
    id: RequestId,
    of: fn(&mut Inbox) -> &mut Waiting<T>,
    aborted: fn(RequestId) -> Command,
    is_over: bool,
}

impl<T> Asked<'_, T> {
    pub(crate) fn id(&self) -> RequestId {
        self.id
    }
}

impl<T> Future for Asked<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inbox = self.session.lock();
        let keep = inbox.polls_on();
        let polled = (self.of)(&mut inbox).poll(self.id, keep, cx);
        drop(inbox);
        self.is_over = polled.is_ready();
        polled
    }
}

impl<T> Drop for Asked<'_, T> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut inbox = self.session.lock();
            let keep = inbox.polls_on();
            // What wakes it goes without the lock.
            let _state = (self.of)(&mut inbox).remove(self.id, keep);
            let _ = self.session.push_into(inbox, (self.aborted)(self.id));
        }
    }
}

impl SessionHandle {
    /// The request that opened the session.
    pub(crate) fn opening(&self) -> Asked<'_, PollResponse> {
        self.asked(OPENING, |inbox| &mut inbox.polls, Command::PollAborted)
    }

    /// Asks for packets.
    pub(crate) fn poll(&self) -> Asked<'_, PollResponse> {
        self.ask_for(|inbox| &mut inbox.polls, Command::PollAborted, Command::Poll)
    }

    /// Asks for an event stream, which `writer` writes.
    pub(crate) fn stream(
        &self,
        last_event_id: Option<u64>,
        writer: StreamWriter,
    ) -> Asked<'_, PollResponse> {
        let command = |id| Command::Stream { id, last_event_id, writer };
        self.ask_for(|inbox| &mut inbox.polls, Command::PollAborted, command)
    }

    /// Brings packets, or says that their bytes are on the way.
    pub(crate) fn post(
        &self,
        octets: bool,
        mark: Option<Box<PostMark>>,
        body: Option<Bytes>,
    ) -> Asked<'_, PostOutcome> {
        let command = |id| Command::Post { id, octets, mark, body };
        self.ask_for(|inbox| &mut inbox.posts, Command::PostAborted, command)
    }

    fn ask_for<T>(
        &self,
        of: fn(&mut Inbox) -> &mut Waiting<T>,
        aborted: fn(RequestId) -> Command,
        command: impl FnOnce(RequestId) -> Command,
    ) -> Asked<'_, T> {
        let mut inbox = self.lock();
        inbox.next_request += 1;
        let id = RequestId(inbox.next_request);
        of(&mut inbox).add(id);
        if self.push_into(inbox, command(id)).is_err() {
            // Nobody waits for it yet.
            of(&mut self.lock()).remove(id, false);
        }
        self.asked(id, of, aborted)
    }

    fn asked<T>(
        &self,
        id: RequestId,
        of: fn(&mut Inbox) -> &mut Waiting<T>,
        aborted: fn(RequestId) -> Command,
    ) -> Asked<'_, T> {
        Asked { session: self, id, of, aborted, is_over: false }
    }

    pub(super) fn answer_poll(&self, id: RequestId, response: PollResponse) {
        let waker = self.lock().polls.answer(id, response);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn answer_post(&self, id: RequestId, outcome: PostOutcome) {
        let waker = self.lock().posts.answer(id, outcome);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Inbox {
    /// Whether more requests will come.
    fn polls_on(&self) -> bool {
        self.status.is_some_and(|status| status.transport == Transport::Polling)
    }
}
