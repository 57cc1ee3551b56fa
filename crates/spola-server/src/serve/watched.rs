//! A stream of HTTP/1 whose requests are looked at before hyper reads them, and whose last response goes
//! out with what the WebSocket behind it begins with.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use spola_driver::BoxFuture;

use super::framing::Framing;

/// Bytes that a read brings at most. hyper asks for no more, unless heads may be longer.
const LEN: usize = 16 << 10;

thread_local! {
    /// What is read into: hyper's own buffer can be written, but not read.
    static INPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a stream, and who answers the requests that come in by it, tell each other.
#[derive(Default)]
pub(crate) struct Requests {
    taken: AtomicU64,
    /// Which of them is to be refused, counted from 1.
    refused: AtomicU64,
    /// The response to come is to be held back.
    hold: AtomicBool,
    /// What the connection's task does after all requests.
    session: Mutex<Option<BoxFuture<()>>>,
}

impl Requests {
    /// Takes the next one; `false` if it is to be refused, for its length is in doubt.
    pub(super) fn take(&self) -> bool {
        let number = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        number != self.refused.load(Ordering::Relaxed)
    }

    /// Has the connection's task run a session once the connection is a WebSocket, or has failed to
    /// become one. The response to come waits for what the session says first, and with it the rest of the
    /// one before, if that is not out yet.
    pub(crate) fn open(&self, session: BoxFuture<()>) {
        self.hold.store(true, Ordering::Relaxed);
        *self.session() = Some(session);
    }

    pub(super) fn take_session(&self) -> Option<BoxFuture<()>> {
        self.session().take()
    }

    fn session(&self) -> MutexGuard<'_, Option<BoxFuture<()>>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Is written together with what comes next.
    held: Vec<u8>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, requests: Arc<Requests>) -> Self {
        let watch = Watch { framing: Framing::new(), requests, held: Vec::new() };
        Self { stream, watch: Some(Box::new(watch)) }
    }
}

impl Watch {
    /// Looks at what was read.
    fn see(&mut self, bytes: &[u8]) {
        self.framing.read(bytes);
        if let Some(refused) = self.framing.refused() {
            self.requests.refused.store(refused, Ordering::Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.framing.is_over() && self.held.is_empty()
    }

    /// Keeps what is written, if it is to be held back; this is how much.
    fn hold(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        if !self.requests.hold.load(Ordering::Relaxed) {
            return None;
        }
        self.requests.hold.store(false, Ordering::Relaxed);
        slices.iter().for_each(|slice| self.held.extend_from_slice(slice));
        Some(slices.iter().map(|slice| slice.len()).sum())
    }

    fn held(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.held).filter(|held| !held.is_empty())
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
            watching.see(room.filled());
            if watching.is_over() {
                *watch = None;
            }
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
        match self.watch {
            Some(_) => self.poll_write_vectored(cx, &[IoSlice::new(bytes)]),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, watch } = &mut *self;
        let mut stream = Pin::new(stream);
        if let Some(taken) = watch.as_mut().and_then(|watching| watching.hold(slices)) {
            return Poll::Ready(Ok(taken));
        }
        while let Some(held) = watch.as_mut().and_then(|watching| watching.held()) {
            let next = slices.iter().find(|slice| !slice.is_empty());
            let both = [IoSlice::new(held), IoSlice::new(next.map_or(&[], |slice| slice))];
            let written = ready!(stream.as_mut().poll_write_vectored(cx, &both))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let Some(of_next) = written.checked_sub(held.len()) else {
                held.drain(..written);
                continue;
            };
            // Behind it is no HTTP.
            *watch = None;
            if of_next > 0 {
                return Poll::Ready(Ok(of_next));
            }
        }
        stream.poll_write_vectored(cx, slices)
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes so many bytes at each write, and then none.
    struct Taking(Vec<usize>, Vec<u8>);

    impl Write for Taking {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let Some(most) = self.0.pop() else {
                return Poll::Pending;
            };
            let bytes = slices.iter().flat_map(|slice| slice.iter()).take(most);
            let before = self.1.len();
            self.1.extend(bytes);
            Poll::Ready(Ok(self.1.len() - before))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What came of writing a response, held back or not, and what was written in the end; the stream
    /// takes so many bytes at each write.
    fn written(hold: bool, mut takes: Vec<usize>) -> (Vec<Option<usize>>, Vec<u8>, bool) {
        takes.reverse();
        let requests = Arc::<Requests>::default();
        let mut stream = Watched::new(Taking(takes, Vec::new()), Arc::clone(&requests));
        let mut cx = Context::from_waker(Waker::noop());
        if hold {
            requests.open(Box::pin(async {}));
        }
        let head = [IoSlice::new(b"1"), IoSlice::new(b"01 ")];
        let mut write = |slices: &[IoSlice<'_>]| {
            let Poll::Ready(written) = Pin::new(&mut stream).poll_write_vectored(&mut cx, slices)
            else {
                return None;
            };
            Some(written.expect("nothing fails"))
        };
        let told = vec![write(&head), write(&[IoSlice::new(b"open")])];
        (told, stream.stream.1, stream.watch.is_none())
    }

    #[test]
    fn a_response_that_is_held_back_goes_with_what_is_behind_it() {
        let all = || b"101 open".to_vec();
        assert_eq!(written(false, vec![9, 9]), (vec![Some(4), Some(4)], all(), false));
        assert_eq!(written(true, vec![9]), (vec![Some(4), Some(4)], all(), true));
        assert_eq!(written(true, vec![6]), (vec![Some(4), Some(2)], b"101 op".to_vec(), true));
        // In as many pieces as it takes.
        assert_eq!(
            written(true, vec![1, 2, 3]),
            (vec![Some(4), Some(2)], b"101 op".to_vec(), true)
        );
        assert_eq!(written(true, vec![1, 3, 4]), (vec![Some(4), Some(4)], all(), true));
        assert_eq!(written(true, vec![1]), (vec![Some(4), None], b"1".to_vec(), false));
        assert_eq!(written(true, vec![4]), (vec![Some(4), None], b"101 ".to_vec(), true));
    }
}
