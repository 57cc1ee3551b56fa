//! A connection and its stream: reading, writing, waiting and parting, all polled.

mod end;
mod input;
mod link;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use spola_websocket::{Chunk, ChunkEvent, Connection, Event, Payload, Text, Whole};

pub(crate) use self::end::{LINGER, LINGER_LEN};
pub(crate) use self::input::Detached;
use self::input::Input;
pub(crate) use self::link::{Link, WRITE_TIMEOUT};
use crate::{Transport, scratch};

/// Bytes that one wake-up may bring; then other tasks get their turn. A connection that brings more all
/// the time is read in larger portions, which cost less a byte.
const BUDGET: usize = 64 << 10;

/// Bytes that messages may come to, when compressed, before other tasks get their turn.
const WORK: usize = 256 << 10;

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
    link: Link<S>,
    input: Input,
    /// The last time that the machine was told, or bytes came and it measured silence.
    now: Instant,
    /// Whether the machine may have something to tell without further bytes.
    due: bool,
    budget: usize,
    /// Bytes that the next read may bring.
    read_len: usize,
    /// Bytes of messages that were put together or inflated since the last read.
    work: usize,
    yielded: bool,
}

impl<S: Transport> Line<S> {
    /// A connection whose opening handshake is done. `received` is what came behind the head.
    pub fn new(stream: S, connection: Connection, received: Vec<u8>, now: Instant) -> Self {
        let link = Link::new(stream, connection);
        Self {
            link,
            input: Input::new(received),
            now,
            due: true,
            budget: BUDGET,
            read_len: BUDGET,
            work: 0,
            yielded: false,
        }
    }

