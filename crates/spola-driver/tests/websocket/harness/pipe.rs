//! A connection in memory, of two ends that speak the traits of `futures-io`.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};

/// A new connection, which holds `capacity` bytes in each direction.
pub(crate) fn pipe(capacity: usize) -> (PipeEnd, PipeEnd) {
    let channel = || Arc::new(Mutex::new(Channel { capacity, ..Channel::default() }));
    let (up, down) = (channel(), channel());
    (
        PipeEnd { input: Arc::clone(&down), output: Arc::clone(&up) },
        PipeEnd { input: up, output: down },
    )
}

#[derive(Default)]
struct Channel {
    data: VecDeque<u8>,
    capacity: usize,
    /// Nothing more will be written.
    ended: bool,
    /// Nobody will read.
    deaf: bool,
    writes: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end.
pub(crate) struct PipeEnd {
    input: Arc<Mutex<Channel>>,
    output: Arc<Mutex<Channel>>,
}

/// For a peer that is no program but a test.
#[allow(dead_code, reason = "not every test that includes this file plays a peer")]
impl PipeEnd {
    /// Writes all of `bytes`, whatever the capacity.
    pub(crate) fn put(&self, bytes: &[u8]) {
        let reader = {
            let mut output = lock(&self.output);
            output.data.extend(bytes);
            output.reader.take()
        };
        wake(reader);
    }

    /// Takes what has arrived, at most `most` bytes.
    pub(crate) fn take(&self, most: usize) -> Vec<u8> {
        let mut input = lock(&self.input);
        let len = input.data.len().min(most);
        let bytes = input.data.drain(..len).collect();
        let writer = input.writer.take();
        drop(input);
        wake(writer);
        bytes
    }

    /// Takes all that has arrived.
    pub(crate) fn take_all(&self) -> Vec<u8> {
        self.take(usize::MAX)
    }

    /// Makes room for the other end's writes, and tells nobody.
    pub(crate) fn widen(&self) {
        lock(&self.input).capacity = usize::MAX;
    }

    /// How often the other end has written.
    pub(crate) fn writes(&self) -> usize {
        lock(&self.input).writes
    }

    /// Whether the other end will write no more.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.input).ended
    }

    /// Writes no more.
    pub(crate) fn end(&self) {
        end(&self.output);
    }
}

impl AsyncRead for PipeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut input = lock(&self.input);
        if input.data.is_empty() && !input.ended {
            input.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let read = input.data.read(buffer).expect("memory can be read");
        let writer = input.writer.take();
        drop(input);
        wake(writer);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut output = lock(&self.output);
        if output.deaf || output.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = output.capacity.saturating_sub(output.data.len());
        if room == 0 {
            output.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).take(room);
        let before = output.data.len();
        output.data.extend(bytes);
        output.writes += 1;
        let written = output.data.len() - before;
        let reader = output.reader.take();
        drop(output);
        wake(reader);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        end(&self.output);
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        end(&self.output);
        let writer = {
            let mut input = lock(&self.input);
            input.deaf = true;
            input.writer.take()
        };
        wake(writer);
    }
}

fn end(channel: &Mutex<Channel>) {
    let reader = {
        let mut channel = lock(channel);
        channel.ended = true;
        channel.reader.take()
    };
    wake(reader);
}

fn lock(channel: &Mutex<Channel>) -> MutexGuard<'_, Channel> {
    channel.lock().expect("no panic")
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
