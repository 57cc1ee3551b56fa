//! The plain WebSocket over in-memory streams: no ports, and a clock that moves by itself only when
//! everybody waits.

#![expect(clippy::disallowed_methods, reason = "a test reads the clock that it holds")]

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use spola_tokio::websocket::{
    AcceptError, CloseCode, CloseReason, Config, Error, Message, WebSocket, accept, client,
};
use spola_websocket::handshake::client::Request;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tokio_tungstenite::tungstenite;

const SIZES: [usize; 8] = [0, 1, 125, 126, 4096, 65_535, 65_536, 900_000];

async fn pair(capacity: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = tokio::io::duplex(capacity);
    let request = Request::new("localhost", "/").expect("a sound request");
    let (server, client) = tokio::join!(accept(near), client(far, request, Config::default()));
    (server.expect("accepted"), client.expect("opened"))
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn messages() -> Vec<Message> {
    let text = |len| Message::Text("ü".repeat(len / 2).into());
    let binary = |len| Message::Binary((0..len).map(|at| at as u8).collect::<Vec<_>>().into());
    SIZES.iter().flat_map(|&len| [text(len), binary(len)]).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_of_every_size_come_back_through_a_narrow_pipe() {
    for capacity in [1000, 1 << 20] {
        let (server, mut client) = pair(capacity).await;
        let conversation = async {
            for message in messages() {
                client.send(message.clone()).await.expect("sent");
                assert_eq!(client.recv().await.expect("open"), Some(message));
            }
            client.close(CloseCode::NORMAL, "done").await.expect("closed");
        };
        let (echoed, ()) = tokio::join!(echo(server), conversation);
        echoed.expect("a clean end");
    }
}

#[tokio::test(start_paused = true)]
async fn tungstenites_client_is_served() {
    let (near, far) = tokio::io::duplex(4096);
    let server = async { echo(accept(near).await.expect("accepted")).await };
    let conversation = async {
        let (mut socket, _) =
            tokio_tungstenite::client_async("ws://localhost/", far).await.expect("opened");
        for message in messages() {
            let message = match message {
                Message::Text(text) => tungstenite::Message::text(text.to_string()),
                Message::Binary(data) => tungstenite::Message::binary(data),
            };
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.next().await.expect("open").expect("sound"), message);
        }
        socket.close(None).await.expect("closing");
        while let Some(message) = socket.next().await {
            assert!(message.expect("sound").is_close());
        }
    };
    let (echoed, ()) = tokio::join!(server, conversation);
    echoed.expect("a clean end");
}

#[tokio::test(start_paused = true)]
async fn tungstenites_server_is_called() {
    let (near, far) = tokio::io::duplex(4096);
    let server = async {
        let mut socket = tokio_tungstenite::accept_async(near).await.expect("accepted");
        while let Some(message) = socket.next().await {
            let message = message.expect("sound");
            if message.is_text() || message.is_binary() {
                socket.send(message).await.expect("sent");
            }
        }
    };
    let conversation = async {
        let request = Request::new("localhost", "/").expect("a sound request");
        let mut socket = client(far, request, Config::default()).await.expect("opened");
        for message in messages() {
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.recv().await.expect("open"), Some(message));
        }
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    };
    tokio::join!(server, conversation);
}

