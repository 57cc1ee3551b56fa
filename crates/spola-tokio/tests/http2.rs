//! HTTP/2 beside HTTP/1.1 on one port, by prior knowledge and within TLS; its limits; WebSockets within it.
#![cfg(all(feature = "http2", feature = "rustls"))]
#![expect(clippy::disallowed_methods, reason = "a test is an application: it has tasks")]

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::CertifiedKey;
use spola_server::{ConnectionLimits, Io, Listener, RejectReason, Serve, Socket};
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::tls::pki_types::{PrivateKeyDer, ServerName};
use spola_tokio::websocket::tls::rustls::crypto::ring;
use spola_tokio::websocket::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use spola_tokio::websocket::{Connector, Message, UpgradeRequest};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

type Sender = http2::SendRequest<Full<Bytes>>;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn io() -> Io {
    let io = Io::new();
    io.namespace("/").on_connect(async |socket: Socket| {
        let _ = socket.emit("welcome", ());
    });
    io
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn start(limits: ConnectionLimits) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(spola_tokio::serve(listener, io()).limits(limits).into_future());
    address
}

fn with_websockets() -> ConnectionLimits {
    let mut limits = ConnectionLimits::default();
    limits.http2_websockets = true;
    limits
}

async fn speak<S>(stream: S) -> Sender
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn connect(address: SocketAddr) -> Sender {
    speak(TcpStream::connect(address).await.expect("connected")).await
}

async fn ask(sender: &mut Sender, method: &str, target: &str, body: &str) -> Response<Incoming> {
    let request = Request::builder().method(method).uri(format!("http://h{target}"));
    let request = request.body(Full::from(body.to_owned())).expect("a request");
    sender.send_request(request).await.expect("answered")
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

/// Joins the root namespace over polling; the session's id.
async fn converse(sender: &mut Sender) -> String {
    let target = "/socket.io/?EIO=4&transport=polling";
    let opened = ask(sender, "GET", target, "").await;
    assert_eq!((opened.status(), opened.version()), (StatusCode::OK, Version::HTTP_2));
    let opened = text(opened).await;
    let (_, sid) = opened.split_once("\"sid\":\"").expect("an open packet");
    let sid = &sid[..20];
    let target = format!("{target}&sid={sid}");
    assert_eq!(text(ask(sender, "POST", &target, "40").await).await, "ok");
    let welcome = text(ask(sender, "GET", &target, "").await).await;
    assert!(welcome.ends_with("42[\"welcome\"]"), "{welcome}");
    sid.to_owned()
}

#[tokio::test]
async fn both_versions_share_a_port() {
    let address = start(ConnectionLimits::default()).await;
    converse(&mut connect(address).await).await;
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // A request that begins as HTTP/2 would, and is none.
    stream
        .write_all(b"PRI / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn a_session_opens_and_upgrades_by_extended_connect() {
    let address = start(with_websockets()).await;
    let mut sender = connect(address).await;
    let sid = converse(&mut sender).await;
    for (query, first) in [(format!("&sid={sid}"), "2probe"), (String::new(), "")] {
        let uri = format!("ws://h/socket.io/?EIO=4&transport=websocket{query}");
        let uri: Uri = uri.parse().expect("a URI");
        let request = UpgradeRequest::new(&uri).expect("a request");
        let (request, handshake) = request.start_connect(TokioRuntime);
        let mut response = sender.send_request(request).await.expect("answered");
        assert_eq!(response.status(), StatusCode::OK);
        let mut socket = handshake.open(&mut response).await.expect("open");
        if !first.is_empty() {
            socket.send(first).await.expect("sent");
            assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("3probe")));
            continue;
        }
        let open = socket.recv().await.expect("sound").expect("an open packet");
        assert!(matches!(open, Message::Text(text) if text.starts_with("0{\"sid\":\"")));
        socket.send("40").await.expect("sent");
        let joined = socket.recv().await.expect("sound").expect("an answer");
        assert!(matches!(joined, Message::Text(text) if text.starts_with("40{\"sid\":\"")));
        let welcome = socket.recv().await.expect("sound");
        assert_eq!(welcome, Some(Message::from("42[\"welcome\"]")));
    }
}

