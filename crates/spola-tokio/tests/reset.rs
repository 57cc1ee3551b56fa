//! Servers that hang up with a reset: what Autobahn's does, and many that close with unread input.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use spola_tokio::websocket::{CloseCode, CloseReason, Config, Error, WebSocket};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};

/// A stream whose end is a reset.
struct Resetting(DuplexStream);

impl AsyncRead for Resetting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        Poll::Ready(if buffer.filled().len() == before {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        })
    }
}

impl AsyncWrite for Resetting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A client, and the server's bare end of its stream.
fn client() -> (WebSocket<Resetting>, DuplexStream) {
    let (near, far) = tokio::io::duplex(1 << 16);
    (WebSocket::client(Resetting(near), Config::default(), Vec::new()), far)
}

#[tokio::test(start_paused = true)]
async fn a_reset_after_both_close_frames_is_a_clean_end() {
    let (mut client, mut server) = client();
    server.write_all(b"\x88\x02\x03\xe8").await.expect("written");
    let hang_up = async {
        let mut answer = [0; 8];
        server.read_exact(&mut answer).await.expect("a Close frame in return");
        drop(server);
    };
    let (received, ()) = tokio::join!(client.recv(), hang_up);
    assert_eq!(received.expect("a clean end"), None);
    assert_eq!(client.close_reason().map(CloseReason::close_code), Some(CloseCode::NORMAL));
}

#[tokio::test(start_paused = true)]
async fn a_reset_in_answer_to_our_close_frame_is_an_end_without_a_handshake() {
    let (mut client, mut server) = client();
    let hang_up = async {
        let mut close = [0; 8];
        server.read_exact(&mut close).await.expect("a Close frame");
        drop(server);
    };
    let (closed, ()) = tokio::join!(client.close(CloseCode::NORMAL, ""), hang_up);
    assert!(matches!(closed, Err(Error::Closed(CloseReason::Eof))), "{closed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reset_out_of_the_blue_is_the_streams_failure() {
    let (mut client, server) = client();
    drop(server);
    let received = client.recv().await;
    assert!(
        matches!(&received, Err(Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionReset),
        "{received:?}"
    );
}