#[tokio::test(start_paused = true)]
async fn answers_to_what_came_together_are_written_together() {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let near = Counted { stream: near, writes: Arc::clone(&writes) };
    let server = async { echo(accept(near).await.expect("accepted")).await };
    let conversation = async {
        let _ = upgrade(&mut far).await;
        let before = writes.load(Ordering::Relaxed);
        far.write_all(&masked_hello().repeat(16)).await.expect("written");
        let mut replies = [0; 7 * 16];
        far.read_exact(&mut replies).await.expect("answered");
        assert_eq!(replies, *b"\x81\x05Hello".repeat(16));
        assert_eq!(writes.load(Ordering::Relaxed) - before, 1);
        drop(far);
    };
    let (echoed, ()) = tokio::join!(server, conversation);
    assert!(matches!(echoed, Err(Error::Closed(CloseReason::Eof))));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_recv_loses_nothing() {
    let (mut server, mut far) = {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let (server, _) = tokio::join!(accept(near), upgrade(&mut far));
        (server.expect("accepted"), far)
    };
    let wire = masked_hello().repeat(5);
    let mut received = Vec::new();
    for byte in wire {
        far.write_all(&[byte]).await.expect("written");
        // Polled once and dropped, at every byte.
        if let Some(message) = server.recv().now_or_never() {
            received.push(message.expect("sound").expect("open"));
        }
    }
    assert_eq!(received, vec![Message::from("Hello"); 5]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_none_gets_its_status() {
    let table: [(&[u8], &str); 3] = [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
    ];
    for (request, expected) in table {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        far.write_all(request).await.expect("written");
        assert!(matches!(accept(near).await, Err(AcceptError::Rejected(_))));
        let mut response = String::new();
        far.read_to_string(&mut response).await.expect("text");
        assert!(response.starts_with(expected), "{response}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_trickles_in_is_given_up_after_ten_seconds() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let started = tokio::time::Instant::now();
    let trickle = async {
        while far.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let (accepted, ()) = tokio::join!(accept(near), trickle);
    assert!(matches!(accepted, Err(AcceptError::TimedOut)));
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_violation_is_answered_by_its_code_after_what_came_before() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let server = async { echo(accept(near).await.expect("accepted")).await };
    let conversation = async {
        let _ = upgrade(&mut far).await;
        far.write_all(&masked_hello()).await.expect("written");
        far.write_all(b"\x81\x05Hello").await.expect("written");
        let mut reply = Vec::new();
        far.read_to_end(&mut reply).await.expect("read");
        assert_eq!(&reply[..7], b"\x81\x05Hello");
        assert_eq!((reply[7], &reply[9..11]), (0x88, &1002_u16.to_be_bytes()[..]));
    };
    let (echoed, ()) = tokio::join!(server, conversation);
    assert!(matches!(echoed, Err(Error::Closed(CloseReason::Violation(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_left_after_five_seconds() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let (server, _) = tokio::join!(accept(near), upgrade(&mut far));
    let mut server = server.expect("accepted");
    let started = tokio::time::Instant::now();
    let closed = server.close(CloseCode::GOING_AWAY, "bye").await;
    assert!(matches!(closed, Err(Error::Closed(CloseReason::CloseTimeout))));
    assert!((5..=8).contains(&started.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_close_is_echoed_with_its_code() {
    let (mut server, mut client) = pair(1 << 16).await;
    let code = CloseCode::new(4000).expect("an application's code");
    let (closed, received) = tokio::join!(client.close(code, "so long"), server.recv());
    closed.expect("closed");
    assert!(matches!(received, Ok(None)));
    let Some(CloseReason::Peer(frame)) = server.close_reason() else { panic!("by the peer") };
    assert_eq!((frame.code, &*frame.reason), (Some(code), "so long"));
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_was_not_done_is_gone_on_with() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let stream = Lazy { held: Vec::new(), written: Arc::clone(&written), lazy: true };
    let mut socket = WebSocket::server(stream, Config::default(), masked_hello());
    assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("Hello")));
    assert!(socket.send("back").now_or_never().is_none());
    assert_eq!(*written.lock().expect("no panic"), b"");
    socket.flush().await.expect("flushed");
    assert_eq!(*written.lock().expect("no panic"), b"\x81\x04back");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stopped_reading_does_not_hold_a_close_up() {
    let (near, _far) = tokio::io::duplex(64);
    let mut socket = WebSocket::server(near, Config::default(), Vec::new());
    assert!(socket.send("x".repeat(1000)).now_or_never().is_none());
    let started = tokio::time::Instant::now();
    assert!(socket.close(CloseCode::NORMAL, "").await.is_err());
    assert!(started.elapsed() <= Duration::from_secs(8));
}

/// `Hello` as text, masked (RFC 6455 §5.7).
fn masked_hello() -> Vec<u8> {
    b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec()
}

/// Opens a WebSocket by hand.
async fn upgrade(stream: &mut DuplexStream) -> Vec<u8> {
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("answered"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    head
}

/// A stream that, as TLS does, writes when it is flushed, and only at the second try.
struct Lazy {
    held: Vec<u8>,
    written: Arc<Mutex<Vec<u8>>>,
    lazy: bool,
}

impl AsyncRead for Lazy {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Lazy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.lazy) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let held = std::mem::take(&mut self.held);
        self.written.lock().expect("no panic").extend(held);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// A stream that counts the writes to it.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
