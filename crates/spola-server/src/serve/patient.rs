//! A stream that does not wait forever for its peer to read.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use spola_driver::{Runtime, Timer};

/// Bytes that are copied together for less than the kernel takes to gather them: most responses.
const SMALL: usize = 1024;

/// A stream whose writes fail once its peer has taken nothing for a time. HTTP libraries have no such
/// limit, so a client that asks and does not read would hold its connection for good.
pub(super) struct Patient<S> {
    stream: S,
    runtime: Arc<dyn Runtime>,
    time: Duration,
    stalled: Option<Box<dyn Timer>>,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S, runtime: Arc<dyn Runtime>, time: Duration) -> Self {
        Self { stream, runtime, time, stalled: None }
    }

    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| {
            let mut timer = self.runtime.timer();
            timer.set(self.runtime.now().checked_add(self.time));
            timer
        });
        stalled.poll_expired(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: Read + Unpin> Read for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: Write + Unpin> Write for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len: usize = slices.iter().map(|slice| slice.len()).sum();
        let stream = Pin::new(&mut self.stream);
        let mut whole = [0; SMALL];
        let written = match whole.get_mut(..len) {
            Some(whole) => {
                let mut room = &mut *whole;
                // There is room for all.
                slices.iter().for_each(|slice| drop(room.write(slice)));
                stream.poll_write(cx, whole)
            }
            None => stream.poll_write_vectored(cx, slices),
        };
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shut)
    }
}
