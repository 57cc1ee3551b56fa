//! A stream of HTTP/1 whose requests are looked at before hyper reads them.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use super::framing::Framing;

/// Bytes that a read brings at most. hyper asks for no more, unless heads may be longer.
const LEN: usize = 16 << 10;

thread_local! {
    /// What is read into: hyper's own buffer can be written, but not read.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a stream tells of the requests that come in by it.
#[derive(Default)]
pub(super) struct Requests {
    taken: AtomicU64,
    /// Which of them is to be refused, counted from 1.
    refused: AtomicU64,
}

impl Requests {
    /// Takes the next one; `false` if it is to be refused, for its length is in doubt.
    pub(super) fn take(&self) -> bool {
        let number = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        number != self.refused.load(Ordering::Relaxed)
    }
}

pub(super) struct Watched<S> {
    stream: S,
    framing: Framing,
    requests: Arc<Requests>,
}

impl<S> Watched<S> {
    pub(super) const fn new(stream: S, requests: Arc<Requests>) -> Self {
        Self { stream, framing: Framing::new(), requests }
    }

    fn see(&mut self, bytes: &[u8]) {
        self.framing.read(bytes);
        if let Some(refused) = self.framing.refused() {
            self.requests.refused.store(refused, Ordering::Relaxed);
        }
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.framing.is_over() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let mut input = INPUT.take();
        input.resize(LEN, 0);
        let (room, _) = input.split_at_mut(buffer.remaining().min(LEN));
        let mut room = ReadBuf::new(room);
        let polled = Pin::new(&mut self.stream).poll_read(cx, room.unfilled());
        if let Poll::Ready(Ok(())) = polled {
            self.see(room.filled());
            buffer.put_slice(room.filled());
        }
        INPUT.set(input);
        polled
    }
}

impl<S: Write + Unpin> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
