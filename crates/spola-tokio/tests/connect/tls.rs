//! WebSockets within TLS, of both sides.

use std::sync::Arc;

use futures_rustls::{TlsAcceptor, server};
use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};
use rcgen::{CertifiedKey, KeyPair};
use spola_driver::connect::ConnectorError;
use spola_driver::{Accept, WebSocket};
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::tls::rustls::crypto::ring;
use spola_tokio::websocket::tls::rustls::pki_types::PrivateKeyDer;
use spola_tokio::websocket::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use spola_tokio::websocket::{MaybeTls, TokioIo};
use spola_websocket::client::proxy::Proxy;
use spola_websocket::handshake::accept_key;
use spola_websocket::{CloseCode, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::net::{Net, read_head};

type Secured = server::TlsStream<TokioIo<DuplexStream>>;

/// A server for `localhost` and `10.0.0.1`, and a client that trusts it.
fn configs(alpn: &[&str]) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let names = ["localhost".to_owned(), "10.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::try_from(KeyPair::serialize_der(&signing_key)).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().expect("versions");
    let server = server.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let mut server = server.expect("a configuration");
    server.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(provider);
    let client = client.with_safe_default_protocol_versions().expect("versions");
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = server.alpn_protocols.clone();
    (Arc::new(server), Arc::new(client))
}

async fn echo(stream: DuplexStream, config: Arc<ServerConfig>) {
    let Ok(stream) = TlsAcceptor::from(config).accept(TokioIo(stream)).await else {
        return;
    };
    let accepted = Accept::new().accept(stream, TokioRuntime).await;
    let Ok(mut socket): Result<WebSocket<Secured, _>, _> = accepted else {
        return;
    };
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

fn serve(net: &Net, address: &str, config: &Arc<ServerConfig>) {
    let config = Arc::clone(config);
    net.serve(address, move |stream| echo(stream, Arc::clone(&config)));
}

#[tokio::test(start_paused = true)]
async fn messages_of_every_size_come_back_through_tls() {
    let net = Net::new();
    let (server, client) = configs(&["http/1.1"]);
    net.name("localhost", &["10.0.0.1:443"]);
    serve(&net, "10.0.0.1:443", &server);
    for url in ["wss://localhost/", "wss://10.0.0.1/"] {
        let connector = net.connector().tls(Arc::clone(&client));
        let (mut socket, _) = connector.connect(url).await.expect("open");
        assert!(matches!(socket.stream(), MaybeTls::Tls(_)));
        for len in [0, 1, 125, 126, 16_384, 65_536, 900_000] {
            let message = Message::Binary((0..len).map(|at| at as u8).collect::<Vec<_>>().into());
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.recv().await.expect("sound"), Some(message), "{len}");
        }
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_trusted_ends_it() {
    let net = Net::new();
    let (server, client) = configs(&[]);
    let (_, stranger) = configs(&[]);
    net.name("localhost", &["10.0.0.1:443"]).name("other.example", &["10.0.0.1:443"]);
    serve(&net, "10.0.0.1:443", &server);
    for (url, config) in [("wss://localhost/", stranger), ("wss://other.example/", client)] {
        let connector = net.connector().tls(config);
        let failed = connector.connect(url).await;
        assert!(matches!(failed, Err(ConnectorError::Tls(_))), "{url}: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_protocol_than_http_1_is_not_spoken() {
    let net = Net::new();
    let (server, client) = configs(&["h2"]);
    net.name("localhost", &["10.0.0.1:443"]);
    serve(&net, "10.0.0.1:443", &server);
    let failed = net.connector().tls(client).connect("wss://localhost/").await;
    assert!(matches!(failed, Err(ConnectorError::Tls(_))), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn tls_goes_through_the_tunnel_of_a_proxy() {
    let net = Net::new();
    let (server, client) = configs(&[]);
    net.serve("10.0.0.9:80", move |mut stream| {
        let server = Arc::clone(&server);
        async move {
            assert!(read_head(&mut stream).await.starts_with("CONNECT localhost:443 "));
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
            echo(stream, server).await;
        }
    });
    let proxy = Proxy::parse("http://10.0.0.9").expect("a proxy");
    let connector = net.connector().tls(client).proxy(proxy);
    let (mut socket, _) = connector.connect("wss://localhost/").await.expect("open");
    socket.send("hello").await.expect("sent");
    assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_without_tlss_farewell_has_closed_all_the_same() {
    let net = Net::new();
    let (server, client) = configs(&[]);
    net.name("localhost", &["10.0.0.1:443"]).serve("10.0.0.1:443", move |stream| {
        let accepting = TlsAcceptor::from(Arc::clone(&server)).accept(TokioIo(stream));
        async move {
            let mut stream = accepting.await.expect("secured");
            let mut head = [0; 1024];
            let read = stream.read(&mut head).await.expect("a request");
            let head = str::from_utf8(&head[..read]).expect("text");
            let key = head.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
            let accept = accept_key(key.lines().next().expect("a key"));
            let answer = format!(
                "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.expect("written");
            stream.read_exact(&mut [0; 8]).await.expect("a Close frame");
            stream.write_all(b"\x88\x02\x03\xe8").await.expect("written");
            stream.flush().await.expect("written");
            // Its end says nothing: no `close_notify`.
            drop(stream);
        }
    });
    let connector = net.connector().tls(client);
    let (mut socket, _) = connector.connect("wss://localhost/").await.expect("open");
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn nothing_readable_leaves_the_client_of_a_silent_server() {
    let net = Net::new();
    let (_, client) = configs(&[]);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let written = Arc::clone(&seen);
    net.name("localhost", &["10.0.0.1:443"]).serve("10.0.0.1:443", move |mut stream| {
        let written = Arc::clone(&written);
        async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            *written.lock().expect("sound") = all;
        }
    });
    let connector = net.connector().tls(client).header("authorization", "Bearer secret");
    let failed = connector.connect("wss://u:secret@localhost/secret").await;
    assert!(matches!(failed, Err(ConnectorError::TimedOut)), "{failed:?}");
    tokio::task::yield_now().await;
    let seen = seen.lock().expect("sound");
    assert!(seen.starts_with(b"\x16\x03"), "a TLS handshake");
    assert!(!seen.windows(6).any(|bytes| bytes == b"secret"));
}

#[cfg(feature = "rustls-webpki-roots")]
#[test]
fn mozillas_roots_are_there() {
    let config = spola_tokio::websocket::tls::webpki_config().expect("a configuration");
    assert_eq!(config.alpn_protocols, [b"http/1.1"]);
}

/// The default configuration, whichever it is, trusts no stranger.
#[cfg(any(feature = "rustls-webpki-roots", feature = "rustls-platform-verifier"))]
#[tokio::test(start_paused = true)]
async fn a_stranger_is_not_trusted_by_default() {
    let net = Net::new();
    let (server, _) = configs(&[]);
    net.name("localhost", &["10.0.0.1:443"]);
    serve(&net, "10.0.0.1:443", &server);
    let failed = net.connector().connect("wss://localhost/").await;
    assert!(matches!(failed, Err(ConnectorError::Tls(_))), "{failed:?}");
}
