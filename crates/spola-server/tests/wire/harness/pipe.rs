//! A connection in memory: the server's end for hyper, the client's end for the test.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use hyper::rt::{Read, ReadBufCursor, Write};

/// A new connection: the server's end and the client's.
pub(crate) fn pipe() -> (ServerEnd, ClientEnd) {
    let shared = Arc::new(Mutex::new(Shared {
        up: Channel::default(),
        down: Channel::default(),
        reset: false,
        unread: false,
        writes_read: false,
    }));
    (ServerEnd(Arc::clone(&shared)), ClientEnd(shared))
}

struct Shared {
    /// From client to server.
    up: Channel,
    /// From server to client.
    down: Channel,
    /// The client is gone without a word.
    reset: bool,
    /// The server hung up with input unread: over TCP its last bytes could be lost.
    unread: bool,
    /// The server's next write waits until there is something to read, as one of TLS may.
    writes_read: bool,
}

struct Channel {
    data: VecDeque<u8>,
    capacity: usize,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Channel {
    fn take(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.data.len().min(most)];
        self.data.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            data: VecDeque::new(),
            capacity: usize::MAX,
            ended: false,
            reader: None,
            writer: None,
        }
    }
}

/// What the server reads from and writes to.
pub(crate) struct ServerEnd(Arc<Mutex<Shared>>);

/// What the test writes to and reads from. Dropping it resets the connection.
pub(crate) struct ClientEnd(Arc<Mutex<Shared>>);

impl ClientEnd {
    pub(crate) fn write(&self, bytes: &[u8]) {
        let waker = {
            let mut shared = lock(&self.0);
            shared.up.data.extend(bytes);
            shared.up.reader.take()
        };
        wake(waker);
    }

    /// Takes what has arrived, at most `most` bytes.
    pub(crate) fn read(&self, most: usize) -> Vec<u8> {
        let (bytes, waker) = {
            let mut shared = lock(&self.0);
            let bytes = shared.down.take(most);
            (bytes, shared.down.writer.take())
        };
        wake(waker);
        bytes
    }

    /// How many bytes the server has written that nobody has read.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.0).down.data.len()
    }

    /// How many bytes the client has written that the server has not read.
    pub(crate) fn unread_by_server(&self) -> usize {
        lock(&self.0).up.data.len()
    }

    /// How much may wait for this client before the server's writes have to.
    pub(crate) fn set_capacity(&self, capacity: usize) {
        let waker = {
            let mut shared = lock(&self.0);
            shared.down.capacity = capacity;
            shared.down.writer.take()
        };
        wake(waker);
    }

    /// Has the server's next write wait until there is something to read, in the place of its read: so TLS
    /// does that negotiates anew.
    pub(crate) fn let_write_read(&self) {
        lock(&self.0).writes_read = true;
    }

    /// Ends the client's side: the server reads the end of the stream.
    pub(crate) fn shut(&self) {
        let waker = {
            let mut shared = lock(&self.0);
            shared.up.ended = true;
            shared.up.reader.take()
        };
        wake(waker);
    }

    /// Breaks the connection, without an end of either stream.
    pub(crate) fn reset(&self) {
        let wakers = {
            let mut shared = lock(&self.0);
            shared.reset = true;
            [shared.up.reader.take(), shared.down.writer.take()]
        };
        wakers.into_iter().for_each(wake);
    }

    /// Whether the server's side of the stream has ended.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.0).down.ended
    }

    /// Whether the server hung up with input unread.
    pub(crate) fn was_cut(&self) -> bool {
        lock(&self.0).unread
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.reset();
    }
}

impl Read for ServerEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut shared = lock(&self.0);
        if shared.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if !shared.up.data.is_empty() {
            shared.writes_read = false;
        }
        let channel = &mut shared.up;
        if channel.data.is_empty() && !channel.ended {
            channel.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buffer.put_slice(&channel.take(buffer.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl Write for ServerEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut shared = lock(&self.0);
        if shared.reset || shared.down.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if shared.writes_read && shared.up.data.is_empty() {
            shared.up.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let channel = &mut shared.down;
        let room = channel.capacity.saturating_sub(channel.data.len());
        if room == 0 {
            channel.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = bytes.len().min(room);
        channel.data.extend(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).down.ended = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.down.ended = true;
        shared.unread = !shared.up.data.is_empty();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap()
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
