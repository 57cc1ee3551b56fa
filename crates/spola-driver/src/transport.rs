//! What a WebSocket runs over.

use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use futures_io::{AsyncRead, AsyncWrite};

use crate::scratch;

/// A stream of `futures-io` that carries a WebSocket.
///
/// Wrap any other in [`FuturesIo`]. Drivers implement it for their runtime's own streams, to read
/// large payloads straight to where they stay.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Reads into memory that may never have been written to; 0 at the end of the stream.
    ///
    /// As provided, it reads elsewhere and copies.
    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        let mut read = scratch::take();
        let room = read.len().min(buffer.remaining_mut());
        let polled = Pin::new(self).poll_read(cx, &mut read[..room]);
        if let Poll::Ready(Ok(len)) = polled {
            buffer.put_slice(&read[..len]);
        }
        scratch::give(read);
        polled
    }
}

/// Any stream of `futures-io`, as a [`Transport`].
#[derive(Clone, Copy, Debug, Default)]
pub struct FuturesIo<S>(pub S);

impl<S> From<S> for FuturesIo<S> {
    fn from(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for FuturesIo<S> {}

impl<S: AsyncRead + Unpin> AsyncRead for FuturesIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read_vectored(cx, buffers)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FuturesIo<S> {
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
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// Writes all of `bytes` and flushes; `bytes` loses what was written.
pub(crate) fn poll_write_all<S: Transport>(
    stream: &mut S,
    cx: &mut Context<'_>,
    bytes: &mut &[u8],
) -> Poll<io::Result<()>> {
    while !bytes.is_empty() {
        let written = ready!(Pin::new(&mut *stream).poll_write(cx, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        *bytes = bytes.get(written..).unwrap_or_default();
    }
    Pin::new(stream).poll_flush(cx)
}
