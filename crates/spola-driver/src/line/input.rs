use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use spola_websocket::Payload;

use crate::{Transport, scratch};

/// What was read and not yet parsed: borrowed from the thread, and returned when empty.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    parsed: usize,
    read: usize,
}

/// A payload that an event had, while nobody borrows it.
pub(crate) enum Detached {
    /// As many bytes at the end of what was parsed: an event's payload is the last of what it took.
    Lent(usize),
    Owned(Bytes),
}

impl From<Payload<'_>> for Detached {
    fn from(payload: Payload<'_>) -> Self {
        match payload {
            Payload::Borrowed(bytes) => Self::Lent(bytes.len()),
            Payload::Owned(bytes) => Self::Owned(bytes),
        }
    }
}

impl Input {
    pub(super) fn new(received: Vec<u8>) -> Self {
        match received.len() {
            0 => Self::default(),
            read => Self { buffer: received, parsed: 0, read },
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.parsed == self.read
    }

    #[inline]
    pub(super) fn unparsed(&self) -> &[u8] {
        self.buffer.get(self.parsed..self.read).unwrap_or_default()
    }

    /// Lends what is not parsed to `take`, which takes bytes off its front.
    #[inline]
    pub(super) fn parse<'a, T>(&'a mut self, take: impl FnOnce(&mut &'a mut [u8]) -> T) -> T {
        let mut unparsed = self.buffer.get_mut(self.parsed..self.read).unwrap_or_default();
        let taken = take(&mut unparsed);
        self.parsed = self.read - unparsed.len();
        taken
    }

    /// The last `len` bytes that were parsed.
    pub(super) fn just_parsed(&self, len: usize) -> &[u8] {
        self.buffer.get(self.parsed.saturating_sub(len)..self.parsed).unwrap_or_default()
    }

    /// Reads at most `len` bytes into a buffer of the thread's, which is kept only if something has
    /// come.
    pub(super) fn poll_read<S: Transport>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        self.release();
        let mut buffer = scratch::take();
        let room = buffer.get_mut(..len).unwrap_or_default();
        let polled = Pin::new(stream).poll_read(cx, room);
        match polled {
            Poll::Ready(Ok(read @ 1..)) => *self = Self { buffer, parsed: 0, read },
            Poll::Ready(Ok(0) | Err(_)) | Poll::Pending => scratch::give(buffer),
        }
        polled
    }

    /// Returns the buffer to the thread, if all of it was parsed.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.read > 0 && self.is_empty() {
            scratch::give(std::mem::take(&mut self.buffer));
            (self.parsed, self.read) = (0, 0);
        }
    }

    pub(super) fn discard(&mut self) {
        self.parsed = self.read;
        self.release();
    }
}
