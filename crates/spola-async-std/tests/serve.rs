//! The Socket.IO server on both runtimes, over real sockets of this machine.

use std::io;
use std::net::SocketAddr;

use smol::channel::{Sender, bounded};
use smol::future::zip;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::TcpStream;
use spola_async_std::{Accepting, serve};
use spola_server::{Data, Io, Reply, Socket};

fn io() -> Io {
    let io = Io::new();
    io.namespace("/")
        .on_connect(async |socket: Socket| {
            let _ = socket.emit("welcome", ());
        })
        .on("echo", async |Data(text): Data<String>| Reply(text));
    io
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

/// What comes until it ends with `last`.
async fn until(stream: &mut TcpStream, last: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(last) {
        stream.read_exact(&mut byte).await.expect("more");
        heard.extend(byte);
    }
    heard
}

async fn converse(address: SocketAddr, quit: Sender<()>) {
    let target = "/socket.io/?EIO=4&transport=polling";
    let opened = ask(address, &format!("GET {target}"), "").await;
    let (_, sid) = opened.split_once("\"sid\":\"").expect("an open packet");
    let target = format!("{target}&sid={}", &sid[..20]);
    assert!(ask(address, &format!("POST {target}"), "40").await.ends_with("ok"));
    let welcome = ask(address, &format!("GET {target}"), "").await;
    assert!(welcome.ends_with("42[\"welcome\"]"), "{welcome}");

    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\
        Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("written");
    // "40" and an event, masked with zeros.
    stream.write_all(b"\x81\x82\0\0\0\x0040").await.expect("written");
    assert!(until(&mut stream, b"42[\"welcome\"]").await.starts_with(b"HTTP/1.1 101 "));
    stream.write_all(b"\x81\x93\0\0\0\x00427[\"echo\",\"hello\"]").await.expect("written");
    until(&mut stream, b"437[\"hello\"]").await;
    quit.send(()).await.expect("it runs");
    // A graceful end closes the WebSocket.
    until(&mut stream, b"\x88\0").await;
    stream.write_all(b"\x88\x80\0\0\0\0").await.expect("written");
    assert_eq!(stream.read(&mut [0]).await.expect("an end"), 0);
    let mut refused = TcpStream::connect(address).await;
    if let Ok(stream) = &mut refused {
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    }
}

async fn run<L: Accepting>(listener: L, address: SocketAddr) -> io::Result<()> {
    let (quit, told) = bounded(1);
    let io = io();
    let serving = serve(listener, io.clone()).with_graceful_shutdown(async move {
        let _ = told.recv().await;
    });
    let (ended, ()) = zip(serving.into_future(), converse(address, quit)).await;
    assert_eq!(io.session_count(), 0);
    ended
}

#[test]
fn on_smol() {
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        run(listener, address).await.expect("served");
    });
}

#[test]
fn on_async_std() {
    async_std::task::block_on(async {
        let listener = async_std::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        run(listener, address).await.expect("served");
    });
}
