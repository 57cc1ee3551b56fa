//! What the async methods wait for.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use spola_websocket::{ChunkEvent, CloseReason, Event, Kind, Message, Whole};

use super::{State, WebSocket};
use crate::line::{Detached, Link};
use crate::{Error, Runtime, Timer, Transport};

/// Bytes that may wait for more answers to join them; then a sender waits for the socket.
pub(super) const CORKED_LEN: usize = 256 << 10;

/// What comes next.
pub(super) enum Front {
    /// A message that can be lent out of the read buffer.
    Whole(Whole),
    Detached(Message),
    /// Nothing, after a closing handshake.
    End,
}

/// A [`Chunk`](spola_websocket::Chunk) while nobody borrows it.
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) data: Detached,
    pub(super) first: bool,
    pub(super) last: bool,
}

impl<S: Transport, R: Runtime> WebSocket<S, R> {
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        ready!(self.poll_rest(cx));
        loop {
            if let Some(message) = self.take_message() {
                return Poll::Ready(Ok(Some(message)));
            }
            if !matches!(self.state, State::Open) {
                return self.poll_end(cx).map_ok(|()| None);
            }
            ready!(self.poll_more(cx))?;
        }
    }

    pub(super) fn poll_front(&mut self, cx: &mut Context<'_>) -> Poll<Result<Front, Error>> {
        ready!(self.poll_rest(cx));
        // Nothing else bounds the answers, which are sent without waiting.
        if self.line.buffered_amount() >= CORKED_LEN {
            ready!(self.poll_flush(cx))?;
        }
        loop {
            if let Some(whole) = self.line.find_whole() {
                return Poll::Ready(Ok(Front::Whole(whole)));
            }
            if let Some(message) = self.take_message() {
                return Poll::Ready(Ok(Front::Detached(message)));
            }
            if !matches!(self.state, State::Open) {
                return self.poll_end(cx).map_ok(|()| Front::End);
            }
            ready!(self.poll_more(cx))?;
        }
    }

    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Piece>, Error>> {
        ready!(self.poll_rest(cx));
        loop {
            let Self { line, runtime, .. } = self;
            while let Some(event) = line.next_chunk(|| runtime.now()) {
                match event {
                    ChunkEvent::Chunk(chunk) => {
                        let (kind, data) = (chunk.kind, chunk.data.into());
                        let piece = Piece { kind, data, first: chunk.first, last: chunk.last };
                        return Poll::Ready(Ok(Some(piece)));
                    }
                    ChunkEvent::Pong(_) => {}
                    ChunkEvent::Closed(reason) => {
                        let (link, _) = line.link();
                        closed(&mut self.state, link, reason, runtime.now());
                        break;
                    }
                }
            }
            if !matches!(self.state, State::Open) {
                return self.poll_end(cx).map_ok(|()| None);
            }
            ready!(self.poll_more(cx))?;
        }
    }

    /// The next message in what was read.
    fn take_message(&mut self) -> Option<Message> {
        let Self { line, runtime, .. } = self;
        loop {
            let message = match line.next_event(|| runtime.now())? {
                Event::Text(text) => Message::Text(text.into_byte_string()),
                Event::Binary(data) => Message::Binary(data.into_bytes()),
                Event::Pong(_) => continue,
                Event::Closed(reason) => {
                    let (link, _) = line.link();
                    closed(&mut self.state, link, reason, runtime.now());
                    return None;
                }
            };
            // Whoever handles the last message of a batch may take long.
            line.release();
            return Some(message);
        }
    }

    /// Ready once there may be further events.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { line, runtime, .. } = self;
        // Answers that cannot be written now wait; reading goes on. So it does after a failure: what the
        // peer said before it hung up may have come.
        let failure = match line.poll_flush(cx, || runtime.now()) {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        match (line.poll_fill(cx, || runtime.now()), failure) {
            (Poll::Ready(Ok(())), _) => Poll::Ready(Ok(())),
            (Poll::Pending, _) if line.has_yielded() => Poll::Pending,
            (_, Some(error)) | (Poll::Ready(Err(error)), None) => {
                Poll::Ready(Err(self.fail(error)))
            }
            (Poll::Pending, None) => self.poll_time(cx),
        }
    }

    /// Lets other tasks run, if it is time to.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.line.is_tired() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Writes, unless what is sent next may as well be written together with it.
    pub(crate) fn poll_corked(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.line.has_unparsed() && self.line.buffered_amount() < CORKED_LEN {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let Self { line, runtime, .. } = self;
            if let Poll::Ready(flushed) = line.poll_flush(cx, || runtime.now()) {
                return Poll::Ready(flushed.map_err(Error::from));
            }
            let (link, _) = self.line.link();
            let deadline = link.poll_write_timeout();
            ready!(poll_timer(deadline, &self.runtime, &mut self.timer, cx));
            let now = self.runtime.now();
            if self.line.link().0.handle_write_timeout(now) {
                return Poll::Ready(Err(self.fail(io::ErrorKind::TimedOut.into())));
            }
        }
    }

    /// Ready once a timer has run out, and the machine knows.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let deadline = self.line.poll_timeout();
        ready!(poll_timer(deadline, &self.runtime, &mut self.timer, cx));
        let now = self.runtime.now();
        Poll::Ready(match self.line.handle_timeout(now) {
            true => Err(self.fail(io::ErrorKind::TimedOut.into())),
            false => Ok(()),
        })
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let State::Closed(reason) = &self.state else {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::NotConnected).into()));
        };
        self.line.release();
        let (link, _) = self.line.link();
        poll_end(link, &self.runtime, &mut self.timer, reason, cx)
    }

    fn fail(&mut self, error: io::Error) -> Error {
        self.state = State::Failed;
        self.line.fail(self.runtime.now());
        self.timer = None;
        error.into()
    }
}

/// The machine has said why it ended.
pub(super) fn closed<S: Transport>(
    state: &mut State,
    link: &mut Link<S>,
    reason: CloseReason,
    now: Instant,
) {
    link.end_soon(now);
    *state = State::Closed(Box::new(reason));
}

/// Parts from the peer.
pub(super) fn poll_end<S: Transport, R: Runtime>(
    link: &mut Link<S>,
    runtime: &R,
    timer: &mut Option<Box<dyn Timer>>,
    reason: &CloseReason,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    while link.poll_end(cx, || runtime.now()).is_pending() {
        ready!(poll_timer(link.poll_timeout(), runtime, timer, cx));
        link.handle_timeout(runtime.now());
    }
    *timer = None;
    let by_handshake = matches!(reason, CloseReason::Peer(_) | CloseReason::Local(_));
    Poll::Ready(if by_handshake { Ok(()) } else { Err(Error::Closed(reason.clone())) })
}

/// Ready once the next deadline has passed.
fn poll_timer<R: Runtime>(
    deadline: Option<Instant>,
    runtime: &R,
    timer: &mut Option<Box<dyn Timer>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(deadline) = deadline else {
        return Poll::Pending;
    };
    let timer = timer.get_or_insert_with(|| runtime.timer());
    timer.set(Some(deadline));
    timer.poll_expired(cx)
}
