//! The end of a connection, and the timers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::Link;
use crate::{Transport, scratch};

/// Time for a peer to close its side, and bytes it may still send, after we closed ours.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
pub(crate) const LINGER_LEN: usize = 4 << 20;

/// How far the end has come.
#[derive(Debug)]
pub(super) enum End {
    Open,
    /// `Closed` came out of the machine; what it has left is being written, then our side is shut.
    Reported,
    /// Our side is shut. The peer's is read until it ends: closing with unread input would make
    /// the kernel reset the connection, and our Close frame be lost.
    Lingering {
        read: usize,
    },
    Done,
}

impl End {
    pub(super) fn report(&mut self) {
        if matches!(self, Self::Open) {
            *self = Self::Reported;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        !matches!(self, Self::Open)
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl<S: Transport> Link<S> {
    pub(crate) fn poll_end(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl Fn() -> Instant,
    ) -> Poll<()> {
        loop {
            match self.end {
                End::Open => return Poll::Pending,
                End::Reported => {
                    self.end = match ready!(self.poll_shut(cx, &clock)) {
                        true if !self.peer_ended => End::Lingering { read: 0 },
                        true | false => End::Done,
                    };
                    self.end_by = Some(clock() + LINGER);
                }
                End::Lingering { read } => {
                    let mut buffer = scratch::take();
                    let polled = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
                    scratch::give(buffer);
                    let read = match ready!(polled) {
                        Ok(0) | Err(_) => LINGER_LEN,
                        Ok(len) => read + len,
                    };
                    self.end = match read < LINGER_LEN {
                        true => End::Lingering { read },
                        false => End::Done,
                    };
                }
                End::Done => return Poll::Ready(()),
            }
        }
    }

    /// Writes what is left and shuts our side; `false` if that failed.
    fn poll_shut(&mut self, cx: &mut Context<'_>, clock: impl Fn() -> Instant) -> Poll<bool> {
        if ready!(self.poll_flush(cx, &clock)).is_err() {
            return Poll::Ready(false);
        }
        self.end_by.get_or_insert_with(|| clock() + LINGER);
        Pin::new(&mut self.stream).poll_close(cx).map(|shut| shut.is_ok())
    }

    pub(crate) fn end_within(&mut self, now: Instant, time: Duration) {
        self.end_by = self.end_by.or(now.checked_add(time));
    }

    /// As `end_within`, with the time that a peer usually gets.
    pub(crate) fn end_soon(&mut self, now: Instant) {
        self.end_within(now, LINGER);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        self.connection.handle_timeout(now);
        if self.connection.is_over() {
            self.end_soon(now);
        }
        self.own_timeout(now)
    }

    fn own_timeout(&mut self, now: Instant) -> bool {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        let stalled = due(self.stall_deadline());
        if stalled || due(self.end_by) {
            self.fail(now);
        }
        stalled
    }

    /// As [`handle_timeout`](Self::handle_timeout), while nothing is read: the peer's silence is none
    /// then, and only what is closing has an end.
    pub(crate) fn handle_write_timeout(&mut self, now: Instant) -> bool {
        if !self.connection.can_send() {
            self.connection.handle_timeout(now);
            if self.connection.is_over() {
                self.end_soon(now);
            }
        }
        self.own_timeout(now)
    }

    /// As [`poll_timeout`](Self::poll_timeout), for [`handle_write_timeout`](Self::handle_write_timeout).
    pub(crate) fn poll_write_timeout(&self) -> Option<Instant> {
        if self.connection.can_send() { self.own_deadline() } else { self.poll_timeout() }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.end.is_done() {
            return None;
        }
        self.connection.poll_timeout().into_iter().chain(self.own_deadline()).min()
    }

    fn own_deadline(&self) -> Option<Instant> {
        if self.end.is_done() {
            return None;
        }
        [self.stall_deadline(), self.end_by].into_iter().flatten().min()
    }

    pub(crate) fn fail(&mut self, now: Instant) {
        self.connection.handle_eof(now);
        self.stalled_since = None;
        self.end = End::Done;
    }

    fn stall_deadline(&self) -> Option<Instant> {
        self.stalled_since?.checked_add(self.write_timeout?)
    }
}
