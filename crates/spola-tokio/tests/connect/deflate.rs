//! Compression, as the opening handshakes agree on it.

use spola_driver::Accept;
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::TokioIo;
use spola_tokio::websocket::deflate::Options;
use spola_websocket::handshake::accept_key;
use spola_websocket::{CloseCode, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::net::{Net, read_head};

/// The first byte of a text frame that is compressed.
const COMPRESSED_TEXT: u8 = 0xc1;

async fn echo(stream: DuplexStream) {
    let accept = Accept::new().deflate(Options::default());
    let mut socket = accept.accept(TokioIo(stream), TokioRuntime).await.expect("accepted");
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

#[tokio::test(start_paused = true)]
async fn who_offers_compression_to_a_server_of_ours_gets_it() {
    let net = Net::new();
    net.serve("10.0.0.1:80", echo);
    let connector = net.connector().deflate(Options::default());
    let (mut socket, response) = connector.connect("ws://10.0.0.1/").await.expect("open");
    let agreed = response.header("sec-websocket-extensions").expect("an extension");
    assert!(agreed.starts_with(b"permessage-deflate"));
    for len in [0, 1023, 1024, 900_000] {
        let message = Message::from("ab".repeat(len / 2));
        socket.send(message.clone()).await.expect("sent");
        assert_eq!(socket.recv().await.expect("sound"), Some(message), "{len}");
    }
    socket.close(CloseCode::NORMAL, "").await.expect("closed");

    let (mut socket, response) = net.connector().connect("ws://10.0.0.1/").await.expect("open");
    assert_eq!(response.header("sec-websocket-extensions"), None);
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn the_server_compresses_what_it_sends() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let call = async {
        let head = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        near.write_all(head).await.expect("written");
        read_head(&mut near).await;
        let frame = [&b"\x81\xfe\x08\x00\0\0\0\0"[..], &[b'a'; 2048]].concat();
        near.write_all(&frame).await.expect("written");
        assert_eq!(near.read_u8().await.expect("a frame"), COMPRESSED_TEXT);
        assert!(near.read_u8().await.expect("a length") < 126);
        drop(near);
    };
    tokio::join!(echo(far), call);
}

#[tokio::test(start_paused = true)]
async fn the_client_compresses_what_it_sends() {
    let net = Net::new();
    net.serve("10.0.0.1:80", |mut stream| async move {
        let head = read_head(&mut stream).await;
        let key = head.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
        let accept = accept_key(key.lines().next().expect("a key"));
        let answer = format!(
            "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate; \
             client_no_context_takeover; server_no_context_takeover\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.expect("written");
        assert_eq!(stream.read_u8().await.expect("a frame"), COMPRESSED_TEXT);
        stream.write_all(b"\x81\x04seen").await.expect("written");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let connector = net.connector().deflate(Options::default());
    let (mut socket, _) = connector.connect("ws://10.0.0.1/").await.expect("open");
    socket.send("a".repeat(2048)).await.expect("sent");
    assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("seen")));
}
