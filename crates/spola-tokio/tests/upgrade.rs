//! WebSockets within hyper's HTTP, of both versions and both sides, over pipes in memory.
#![cfg(feature = "http2")]

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::{
    AcceptError, CloseCode, ConnectError, Message, Upgrade, UpgradeRequest, UpgradedWebSocket,
    upgrade,
};
use spola_websocket::handshake::client::HandshakeError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

type Sent = Empty<Bytes>;

async fn echo(mut socket: UpgradedWebSocket) {
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

/// A handler: WebSockets at `/ws`, text elsewhere.
async fn handle(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() != "/ws" {
        return Ok(Response::new(Full::from("hello")));
    }
    let upgraded = Upgrade::new().protocols(["chat"]).upgrade(&mut request, TokioRuntime);
    Ok(match upgraded {
        Ok((response, upgrading)) => {
            spawn(async { echo(upgrading.await.expect("upgraded")).await });
            response
        }
        Err(rejection) => rejection.to_response(request.version()).map(Full::from),
    })
}

#[expect(clippy::disallowed_methods, reason = "a test has tasks")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// A connection to a server of hyper's that speaks both versions and takes extended CONNECTs.
fn served() -> DuplexStream {
    let (near, far) = tokio::io::duplex(1 << 16);
    spawn(async {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http2().enable_connect_protocol();
        let service = service_fn(handle);
        let _ = builder.serve_connection_with_upgrades(TokioIo::new(far), service).await;
    });
    near
}

async fn over_http1(stream: DuplexStream) -> http1::SendRequest<Sent> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("connected");
    spawn(async { drop(connection.with_upgrades().await) });
    sender
}

/// Waits for the server's settings, which say that it takes extended CONNECTs.
async fn over_http2(stream: DuplexStream) -> http2::SendRequest<Sent> {
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("connected");
    spawn(async { drop(connection.await) });
    assert_eq!(get(&mut sender).await, "hello");
    sender
}

async fn get(sender: &mut http2::SendRequest<Sent>) -> String {
    let mut request = Request::new(Sent::new());
    *request.uri_mut() = Uri::from_static("http://h/");
    let response = sender.send_request(request).await.expect("answered");
    let body = response.into_body().collect().await.expect("a body");
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}

fn request(uri: &'static str) -> UpgradeRequest {
    UpgradeRequest::new(&Uri::from_static(uri)).expect("a sound URI")
}

async fn open_http1(sender: &mut http1::SendRequest<Sent>) -> UpgradedWebSocket {
    let request = request("ws://h/ws").protocol("chat").expect("a token");
    let (request, handshake) = request.start(TokioRuntime);
    let mut response = sender.send_request(request).await.expect("answered");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    handshake.open(&mut response).await.expect("open")
}

async fn open_http2(sender: &mut http2::SendRequest<Sent>) -> UpgradedWebSocket {
    let request = request("ws://h/ws").protocol("chat").expect("a token");
    let (request, handshake) = request.start_connect(TokioRuntime);
    let mut response = sender.send_request(request).await.expect("answered");
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
    handshake.open(&mut response).await.expect("open")
}

