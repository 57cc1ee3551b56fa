//! What both opening handshakes do with their stream.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use spola_websocket::handshake::MAX_HEAD_LEN;

use crate::deflation::Deflation;
use crate::line::LINGER_LEN;
use crate::transport::poll_write_all;
use crate::{Runtime, Timer, Transport, scratch};

/// What a handshake leaves.
pub(crate) struct Greeted {
    /// What came behind the head.
    pub(crate) received: Vec<u8>,
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) deflation: Deflation,
}

/// Appends what comes to `received`, which so has room for no more than what has arrived.
///
/// # Errors
/// If the stream fails or ends.
pub(crate) async fn read_more<S: Transport>(
    stream: &mut S,
    received: &mut Vec<u8>,
) -> io::Result<()> {
    poll_fn(|cx| {
        let mut buffer = scratch::take();
        let polled = Pin::new(&mut *stream).poll_read(cx, &mut buffer[..MAX_HEAD_LEN]);
        let polled = polled.map(|read| match read? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            len => {
                received.extend_from_slice(&buffer[..len]);
                Ok(())
            }
        });
        scratch::give(buffer);
        polled
    })
    .await
}

/// Writes a head.
///
/// # Errors
/// If the stream fails.
pub(crate) async fn write<S: Transport>(stream: &mut S, head: &[u8]) -> io::Result<()> {
    let mut left = head;
    poll_fn(|cx| poll_write_all(stream, cx, &mut left)).await
}

/// Writes a refusal, and ends our side of the stream.
///
/// # Errors
/// If the stream fails.
pub(crate) async fn refuse<S: Transport>(stream: &mut S, head: &[u8]) -> io::Result<()> {
    write(stream, head).await?;
    poll_fn(|cx| Pin::new(&mut *stream).poll_close(cx)).await
}

/// Reads until the peer has ended its side too: closing a stream with unread input would make the kernel
/// reset the connection, and a refusal be lost.
pub(crate) async fn drain<S: Transport>(stream: &mut S) {
    let mut left = LINGER_LEN;
    poll_fn(|cx| {
        while left > 0 {
            let mut buffer = scratch::take();
            let polled = Pin::new(&mut *stream).poll_read(cx, &mut buffer);
            scratch::give(buffer);
            match polled {
                Poll::Ready(Ok(0) | Err(_)) => break,
                Poll::Ready(Ok(read)) => left = left.saturating_sub(read),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Awaits `future`, but no longer than `time`; `None` if it took longer.
///
/// The future is put on the heap here and now, so that whoever waits keeps no room for it afterwards.
pub(crate) fn within<R: Runtime, T>(
    runtime: &R,
    time: Duration,
    future: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    let mut future = Box::pin(future);
    let deadline = runtime.now().checked_add(time);
    let mut timer: Option<Box<dyn Timer>> = None;
    poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let timer = timer.get_or_insert_with(|| {
            let mut timer = runtime.timer();
            timer.set(deadline);
            timer
        });
        timer.poll_expired(cx).map(|()| None)
    })
}
