//! The server in other people's HTTP: axum's routes and layers, hyper's connections, tower's services;
//! and a session of Socket.IO through each.

#![expect(clippy::disallowed_methods, reason = "a test is an application: it has tasks")]

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use spola_server::{Io, Socket};
use spola_tokio::{SocketIoLayer, SocketIoService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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

async fn serve_axum(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// The whole response to a request with a connection of its own.
async fn ask(address: SocketAddr, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let len = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// Joins the root namespace over polling and over a WebSocket, and hears the server on each.
async fn converse(address: SocketAddr, path: &str) {
    let target = format!("{path}?EIO=4&transport=polling");
    let opened = ask(address, &format!("GET {target}"), "").await;
    let (_, sid) = opened.split_once("\"sid\":\"").expect("an open packet");
    let target = format!("{target}&sid={}", &sid[..20]);
    assert!(ask(address, &format!("POST {target}"), "40").await.ends_with("ok"));
    let welcome = ask(address, &format!("GET {target}"), "").await;
    assert!(welcome.ends_with("42[\"welcome\"]"), "{welcome}");

    let mut stream = TcpStream::connect(address).await.expect("connected");
    // The request, and behind it "40" in a masked frame.
    let request = format!(
        "GET {path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    stream.write_all(b"\x81\x82\0\0\0\x0040").await.expect("written");
    let mut heard = Vec::new();
    while !heard.ends_with(b"42[\"welcome\"]") {
        heard.push(stream.read_u8().await.expect("more"));
    }
    assert!(heard.starts_with(b"HTTP/1.1 101 "));
}

async fn lets_pass(address: SocketAddr) {
    let hello = ask(address, "GET /hello", "").await;
    assert!(hello.starts_with("HTTP/1.1 200 ") && hello.ends_with("hello"), "{hello}");
    assert!(ask(address, "GET /nowhere", "").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_route_of_axum() {
    let app = Router::new()
        .route("/hello", get(async || "hello"))
        .route_service("/socket.io/", SocketIoService::new(io()));
    let address = serve_axum(app).await;
    converse(address, "/socket.io/").await;
    lets_pass(address).await;
}

#[tokio::test]
async fn a_layer_of_axum() {
    let app = Router::new().route("/hello", get(async || "hello")).layer(SocketIoLayer::new(io()));
    let address = serve_axum(app).await;
    converse(address, "/socket.io/").await;
    lets_pass(address).await;
}

#[tokio::test]
async fn merged_into_an_application_of_axum() {
    let sockets: Router = Router::new().route_service("/socket.io/", SocketIoService::new(io()));
    let app = Router::new().route("/hello", get(async || "hello")).merge(sockets);
    let address = serve_axum(app).await;
    converse(address, "/socket.io/").await;
    lets_pass(address).await;
}

#[tokio::test]
async fn nested_below_a_prefix_that_axum_takes_off() {
    let sockets = Router::new().route_service("/socket.io/", SocketIoService::new(io()));
    let app = Router::new().route("/hello", get(async || "hello")).nest("/api/v1", sockets);
    let address = serve_axum(app).await;
    converse(address, "/api/v1/socket.io/").await;
    lets_pass(address).await;
}

#[tokio::test]
async fn a_connection_of_plain_hyper() {
    let (listener, address) = listen().await;
    let service = SocketIoService::new(io());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    converse(address, "/socket.io/").await;
    assert!(ask(address, "GET /hello", "").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_tower_service_with_another_as_its_fallback() {
    let (listener, address) = listen().await;
    let app: Router = Router::new().route("/hello", get(async || "hello"));
    let app = tower_service_of(app);
    tokio::spawn(spola_tokio::serve(listener, io()).fallback(app).into_future());
    converse(address, "/socket.io/").await;
    lets_pass(address).await;
}

/// Any tower service will do, whatever its body's type.
fn tower_service_of(
    app: Router,
) -> impl tower_service::Service<
    http::Request<hyper::body::Incoming>,
    Response = http::Response<axum::body::Body>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ Sync
+ 'static {
    app
}
