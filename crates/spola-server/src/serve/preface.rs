//! Which HTTP a client speaks: who speaks HTTP/2 says so in its first bytes (RFC 9113 §3.4).

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

/// What no request of HTTP/1 begins with.
const PREFACE: &[u8; LEN] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const LEN: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Reads as much of a stream as tells the versions apart; the stream that is given still has it.
///
/// # Errors
/// If the stream fails, or ends before.
pub(super) async fn version<S>(mut stream: S) -> io::Result<(Version, Rewound<S>)>
where
    S: Read + Unpin,
{
    let mut first = [0; LEN];
    let mut len = 0;
    while len < LEN {
        let read = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(first.get_mut(len..).unwrap_or_default());
            ready!(Pin::new(&mut stream).poll_read(cx, buffer.unfilled()))?;
            Poll::Ready(io::Result::Ok(buffer.filled().len()))
        });
        match read.await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => len += read,
        }
        if first.get(..len) != PREFACE.get(..len) {
            return Ok((Version::Http1, Rewound { first, taken: 0, len, stream }));
        }
    }
    Ok((Version::Http2, Rewound { first, taken: 0, len, stream }))
}

/// A stream whose first bytes were read, and are to be read again.
pub(super) struct Rewound<S> {
    first: [u8; LEN],
    taken: usize,
    len: usize,
    stream: S,
}

impl<S: Read + Unpin> Read for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.first.get(this.taken..this.len) {
            None | Some([]) => Pin::new(&mut this.stream).poll_read(cx, buffer),
            Some(left) => {
                let (now, _) = left.split_at(left.len().min(buffer.remaining()));
                buffer.put_slice(now);
                this.taken += now.len();
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<S: Write + Unpin> Write for Rewound<S> {
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
        slices: &[IoSlice<'_>],
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
