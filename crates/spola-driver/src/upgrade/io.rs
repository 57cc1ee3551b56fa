//! hyper's upgraded connection, as the driver's common part knows streams, and the other way round.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper::upgrade::Upgraded;

use crate::{Transport, scratch};

/// A connection, or a stream of HTTP/2, that hyper has handed over.
#[derive(Debug)]
pub struct HyperIo(pub Upgraded);

impl From<Upgraded> for HyperIo {
    fn from(stream: Upgraded) -> Self {
        Self(stream)
    }
}

impl AsyncRead for HyperIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut unfilled = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, unfilled.unfilled()))?;
        Poll::Ready(Ok(unfilled.filled().len()))
    }
}

impl AsyncWrite for HyperIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A stream of `futures-io`, as hyper knows them.
#[derive(Debug)]
pub struct HyperStream<S>(pub S);

impl<S: Transport> Read for HyperStream<S> {
    /// Reads into the thread's buffer first: hyper's has bytes that nobody has written yet, and
    /// clearing it costs more than copying what has come.
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = scratch::take();
        let len = cursor.remaining().min(buffer.len());
        let polled = Pin::new(&mut self.0).poll_read(cx, &mut buffer[..len]);
        if let Poll::Ready(Ok(read)) = polled {
            cursor.put_slice(&buffer[..read]);
        }
        scratch::give(buffer);
        polled.map_ok(drop)
    }
}

impl<S: Transport> Write for HyperStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