    /// How long the peer may take nothing while something waits to be written. Default 30 s; `None`:
    /// no limit.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.link.write_timeout = timeout;
    }

    /// The next event in what was read; `None`: all of it was parsed.
    #[inline]
    pub fn next_event(&mut self, clock: impl Fn() -> Instant) -> Option<Event<'_>> {
        match self.find_whole() {
            Some(whole) => self.take_whole(whole).0,
            None => self.next_other_event(clock),
        }
    }

    fn next_other_event(&mut self, clock: impl Fn() -> Instant) -> Option<Event<'_>> {
        if !self.may_tell(clock) {
            return None;
        }
        let (connection, now) = (&mut self.link.connection, self.now);
        let event = self.input.parse(|bytes| connection.poll_event(now, bytes));
        self.due = event.is_some();
        match &event {
            Some(Event::Closed(_)) => self.link.end.report(),
            Some(Event::Binary(Payload::Owned(payload))) => self.work += payload.len(),
            Some(Event::Text(Text::Owned(text))) => self.work += text.len(),
            Some(Event::Text(_) | Event::Binary(_) | Event::Pong(_)) | None => {}
        }
        event
    }

    /// As [`next_event`](Self::next_event), for messages that are taken as they arrive.
    pub fn next_chunk(&mut self, clock: impl Fn() -> Instant) -> Option<ChunkEvent<'_>> {
        if !self.may_tell(clock) {
            return None;
        }
        let (connection, now) = (&mut self.link.connection, self.now);
        let event = self.input.parse(|bytes| connection.poll_chunk(now, bytes));
        self.due = event.is_some();
        match &event {
            Some(ChunkEvent::Closed(_)) => self.link.end.report(),
            Some(ChunkEvent::Chunk(Chunk { data: Payload::Owned(data), .. })) => {
                self.work += data.len();
            }
            Some(ChunkEvent::Chunk(_) | ChunkEvent::Pong(_)) | None => {}
        }
        event
    }

    /// Whether it makes sense to ask the machine; then it knows the time. What its user has not taken
    /// yet, the peer is not blamed for.
    fn may_tell(&mut self, clock: impl FnOnce() -> Instant) -> bool {
        let may_tell = self.is_due();
        if may_tell {
            self.now = clock();
        }
        may_tell
    }

    /// Whether other tasks should get their turn before more is taken out of what was read: what is
    /// compressed is small until somebody looks at it. `true` once, then there may be more.
    pub fn is_tired(&mut self) -> bool {
        let tired = self.work >= WORK && self.has_unparsed();
        if tired {
            self.work = 0;
        }
        tired
    }

    /// Whether the last [`poll_fill`](Self::poll_fill) was pending to let other tasks run, and not
    /// because nothing has come.
    pub(crate) fn has_yielded(&self) -> bool {
        self.yielded
    }

    /// Whether [`next_event`](Self::next_event) may have something to tell.
    pub fn is_due(&self) -> bool {
        self.due || self.has_unparsed()
    }

    /// Whether everything that was sent is on its way.
    pub(crate) fn is_flushed(&self) -> bool {
        self.link.is_flushed()
    }

    /// Whether something was read that was not parsed.
    #[inline]
    pub fn has_unparsed(&self) -> bool {
        !self.input.is_empty()
    }

    /// The next event, if it is a message that lies whole in what was read.
    #[inline]
    pub(crate) fn find_whole(&self) -> Option<Whole> {
        self.link.connection.find_whole(self.input.unparsed())
    }

    /// The message that was found, lent beside what answers it.
    #[inline]
    pub(crate) fn take_whole(&mut self, whole: Whole) -> (Option<Event<'_>>, &mut Link<S>) {
        let Self { link, input, now, .. } = self;
        let event = input.parse(|bytes| link.connection.take_whole(*now, whole, bytes));
        if let Some(Event::Closed(_)) = event {
            link.end.report();
        }
        (event, link)
    }

    /// A payload that the last event had, lent once more.
    pub(crate) fn payload(&self, payload: Detached) -> Payload<'_> {
        match payload {
            Detached::Lent(len) => Payload::Borrowed(self.input.just_parsed(len)),
            Detached::Owned(bytes) => Payload::Owned(bytes),
        }
    }

    /// What answers are sent by, and when the last bytes came.
    pub(crate) fn link(&mut self) -> (&mut Link<S>, Instant) {
        (&mut self.link, self.now)
    }

    /// Returns the read buffer to the thread, if all of it was parsed. Reading does so when nothing
    /// has come; call it to wait for something else with an idle connection.
    #[inline]
    pub fn release(&mut self) {
        self.input.release();
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
        self.yielded = self.budget == 0;
        if self.yielded {
            self.budget = BUDGET;
            self.release();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(read) = self.poll_read(cx, clock) else {
            self.budget = BUDGET;
            return Poll::Pending;
        };
        self.work = 0;
        match read {
            Ok(0) => {
                (self.due, self.link.peer_ended) = (true, true);
                self.link.connection.handle_eof(self.now);
            }
            Ok(read) => {
                self.budget = self.budget.saturating_sub(read);
                self.link.lend_output();
            }
            // Many peers hang up with a reset. Behind a Close frame any end is one; the machine knows
            // whether the closing handshake was complete.
            Err(_) if !self.link.connection.can_send() => {
                self.due = true;
                self.link.connection.handle_eof(self.now);
            }
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// Reads into the thread's buffer, or the rest of a large payload to where it stays.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl FnOnce() -> Instant,
    ) -> Poll<io::Result<usize>> {
        let Link { stream, connection, .. } = &mut self.link;
        let Some(room) = connection.large_read() else {
            let read = ready!(self.input.poll_read(stream, cx, self.read_len));
            let brought_much = matches!(read, Ok(len) if len >= BUDGET);
            self.read_len = if brought_much { scratch::LEN } else { BUDGET };
            if connection.poll_timeout().is_some() {
                self.now = clock();
            }
            return Poll::Ready(read);
        };
        // What is read before the next large payload is known would be copied.
        self.read_len = BUDGET;
        let len = room.len().min(scratch::LEN);
        let room = room.get_mut(..len).unwrap_or_default();
        let read = ready!(Pin::new(stream).poll_read(cx, room));
        (self.now, self.due) = (clock(), true);
        if let Ok(len) = read {
            connection.handle_large_read(self.now, len);
        }
        Poll::Ready(read)
    }

    /// Writes everything that was sent.
    ///
    /// # Errors
    /// If the stream fails: drop the connection.
    #[inline]
    pub fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl FnOnce() -> Instant,
    ) -> Poll<io::Result<()>> {
        self.link.poll_flush(cx, clock)
    }

    /// Parts from the peer after `Closed`: writes what is left, shuts our side, and reads until the
    /// peer's ends, for 2 s and 4 MiB at most. Ready once the stream may be dropped.
    pub fn poll_end(&mut self, cx: &mut Context<'_>, clock: impl Fn() -> Instant) -> Poll<()> {
        self.release();
        self.link.poll_end(cx, clock)
    }

    /// The clock has moved, perhaps past [`poll_timeout`](Self::poll_timeout). `true`: the peer has
    /// taken nothing for too long, and the connection is over; what was not written is lost.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        (self.now, self.due) = (now, true);
        self.link.handle_timeout(now)
    }

    /// The moment to call [`handle_timeout`](Self::handle_timeout) at. It changes with every call: ask
    /// again after each.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.link.poll_timeout()
    }

    /// Ends the connection `time` from now at the latest, whatever is left to write by then; an
    /// earlier end stands.
    pub fn end_within(&mut self, now: Instant, time: Duration) {
        self.link.end_within(now, time);
    }

    /// The stream has failed: nothing is left to be done with it. If the machine has not said why it
    /// ended, that is its next event.
    pub fn fail(&mut self, now: Instant) {
        self.due = true;
        self.input.discard();
        self.link.fail(now);
    }

    /// Whether `Closed` has been handed out.
    pub fn is_closed(&self) -> bool {
        self.link.end.is_closed()
    }

    /// Whether the connection has ended, and its stream may be dropped.
    pub fn is_done(&self) -> bool {
        self.link.end.is_done()
    }

    /// The machine: to send, ping and close.
    #[inline]
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.link.connection
    }

    /// Lets what is sent from now on go into the thread's buffer, if nothing waits to be written: that
    /// costs no allocation. [`poll_flush`](Self::poll_flush) returns it. Reading does this, too.
    #[inline]
    pub fn lend_output(&mut self) {
        if self.buffered_amount() == 0 {
            self.link.lend_output();
        }
    }

    /// Bytes that are kept of an incomplete message: see [`Connection::incomplete_len`].
    #[inline]
    pub fn incomplete_len(&self) -> Option<usize> {
        self.link.connection.incomplete_len()
    }

    /// Bytes that were sent and not yet written.
    #[inline]
    pub fn buffered_amount(&self) -> usize {
        self.link.connection.buffered_amount()
    }

    /// The stream beneath.
    pub fn stream(&self) -> &S {
        &self.link.stream
    }
}

impl<S> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("connection", &self.link.connection)
            .field("end", &self.link.end)
            .finish_non_exhaustive()
    }
}