async fn converse(socket: &mut UpgradedWebSocket) {
    assert_eq!(socket.protocol(), Some("chat"));
    for len in [0, 125, 126, 16_384, 65_536, 900_000] {
        let message = Message::Binary((0..len).map(|at| at as u8).collect::<Vec<_>>().into());
        let sent = message.clone();
        socket.send(sent).await.expect("sent");
        assert_eq!(socket.recv().await.expect("sound"), Some(message), "{len}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_http_1_connection_becomes_a_websocket() {
    let mut sender = over_http1(served()).await;
    let mut socket = open_http1(&mut sender).await;
    converse(&mut socket).await;
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn many_websockets_share_an_http_2_connection_with_other_requests() {
    let mut sender = over_http2(served()).await;
    let mut first = open_http2(&mut sender).await;
    let mut second = open_http2(&mut sender).await;
    tokio::join!(converse(&mut first), converse(&mut second));
    assert_eq!(get(&mut sender).await, "hello");
    first.close(CloseCode::NORMAL, "").await.expect("closed");
    second.send("still there").await.expect("sent");
    assert_eq!(second.recv().await.expect("sound"), Some(Message::from("still there")));
    second.close(CloseCode::NORMAL, "").await.expect("closed");
    assert_eq!(get(&mut sender).await, "hello");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_upgrade_is_rejected_with_the_status_that_fits() {
    let mut sender = over_http1(served()).await;
    let mut plain = Request::new(Sent::new());
    *plain.uri_mut() = Uri::from_static("/ws");
    plain.headers_mut().insert("host", http::HeaderValue::from_static("h"));
    let response = sender.send_request(plain.clone()).await.expect("answered");
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    *plain.method_mut() = Method::POST;
    let response = sender.send_request(plain).await.expect("answered");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);

    let mut sender = over_http2(served()).await;
    let mut plain = Request::new(Sent::new());
    *plain.uri_mut() = Uri::from_static("http://h/ws");
    let response = sender.send_request(plain).await.expect("answered");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    // An extended CONNECT for something else than a WebSocket.
    let (mut other, _) = request("ws://h/ws").start_connect::<Sent, _>(TokioRuntime);
    other.extensions_mut().insert(hyper::ext::Protocol::from_static("connect-udp"));
    let response = sender.send_request(other).await.expect("answered");
    assert!(response.status().is_client_error() || response.status().is_server_error());
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_keeps_the_response() {
    let mut sender = over_http1(served()).await;
    let (request, handshake) = request("ws://h/elsewhere").start(TokioRuntime);
    let mut response = sender.send_request(request).await.expect("answered");
    let refused = handshake.open(&mut response).await;
    assert!(matches!(refused, Err(ConnectError::Handshake(HandshakeError::Status(200)))));
    let body = response.into_body().collect().await.expect("a body");
    assert_eq!(body.to_bytes(), "hello");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_hand_over_its_connection_is_told_of() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let (outcome, told) = tokio::sync::oneshot::channel();
    let outcome = std::sync::Mutex::new(Some(outcome));
    let service = service_fn(async |mut request: Request<Incoming>| {
        let (response, upgrading) = upgrade(&mut request).expect("a sound request");
        let outcome = outcome.lock().expect("sound").take().expect("one request");
        spawn(async { drop(outcome.send(upgrading.await)) });
        Ok::<Response<Full<Bytes>>, Infallible>(response)
    });
    let serve = async {
        // Not `with_upgrades`.
        let builder = hyper::server::conn::http1::Builder::new();
        let _ = builder.serve_connection(TokioIo::new(far), service).await;
    };
    let call = async {
        let head = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        near.write_all(head).await.expect("written");
        near.read_to_end(&mut Vec::new()).await.expect("read");
    };
    let (told, (), ()) = tokio::join!(told, serve, call);
    assert!(matches!(told.expect("told"), Err(AcceptError::Io(_))));
}

#[tokio::test(start_paused = true)]
async fn frames_that_come_right_behind_the_request_are_not_lost() {
    let mut stream = served();
    let head = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
        \x81\x82\0\0\0\0hi";
    stream.write_all(head).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        answer.push(stream.read_u8().await.expect("more"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
}

#[tokio::test(start_paused = true)]
async fn a_silent_http_2_client_is_left_when_it_does_not_answer_a_close() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (closed, mut told) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let closed = closed.clone();
        async move {
            if request.method() == Method::GET {
                return Ok(Response::new(Full::<Bytes>::from("hello")));
            }
            let (response, upgrading) = upgrade(&mut request).expect("a sound request");
            spawn(async move {
                let mut socket = upgrading.await.expect("upgraded");
                let _ = closed.send(socket.close(CloseCode::NORMAL, "").await);
            });
            Ok::<_, Infallible>(response)
        }
    });
    spawn(async {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http2().enable_connect_protocol();
        let _ = builder.serve_connection_with_upgrades(TokioIo::new(far), service).await;
    });
    let mut sender = over_http2(near).await;
    let (request, handshake) = request("ws://h/ws").start_connect(TokioRuntime);
    let mut response = sender.send_request(request).await.expect("answered");
    let _silent = handshake.open(&mut response).await.expect("open");
    let waited = tokio::time::timeout(Duration::from_secs(10), told.recv()).await;
    assert!(waited.expect("left in time").expect("told").is_err());
}

#[cfg(feature = "deflate")]
#[tokio::test(start_paused = true)]
async fn compression_is_agreed_on_over_both_versions() {
    use spola_tokio::websocket::deflate::Options;

    fn serve() -> DuplexStream {
        let (near, far) = tokio::io::duplex(1 << 16);
        let service = service_fn(async |mut request: Request<Incoming>| {
            if request.uri().path() == "/" {
                return Ok(Response::new(Full::<Bytes>::from("hello")));
            }
            let settings = Upgrade::new().deflate(Options::default());
            let (response, upgrading) =
                settings.upgrade(&mut request, TokioRuntime).expect("a sound request");
            spawn(async { echo(upgrading.await.expect("upgraded")).await });
            Ok::<_, Infallible>(response)
        });
        spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(far), service).await;
        });
        near
    }
    async fn converse<B>(
        mut response: Response<B>,
        handshake: spola_tokio::websocket::UpgradeHandshake<TokioRuntime>,
    ) {
        assert!(response.headers().contains_key("sec-websocket-extensions"));
        let mut socket = handshake.open(&mut response).await.expect("open");
        let message = Message::from("ab".repeat(2000));
        socket.send(message.clone()).await.expect("sent");
        assert_eq!(socket.recv().await.expect("sound"), Some(message));
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    }
    let mut sender = over_http1(serve()).await;
    let (request, handshake) = request("ws://h/ws").deflate(Options::default()).start(TokioRuntime);
    converse(sender.send_request(request).await.expect("answered"), handshake).await;
    let mut sender = over_http2(serve()).await;
    let (request, handshake) =
        self::request("ws://h/ws").deflate(Options::default()).start_connect(TokioRuntime);
    converse(sender.send_request(request).await.expect("answered"), handshake).await;
}

#[tokio::test(start_paused = true)]
async fn axum_serves_both_versions() {
    async fn handler(mut request: Request<Body>) -> Response<Body> {
        match Upgrade::new().protocols(["chat"]).upgrade(&mut request, TokioRuntime) {
            Ok((response, upgrading)) => {
                spawn(async { echo(upgrading.await.expect("upgraded")).await });
                response
            }
            Err(rejection) => rejection.to_response(request.version()).map(Body::from),
        }
    }
    let app = axum::Router::new()
        .route("/ws", axum::routing::any(handler))
        .route("/", axum::routing::get(async || "hello"));
    let serve = || {
        let (near, far) = tokio::io::duplex(1 << 16);
        let service = TowerToHyperService::new(app.clone());
        spawn(async {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(far), service).await;
        });
        near
    };
    let mut sender = over_http1(serve()).await;
    let mut socket = open_http1(&mut sender).await;
    converse(&mut socket).await;
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
    let mut sender = over_http2(serve()).await;
    let mut socket = open_http2(&mut sender).await;
    converse(&mut socket).await;
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}
