use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Buf as _;
use spola_websocket::Connection;

use super::end::End;
use crate::{Transport, scratch};

/// Slices that one vectored write may take.
const SLICES: usize = 64;

/// Time in which the peer takes nothing, while something is to be written.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// All of a line but its read buffer, which a message may be lent out of meanwhile.
pub(crate) struct Link<S> {
    pub(super) stream: S,
    pub(crate) connection: Connection,
    pub(super) write_timeout: Option<Duration>,
    /// When the last progress was made in writing, if something waits to be written.
    pub(super) stalled_since: Option<Instant>,
    /// Bytes went into the stream that it may still hold back.
    unflushed: bool,
    /// The stream's read side has ended.
    pub(super) peer_ended: bool,
    /// When it ends, whatever is left to write.
    pub(super) end_by: Option<Instant>,
    pub(super) end: End,
}

impl<S: Transport> Link<S> {
    pub(super) fn new(stream: S, connection: Connection) -> Self {
        Self {
            stream,
            connection,
            write_timeout: Some(WRITE_TIMEOUT),
            stalled_since: None,
            unflushed: false,
            peer_ended: false,
            end_by: None,
            end: End::Open,
        }
    }

    pub(super) fn is_flushed(&self) -> bool {
        !self.unflushed && self.connection.buffered_amount() == 0
    }

    /// What was read is about to be answered: into the thread's buffer, which costs no allocation.
    pub(super) fn lend_output(&mut self) {
        let mut buffer = scratch::take_output();
        self.connection.output().lend(&mut buffer);
        scratch::give_output(buffer);
    }

    fn reclaim_output(&mut self) {
        let mut buffer = Vec::new();
        self.connection.output().reclaim(&mut buffer);
        scratch::give_output(buffer);
    }

    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        clock: impl FnOnce() -> Instant,
    ) -> Poll<io::Result<()>> {
        if self.end.is_done() && self.connection.output().has_remaining() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
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
}
