//! What a WebSocket runs over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// A stream that carries a WebSocket: any of `futures-io` that can be moved.
pub trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for S {}

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
