//! A connection and its stream: reading, writing, waiting and parting, all polled.

mod end;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf as _;
use spola_websocket::{Connection, Event};

use self::end::End;
use crate::{Transport, scratch};

/// Bytes that one wake-up may bring; then other tasks get their turn.
const BUDGET: usize = scratch::LEN;

/// Slices that one vectored write may take.
const SLICES: usize = 64;

/// An open WebSocket over the stream `S`, polled by a task that has a clock and a timer.
///
/// The loop around it: take events by [`next_event`](Self::next_event) until there are none, write by
/// [`poll_flush`](Self::poll_flush), read by [`poll_fill`](Self::poll_fill); wait for these two, or
/// until [`poll_timeout`](Self::poll_timeout) and then call
/// [`handle_timeout`](Self::handle_timeout). After `Closed`, call [`poll_end`](Self::poll_end) in
/// place of them.
///
/// Where a method takes a `clock`, it is read only if the moment matters.
pub struct Line<S> {
    stream: S,
    connection: Connection,
    /// What was read and not yet parsed: borrowed from the thread, and returned when empty.
    input: Vec<u8>,
    parsed: usize,
    read: usize,
    /// When the last bytes came.
    now: Instant,
    budget: usize,
    write_timeout: Option<Duration>,
    /// When the last progress was made in writing, if something waits to be written.
    stalled_since: Option<Instant>,
    /// Bytes went into the stream that it may still hold back.
    unflushed: bool,
    /// When it ends, whatever is left to write.
    end_by: Option<Instant>,
    end: End,
}

impl Line<()> {
    /// Time in which the peer takes nothing, while something is to be written.
    pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
}

impl<S: Transport> Line<S> {
    /// A connection whose opening handshake is done. `received` is what came behind the head.
    pub fn new(stream: S, connection: Connection, received: Vec<u8>, now: Instant) -> Self {
        let read = received.len();
        let input = if read == 0 { Vec::new() } else { received };
        Self {
            stream,
            connection,
            input,
            parsed: 0,
            read,
            now,
            budget: BUDGET,
            write_timeout: Some(Line::<()>::WRITE_TIMEOUT),
            stalled_since: None,
            unflushed: false,
            end_by: None,
            end: End::Open,
        }
    }

    /// How long the peer may take nothing while something waits to be written. Default 30 s; `None`:
    /// no limit.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.write_timeout = timeout;
    }

    /// The next event in what was read; `None`: all of it was parsed.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event<'_>> {
        let mut input = self.input.get_mut(self.parsed..self.read).unwrap_or_default();
        let event = self.connection.poll_event(self.now, &mut input);
        self.parsed = self.read - input.len();
        if matches!(event, Some(Event::Closed(_))) {
            self.end.report();
        }
        event
    }

    /// Whether something was read that [`next_event`](Self::next_event) has not looked at.
    #[inline]
    pub fn has_unparsed(&self) -> bool {
        self.parsed < self.read
    }

    /// Returns the read buffer to the thread, if all of it was parsed. Reading does so when nothing
    /// has come; call it to wait for something else with an idle connection.
    #[inline]
    pub fn release(&mut self) {
        if self.read > 0 && !self.has_unparsed() {
            scratch::give(std::mem::take(&mut self.input));
            (self.parsed, self.read) = (0, 0);
        }
    }

    /// Reads what has come, or the end. Call it once all that was read is parsed. When a connection
    /// has brought much without a pause, it lets other tasks run first.
    ///
    /// # Errors
    /// If the stream fails before a Close frame has passed: drop the connection.
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl FnOnce() -> Instant,
    ) -> Poll<io::Result<()>> {
        if self.budget == 0 {
            self.budget = BUDGET;
            self.release();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(read) = self.poll_read(cx) else {
            self.budget = BUDGET;
            return Poll::Pending;
        };
        self.now = clock();
        match read {
            Ok(1..) => {}
            Ok(0) => self.connection.handle_eof(self.now),
            // Many peers hang up with a reset. Behind a Close frame any end is one; the machine knows
            // whether the closing handshake was complete.
            Err(_) if !self.connection.can_send() => self.connection.handle_eof(self.now),
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.release();
        let mut buffer = scratch::take();
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        match polled {
            Poll::Ready(Ok(read @ 1..)) => {
                (self.input, self.parsed, self.read) = (buffer, 0, read);
                self.budget = self.budget.saturating_sub(read);
                self.lend_output();
            }
            Poll::Ready(Ok(0) | Err(_)) | Poll::Pending => scratch::give(buffer),
        }
        polled
    }

    /// What was read is about to be answered: into the thread's buffer, which costs no allocation.
    fn lend_output(&mut self) {
        let mut buffer = scratch::take_output();
        self.connection.output().lend(&mut buffer);
        scratch::give_output(buffer);
    }

    fn reclaim_output(&mut self) {
        let mut buffer = Vec::new();
        self.connection.output().reclaim(&mut buffer);
        scratch::give_output(buffer);
    }

    /// Writes everything that was sent.
    ///
    /// # Errors
    /// If the stream fails: drop the connection.
    pub fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl FnOnce() -> Instant,
    ) -> Poll<io::Result<()>> {
        if !self.unflushed && !self.connection.output().has_remaining() {
            self.reclaim_output();
            return Poll::Ready(Ok(()));
        }
        let flushed = self.poll_write(cx);
        if flushed.is_ready() {
            self.stalled_since = None;
        } else {
            self.stalled_since.get_or_insert_with(clock);
        }
        flushed
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for anew each time: a pong that waited for room may have joined it.
        while self.connection.output().has_remaining() {
            let output = self.connection.output();
            let stream = Pin::new(&mut self.stream);
            let written = if output.chunk().len() == output.remaining() {
                // One slice, as nearly always: cheaper to write alone than as a list of one.
                ready!(stream.poll_write(cx, output.chunk()))?
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let used = output.chunks_vectored(&mut slices);
                ready!(stream.poll_write_vectored(cx, slices.get(..used).unwrap_or_default()))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.advance(written);
            self.unflushed = true;
            self.stalled_since = None;
        }
        self.reclaim_output();
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// The machine: to send, ping and close.
    #[inline]
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Bytes that were sent and not yet written.
    #[inline]
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }

    /// The stream beneath.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// When the last bytes came.
    pub fn last_read(&self) -> Instant {
        self.now
    }
}

impl<S> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("connection", &self.connection)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
