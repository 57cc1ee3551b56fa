//! A server on a listener. The clock moves by itself when everybody waits, so nothing here sleeps.

#![expect(clippy::disallowed_methods, reason = "a test is an application: it has tasks")]

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::TokioIo;
use spola_server::{
    AllowOrigin, Config, ConnectionLimits, Cors, DisconnectReason, Io, Listener, PeerAddress,
    Refusal, RejectReason, Serve, Socket,
};
use spola_tokio::TokioRuntime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

struct Running {
    address: SocketAddr,
    quit: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

async fn start(io: Io) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (quit, told) = oneshot::channel();
    let serve = spola_tokio::serve(listener, io)
        .drain_timeout(Duration::from_secs(3))
        .with_graceful_shutdown(async { drop(told.await) });
    Running { address, quit, ended: tokio::spawn(serve.into_future()) }
}

async fn send(address: SocketAddr, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(bytes.as_bytes()).await.expect("written");
    stream
}

async fn to_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

/// Asserts that something was turned down so often for this reason, and for no other.
fn assert_rejected(io: &Io, reason: RejectReason, count: u64) {
    let statistics = io.statistics();
    for other in RejectReason::ALL {
        let expected = if *other == reason { count } else { 0 };
        assert_eq!(statistics.rejected(*other), expected, "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on_after_ten_seconds() {
    let io = Io::new();
    let server = start(io.clone()).await;
    for beginning in ["", "GET /socket.io/ HT", "PRI * HT"] {
        let started = Instant::now();
        to_end(send(server.address, beginning).await).await;
        assert_eq!(started.elapsed().as_secs(), 10, "{beginning:?}");
    }
    assert_rejected(&io, RejectReason::HeadTimeout, 3);
    // One that has been of use may fall silent.
    let used = send(server.address, "GET /else HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(to_end(used).await.starts_with("HTTP/1.1 404 "));
    assert_rejected(&io, RejectReason::HeadTimeout, 3);
}

#[tokio::test(start_paused = true)]
async fn every_request_of_a_connection_has_ten_seconds() {
    let server = start(Io::new()).await;
    let started = Instant::now();
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = send(server.address, request).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        stream.write_all(request.as_bytes()).await.expect("written");
    }
    let answers = to_end(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 4);
    assert_eq!(started.elapsed().as_secs(), 28);
}

#[tokio::test]
async fn whoever_asks_is_told_where_a_request_came_from() {
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (to_hook, to_cors, to_fallback) = (sender.clone(), sender.clone(), sender.clone());
    let asks = Io::builder().allow_request(move |handshake| {
        sender.send(handshake.peer.is_some()).expect("somebody listens");
        ready(Ok::<_, Refusal>(()))
    });
    let sees = Io::builder().http_middleware(move |request| {
        let peer = request.extensions().get::<PeerAddress>();
        to_hook.send(peer.is_some()).expect("somebody listens");
        ready(Ok::<_, Refusal>(request))
    });
    let origin = AllowOrigin::predicate(move |_, request| {
        let peer = request.extensions().get::<PeerAddress>();
        to_cors.send(peer.is_some()).expect("somebody listens");
        true
    });
    let mut config = Config::default();
    config.cors = Some(Cors::new().allow_origin(origin));
    let shares = Io::builder().config(config);
    let fallback = Router::new().fallback(move |request: Request| {
        let peer = request.extensions().get::<PeerAddress>();
        to_fallback.send(peer.is_some()).expect("somebody listens");
        ready(())
    });
    let open = "/socket.io/?EIO=4&transport=polling";
    for (io, target) in
        [(asks.build(), open), (sees.build(), open), (Io::new(), "/else"), (shares.build(), open)]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(spola_tokio::serve(listener, io).fallback(fallback.clone()).into_future());
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nConnection: close\r\n\r\n"
        );
        to_end(send(address, &request).await).await;
        assert_eq!(told.recv().await, Some(true), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_may_be_as_far_as_they_go() {
    let mut limits = ConnectionLimits::default();
    (limits.tls_timeout, limits.head_timeout) = (Duration::MAX, Duration::MAX);
    (limits.write_timeout, limits.max_head_len) = (Duration::MAX, 1);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (quit, told) = oneshot::channel();
    let serve = spola_tokio::serve(listener, Io::new())
        .limits(limits)
        .drain_timeout(Duration::MAX)
        .with_graceful_shutdown(async { drop(told.await) });
    let server = tokio::spawn(serve.into_future());
    let mut client = send(address, "GET /else HTTP/1.1\r\nHost: ").await;
    tokio::time::sleep(Duration::from_secs(1_000_000)).await;
    client.write_all(b"x\r\nConnection: close\r\n\r\n").await.expect("written");
    assert!(to_end(client).await.starts_with("HTTP/1.1 404 "));
    quit.send(()).expect("it runs");
    server.await.expect("no panic").expect("no error");
}

#[cfg(not(feature = "http2"))]
#[tokio::test(start_paused = true)]
async fn http_2_is_not_spoken() {
    let server = start(Io::new()).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    let answer = to_end(send(server.address, preface).await).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn heads_have_limits() {
    let io = Io::new();
    let server = start(io.clone()).await;
    let many: String = (0..101).map(|at| format!("H{at}: x\r\n")).collect();
    let long = format!("Long: {}\r\n", "x".repeat(20_000));
    for headers in [many, long] {
        let request = format!("GET /socket.io/ HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = to_end(send(server.address, &request).await).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    }
    assert_rejected(&io, RejectReason::HeadTooLarge, 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_names_one_host() {
    let io = Io::new();
    let server = start(io.clone()).await;
    for hosts in ["", "Host: x\r\nHost: x\r\n"] {
        let request = format!("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n{hosts}\r\n");
        let answer = to_end(send(server.address, &request).await).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer:?}");
        assert!(answer.ends_with("\r\n\r\n"), "{hosts:?}: {answer:?}");
    }
    assert_rejected(&io, RejectReason::MalformedHttp, 2);
    let old = "GET /socket.io/?EIO=4&transport=polling HTTP/1.0\r\n\r\n";
    let answer = to_end(send(server.address, old).await).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_elsewhere_goes_to_the_fallback() {
    let server = start(Io::new()).await;
    let request = "GET /else HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = to_end(send(server.address, request).await).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tells_clients_and_ends() {
    let io = Io::new();
    let server = start(io.clone()).await;
    let open = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
                Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut client = send(server.address, open).await;
    let mut begun = vec![0; 4096];
    while !begun.windows(5).any(|bytes| bytes == b"0{\"si") {
        let read = client.read(&mut begun).await.expect("read");
        assert_ne!(read, 0);
    }
    let started = Instant::now();
    server.quit.send(()).expect("it runs");
    let rest = to_end(client).await;
    assert!(rest.as_bytes().ends_with(b"\x88\x00") || rest.contains('\u{fffd}'), "{rest:?}");
    server.ended.await.expect("no panic").expect("no error");
    assert!(started.elapsed() <= Duration::from_secs(4));
    assert_eq!(io.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_off_what_does_not_end() {
    let io = Io::new();
    io.namespace("/").on_connect(async |_: Socket| std::future::pending::<()>().await);
    let server = start(io.clone()).await;
    let open =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = to_end(send(server.address, open).await).await;
    let (_, sid) = answer.split_once("\"sid\":\"").expect("an open packet");
    let sid = &sid[..20];
    let post = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n40"
    );
    assert!(to_end(send(server.address, &post).await).await.ends_with("ok"));
    let started = Instant::now();
    server.quit.send(()).expect("it runs");
    server.ended.await.expect("no panic").expect("no error");
    assert_eq!(started.elapsed().as_secs(), 3);
    io.drained().await;
    assert_eq!(started.elapsed().as_secs(), 3);
}

/// Opens connections that say nothing, more than may wait: the oldest goes, and nobody else.
#[tokio::test(start_paused = true)]
async fn the_oldest_of_too_many_silent_connections_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut limits = ConnectionLimits::default();
    limits.max_newcomers = 3;
    let io = Io::new();
    tokio::spawn(spola_tokio::serve(listener, io.clone()).limits(limits).into_future());
    let request = "GET /else HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut asked = send(address, request).await;
    let mut answer = [0; 12];
    asked.read_exact(&mut answer).await.expect("an answer");
    let started = Instant::now();
    let oldest = send(address, "").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(send(address, "").await);
    }
    to_end(oldest).await;
    assert_eq!(started.elapsed().as_secs(), 0);
    assert_rejected(&io, RejectReason::Newcomers, 1);
    assert_eq!(io.statistics().pending_handshakes, 3);
    // Who had asked already is none of them.
    asked.write_all(request.as_bytes()).await.expect("written");
    assert!(asked.read_u8().await.is_ok());
    for other in others {
        to_end(other).await;
        assert_eq!(started.elapsed().as_secs(), 10);
    }
    assert_eq!(io.statistics().pending_handshakes, 0);
}

/// A listener of a process that has run out of descriptors, and gets some back.
struct Exhausted {
    failures: usize,
    connections: Option<DuplexStream>,
}

impl Listener for Exhausted {
    type Stream = TokioIo<DuplexStream>;
    type Opening = Ready<io::Result<Self::Stream>>;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err(io::ErrorKind::Other.into());
        }
        match self.connections.take() {
            Some(stream) => Ok((ready(Ok(TokioIo::new(stream))), None)),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failures_to_accept_are_waited_out() {
    let (mut near, far) = tokio::io::duplex(1 << 10);
    let listener = Exhausted { failures: 9, connections: Some(far) };
    let started = Instant::now();
    let io = Io::new();
    tokio::spawn(Serve::new(listener, io.clone(), Arc::new(TokioRuntime)).into_future());
    near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    assert_eq!(near.read_u8().await.expect("an answer"), b'H');
    // 10 ms doubled until it is a second, and once more.
    let pauses = [10, 20, 40, 80, 160, 320, 640, 1000, 1000];
    assert_eq!(started.elapsed().as_millis(), pauses.iter().sum::<u128>());
    assert_rejected(&io, RejectReason::AcceptFailed, 9);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_waited_for_30_seconds() {
    let (mut near, far) = tokio::io::duplex(64);
    let listener = Exhausted { failures: 0, connections: Some(far) };
    let io = Io::new();
    tokio::spawn(Serve::new(listener, io.clone(), Arc::new(TokioRuntime)).into_future());
    near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    // What is taken begins the time anew.
    tokio::time::sleep(Duration::from_secs(29)).await;
    near.read_u8().await.expect("an answer");
    tokio::time::sleep(Duration::from_secs(29)).await;
    near.write_all(b"x").await.expect("it waits");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(near.write_all(b"x").await.is_err());
    assert_rejected(&io, RejectReason::WriteTimeout, 1);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_takes_nothing_is_counted_as_such() {
    let (mut near, far) = tokio::io::duplex(1 << 10);
    let listener = Exhausted { failures: 0, connections: Some(far) };
    let io = Io::new();
    let (sender, mut gone) = tokio::sync::mpsc::unbounded_channel();
    io.namespace("/").on_connect(async |socket: Socket| {
        let _ = socket.emit("large", "x".repeat(10_000));
    });
    io.namespace("/").on_disconnect(move |reason: DisconnectReason| {
        let _ = sender.send((reason, Instant::now()));
        ready(())
    });
    tokio::spawn(Serve::new(listener, io.clone(), Arc::new(TokioRuntime)).into_future());
    let started = Instant::now();
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
        Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    near.write_all(request.as_bytes()).await.expect("written");
    near.write_all(b"\x81\x82\0\0\0\x0040").await.expect("written");
    let (reason, at) = gone.recv().await.expect("it goes");
    assert_eq!((reason, (at - started).as_secs()), (DisconnectReason::TransportError, 30));
    assert_rejected(&io, RejectReason::WriteTimeout, 1);
}
