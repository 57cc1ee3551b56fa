//! What the async methods wait for.

use std::io;
use std::task::{Context, Poll, ready};

use spola_websocket::{CloseReason, Event, Message};

use super::{State, WebSocket};
use crate::{Error, Line, Runtime, Timer, Transport};

/// Bytes that may wait for more answers to join them; then a sender waits for the socket.
const CORKED_LEN: usize = 128 << 10;

impl<S: Transport, R: Runtime> WebSocket<S, R> {
    pub(crate) fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
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

    /// The next message in what was read.
    fn take_message(&mut self) -> Option<Message> {
        loop {
            let message = match self.line.next_event()? {
                Event::Text(text) => Message::Text(text.into_byte_string()),
                Event::Binary(data) => Message::Binary(data.into_bytes()),
                Event::Pong(_) => continue,
                Event::Closed(reason) => {
                    self.closed(reason);
                    return None;
                }
            };
            // Whoever handles the last message of a batch may take long.
            self.line.release();
            return Some(message);
        }
    }

    fn closed(&mut self, reason: CloseReason) {
        self.state = State::Closed(Box::new(reason));
        self.line.end_soon(self.runtime.now());
    }

    /// Ready once there may be further events.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { line, runtime, .. } = self;
        // Answers that cannot be written now wait; reading goes on.
        if let Poll::Ready(Err(error)) = line.poll_flush(cx, || runtime.now()) {
            return Poll::Ready(Err(self.fail(error)));
        }
        match line.poll_fill(cx, || runtime.now()) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.fail(error))),
            Poll::Pending => self.poll_time(cx),
        }
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
            ready!(self.poll_time(cx))?;
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let State::Closed(reason) = &self.state else {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::NotConnected).into()));
        };
        let by_handshake = matches!(**reason, CloseReason::Peer(_) | CloseReason::Local(_));
        let Self { line, runtime, .. } = self;
        while line.poll_end(cx, || runtime.now()).is_pending() {
            ready!(poll_timer(line, runtime, &mut self.timer, cx));
            line.handle_timeout(runtime.now());
        }
        self.timer = None;
        Poll::Ready(if by_handshake { Ok(()) } else { Err(Error::Closed((**reason).clone())) })
    }

    /// Ready once a timer has run out, and the machine knows.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(poll_timer(&self.line, &self.runtime, &mut self.timer, cx));
        let now = self.runtime.now();
        Poll::Ready(match self.line.handle_timeout(now) {
            true => Err(self.fail(io::ErrorKind::TimedOut.into())),
            false => Ok(()),
        })
    }

    fn fail(&mut self, error: io::Error) -> Error {
        self.state = State::Failed;
        self.line.fail(self.runtime.now());
        self.timer = None;
        error.into()
    }
}

/// Ready once the line's next deadline has passed.
fn poll_timer<S: Transport, R: Runtime>(
    line: &Line<S>,
    runtime: &R,
    timer: &mut Option<Box<dyn Timer>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(deadline) = line.poll_timeout() else {
        return Poll::Pending;
    };
    let timer = timer.get_or_insert_with(|| runtime.timer());
    timer.set(Some(deadline));
    timer.poll_expired(cx)
}
