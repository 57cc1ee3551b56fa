//! The plain WebSocket on async-std and on smol: over memory, and over loopback.

#[path = "../../spola-driver/tests/websocket/harness/pipe.rs"]
mod pipe;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use spola_async_std::AsyncStdIo;
use spola_async_std::websocket::{
    Accept, AcceptError, CloseCode, CloseReason, Config, Error, Message, WebSocket, accept,
    accept_with, client,
};
use spola_websocket::handshake::client::Request;

const SIZES: [usize; 6] = [0, 1, 125, 126, 65_536, 900_000];

/// Runs what `future` makes on either runtime.
fn on_both<F: Future<Output = ()>>(future: impl Fn(Runtime) -> F) {
    async_std::task::block_on(future(Runtime::AsyncStd));
    smol::block_on(future(Runtime::Smol));
}

#[derive(Clone, Copy)]
enum Runtime {
    AsyncStd,
    Smol,
}

impl Runtime {
    fn spawn(self, future: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::AsyncStd => drop(async_std::task::spawn(future)),
            Self::Smol => smol::spawn(future).detach(),
        }
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), Error> {
    let mut socket = accept(stream).await.expect("accepted");
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn request() -> Request {
    Request::new("localhost", "/").expect("a sound request")
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) {
    for len in SIZES {
        let text = Message::Text("ü".repeat(len / 2).into());
        let binary = Message::Binary((0..len).map(|at| at as u8).collect::<Vec<_>>().into());
        for message in [text, binary] {
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.recv().await.expect("open"), Some(message));
        }
    }
    socket.close(CloseCode::NORMAL, "done").await.expect("closed");
}

#[test]
fn messages_of_every_size_come_back_through_a_narrow_pipe() {
    on_both(async |runtime| {
        for capacity in [1000, 1 << 20] {
            let (near, far) = pipe::pipe(capacity);
            runtime.spawn(async { echo(near).await.expect("a clean end") });
            converse(client(far, request(), Config::default()).await.expect("opened")).await;
        }
    });
}

#[test]
fn messages_of_every_size_come_back_over_loopback() {
    async_std::task::block_on(async {
        let listener = async_std::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        Runtime::AsyncStd.spawn(async move {
            let (stream, _) = listener.accept().await.expect("a client");
            echo(stream).await.expect("a clean end");
        });
        let stream = async_std::net::TcpStream::connect(address).await.expect("connected");
        converse(client(stream, request(), Config::default()).await.expect("opened")).await;
    });
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        Runtime::Smol.spawn(async move {
            let (stream, _) = listener.accept().await.expect("a client");
            echo(stream).await.expect("a clean end");
        });
        let stream = smol::net::TcpStream::connect(address).await.expect("connected");
        converse(client(stream, request(), Config::default()).await.expect("opened")).await;
    });
}

#[test]
fn a_closed_stream_of_async_stds_has_ended_while_it_is_still_read() {
    async_std::task::block_on(async {
        let listener = async_std::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let mut peer = async_std::net::TcpStream::connect(address).await.expect("connected");
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = AsyncStdIo(stream);
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.expect("closed");
        let read = poll_fn(|cx| Pin::new(&mut peer).poll_read(cx, &mut [0; 8])).await;
        assert_eq!(read.expect("an end"), 0);
        drop(stream);
    });
}

#[test]
fn a_silent_client_is_given_up() {
    on_both(async |_| {
        let (near, _far) = pipe::pipe(1000);
        let settings = Accept::new().head_timeout(Duration::from_millis(20));
        assert!(matches!(accept_with(near, settings).await, Err(AcceptError::TimedOut)));
    });
}

#[test]
fn a_peer_that_does_not_answer_a_close_is_left() {
    on_both(async |_| {
        let (near, _far) = pipe::pipe(1000);
        let mut config = Config::default();
        config.close_timeout = Duration::from_millis(20);
        let mut socket = WebSocket::<pipe::PipeEnd>::server(near, config, Vec::new());
        let closed = socket.close(CloseCode::GOING_AWAY, "bye").await;
        assert!(matches!(closed, Err(Error::Closed(CloseReason::CloseTimeout))));
    });
}

#[test]
fn the_client_learns_which_subprotocol_was_chosen() {
    on_both(async |runtime| {
        let (near, far) = pipe::pipe(1000);
        runtime.spawn(async {
            let settings = Accept::new().protocols(["chat.v2", "chat.v1"]);
            let mut socket = accept_with(near, settings).await.expect("accepted");
            assert_eq!(socket.protocol(), Some("chat.v1"));
            assert_eq!(socket.recv().await.expect("a clean end"), None);
        });
        let request = request().protocol("other").expect("a token");
        let request = request.protocol("chat.v1").expect("a token");
        let mut socket = client(far, request, Config::default()).await.expect("opened");
        assert_eq!(socket.protocol(), Some("chat.v1"));
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    });
}