#[tokio::test]
async fn an_extended_connect_is_refused_by_the_rules_of_upgrades() {
    let address = start(with_websockets()).await;
    let mut sender = connect(address).await;
    ask(&mut sender, "GET", "/", "").await;
    let uri: Uri = "ws://h/socket.io/?EIO=4&transport=nonsense".parse().expect("a URI");
    let (request, _) = UpgradeRequest::new(&uri).expect("a request").start_connect(TokioRuntime);
    let response = sender.send_request(request).await.expect("answered");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn websockets_within_http_2_are_off_unless_asked_for() {
    let address = start(ConnectionLimits::default()).await;
    let mut sender = connect(address).await;
    ask(&mut sender, "GET", "/", "").await;
    let uri: Uri = "ws://h/socket.io/?EIO=4&transport=websocket".parse().expect("a URI");
    let (request, _) =
        UpgradeRequest::new(&uri).expect("a request").start_connect::<Full<Bytes>, _>(TokioRuntime);
    assert!(sender.send_request(request).await.is_err());
}

#[tokio::test]
async fn a_request_has_limits() {
    let address = start(ConnectionLimits::default()).await;
    let mut sender = connect(address).await;
    let many = (0..101).map(|at| (format!("h{at}"), "x".to_owned())).collect::<Vec<_>>();
    let long = vec![("long".to_owned(), "x".repeat(20_000))];
    for headers in [many, long] {
        let mut request = Request::builder().uri("http://h/socket.io/?EIO=4&transport=polling");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = sender.send_request(request.body(Full::default()).expect("a request")).await;
        let status = response.map(|response| response.status());
        let status = status.unwrap_or(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        assert_eq!(status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        sender = connect(address).await;
    }
}

#[tokio::test]
async fn requests_that_are_reset_at_once_end_the_connection() {
    let (listener, address) = listen().await;
    let io = io();
    tokio::spawn(spola_tokio::serve(listener, io.clone()).into_future());
    let mut bytes = [PREFACE, SETTINGS].concat();
    for stream in (1_u32..1000).step_by(2) {
        // GET http://x/, and RST_STREAM.
        let id = stream.to_be_bytes();
        bytes.extend([&[0, 0, 6, 1, 5][..], &id, &[0x82, 0x86, 0x84, 0x41, 1, b'x']].concat());
        bytes.extend([&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat());
    }
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(&bytes).await.expect("written");
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(io.statistics().rejected(RejectReason::Http2Flood), 1);
    // What is no frame at all.
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(&[PREFACE, &[0xff; 100]].concat()).await.expect("written");
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(io.statistics().rejected(RejectReason::MalformedHttp), 1);
}

/// Connections in memory: over real ones, the clock would move by itself while bytes are on their way.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Stream = TokioIo<DuplexStream>;
    type Opening = Ready<io::Result<Self::Stream>>;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        let stream = self.0.recv().await.ok_or(io::ErrorKind::NotConnected)?;
        Ok((ready(Ok(TokioIo::new(stream))), None))
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_and_one_with_a_session_is_not() {
    let (open, pipes) = mpsc::unbounded_channel();
    tokio::spawn(Serve::new(Pipes(pipes), io(), Arc::new(TokioRuntime)).into_future());
    let connect = || {
        let (near, far) = tokio::io::duplex(1 << 16);
        open.send(far).expect("it runs");
        near
    };
    for beginning in [PREFACE.to_vec(), [PREFACE, SETTINGS].concat()] {
        let started = Instant::now();
        let mut stream = connect();
        stream.write_all(&beginning).await.expect("written");
        stream.read_to_end(&mut Vec::new()).await.expect("an end");
        assert_eq!(started.elapsed().as_secs(), 10);
    }
    let mut sender = speak(connect()).await;
    let sid = converse(&mut sender).await;
    let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let started = Instant::now();
    // The poll waits for the ping, longer than an idle connection may.
    assert_eq!(text(ask(&mut sender, "GET", &target, "").await).await, "2");
    assert_eq!(started.elapsed().as_secs(), 25);
    // Now nothing is under way.
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(!sender.is_closed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(sender.is_closed());
}

fn configs() -> (Arc<ServerConfig>, ClientConfig) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().expect("versions");
    let server = server.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(provider);
    let client = client.with_safe_default_protocol_versions().expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server.expect("a configuration")), client)
}

#[tokio::test]
async fn tls_negotiates_http_2_or_http_1() {
    let (server, client) = configs();
    let (listener, address) = listen().await;
    tokio::spawn(spola_tokio::serve_tls(listener, server, io()).into_future());

    let mut modern = client.clone();
    modern.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await.expect("connected");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(modern));
    let stream = connector.connect(name, stream).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    converse(&mut speak(stream).await).await;

    // Asks for HTTP/1.1.
    let url = format!("wss://localhost:{}/socket.io/?EIO=4&transport=websocket", address.port());
    let (mut socket, _) =
        Connector::default().tls(Arc::new(client)).connect(&url).await.expect("open");
    let open = socket.recv().await.expect("sound").expect("an open packet");
    assert!(matches!(open, Message::Text(text) if text.starts_with("0{\"sid\":\"")));
}

#[tokio::test(start_paused = true)]
async fn a_tls_handshake_has_ten_seconds() {
    let (server, _) = configs();
    let (listener, address) = listen().await;
    let io = io();
    tokio::spawn(spola_tokio::serve_tls(listener, server, io.clone()).into_future());
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(io.statistics().rejected(RejectReason::TlsTimeout), 1);
}
