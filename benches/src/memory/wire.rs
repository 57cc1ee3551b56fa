//! A client without a kernel: a stream that gives prebuilt frames and takes whatever is written.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads are copies, as the kernel's would be, out of an image of frames that repeats; none reaches
/// beyond the image's end. What is written is counted, or kept if asked for.
pub(super) struct Wire<'a> {
    image: &'a [u8],
    position: usize,
    /// Bytes to come before the stream ends.
    left: usize,
    written: Written<'a>,
}

pub(super) enum Written<'a> {
    /// The number of bytes.
    Counted(&'a mut usize),
    Kept(&'a mut Vec<u8>),
}

impl<'a> Wire<'a> {
    /// Ends after `len` bytes.
    pub(super) fn new(image: &'a [u8], len: usize, written: Written<'a>) -> Self {
        Self { image, position: 0, left: len, written }
    }

    fn give(&mut self, room: usize) -> &'a [u8] {
        let image = self.image;
        let len = room.min(image.len() - self.position).min(self.left);
        let bytes = image.get(self.position..self.position + len).unwrap_or_default();
        self.position = (self.position + len) % image.len();
        self.left -= len;
        bytes
    }

    fn absorb(&mut self, bytes: &[u8]) -> usize {
        match &mut self.written {
            Written::Counted(count) => **count += bytes.len(),
            Written::Kept(kept) => kept.extend_from_slice(bytes),
        }
        bytes.len()
    }
}

impl AsyncRead for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.give(buffer.remaining());
        buffer.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.absorb(bytes)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|bytes| self.absorb(bytes)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.give(buffer.len());
        if let Some(room) = buffer.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        Ok(bytes.len())
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.absorb(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_with_the_image_and_it_repeats() {
        let mut count = 0;
        let mut wire = Wire::new(b"abcd", 7, Written::Counted(&mut count));
        let mut reads = Vec::new();
        for room in [3, 8, 8, 8] {
            let mut buffer = vec![0; room];
            let len = wire.read(&mut buffer).unwrap();
            reads.push(String::from_utf8(buffer[..len].to_vec()).unwrap());
        }
        assert_eq!(reads, ["abc", "d", "abc", ""]);
    }
}
