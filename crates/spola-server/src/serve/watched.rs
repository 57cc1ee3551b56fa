//! A stream of HTTP/1 whose requests are looked at before hyper reads them.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use super::framing::Framing;
use super::through::write_through;

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
    /// Gone once it has seen enough: a WebSocket has no use for it.
    watch: Option<Box<Watch>>,
}

struct Watch {
    framing: Framing,
    requests: Arc<Requests>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, requests: Arc<Requests>) -> Self {
        let watch = Watch { framing: Framing::new(), requests };
        Self { stream, watch: Some(Box::new(watch)) }
    }
}

impl Watch {
    /// Looks at what was read; `false` once it has seen enough.
    fn see(&mut self, bytes: &[u8]) -> bool {
        self.framing.read(bytes);
        if let Some(refused) = self.framing.refused() {
            self.requests.refused.store(refused, Ordering::Relaxed);
        }
        !self.framing.is_over()
    }
}

impl<S: Read + Unpin> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, watch } = &mut *self;
        let Some(watching) = watch else {
            return Pin::new(stream).poll_read(cx, buffer);
        };
        let mut input = INPUT.take();
        if input.is_empty() {
            input = vec![0; LEN];
        }
        let most = buffer.remaining().min(LEN);
        let mut room = ReadBuf::new(input.get_mut(..most).unwrap_or_default());
        let polled = Pin::new(stream).poll_read(cx, room.unfilled());
        if let Poll::Ready(Ok(())) = polled {
            if !watching.see(room.filled()) {
                *watch = None;
            }
            buffer.put_slice(room.filled());
        }
        INPUT.set(input);
        polled
    }
}

write_through!(Watched);
