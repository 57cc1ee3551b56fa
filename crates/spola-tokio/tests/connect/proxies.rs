//! Tunnels.

use std::sync::{Arc, Mutex};

use spola_driver::connect::ConnectorError;
use spola_websocket::client::proxy::{Proxy, ProxyError};
use spola_websocket::{CloseCode, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::net::{Net, answer, echo, read_head};

#[tokio::test(start_paused = true)]
async fn an_http_proxy_opens_a_tunnel() {
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let net = Net::new();
    let noted = Arc::clone(&heads);
    net.name("proxy", &["10.0.0.9:3128"]).serve("10.0.0.9:3128", move |mut stream| {
        let noted = Arc::clone(&noted);
        async move {
            let head = read_head(&mut stream).await;
            noted.lock().expect("sound").push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
            echo(stream).await;
        }
    });
    let proxy = Proxy::parse("http://u:p@proxy:3128").expect("a proxy");
    let connector = net.connector().proxy(proxy);
    // The name is the proxy's to resolve.
    let (mut socket, _) = connector.connect("ws://only.known.inside/").await.expect("open");
    socket.send("hello").await.expect("sent");
    assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
    let expected = "CONNECT only.known.inside:80 HTTP/1.1\r\nHost: only.known.inside:80\r\n\
                    Proxy-Authorization: Basic dTpw\r\n\r\n";
    assert_eq!(*heads.lock().expect("sound"), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_socks_proxy_opens_a_tunnel() {
    let net = Net::new();
    net.serve("10.0.0.9:1080", |mut stream| async move {
        for (question, reply) in [
            (&b"\x05\x02\x00\x02"[..], &b"\x05\x02"[..]),
            (b"\x01\x01u\x01p", b"\x01\x00"),
            (b"\x05\x01\x00\x03\x0einside.example\x00\x50", b"\x05\x00\x00\x01\0\0\0\0\0\0"),
        ] {
            let mut asked = vec![0; question.len()];
            stream.read_exact(&mut asked).await.expect("asked");
            assert_eq!(asked, question);
            for &byte in reply {
                stream.write_all(&[byte]).await.expect("written");
                tokio::task::yield_now().await;
            }
        }
        echo(stream).await;
    });
    let proxy = Proxy::parse("socks5://u:p@10.0.0.9").expect("a proxy");
    let connector = net.connector().proxy(proxy);
    let (mut socket, _) = connector.connect("ws://inside.example/").await.expect("open");
    socket.send("hello").await.expect("sent");
    assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_refuses_or_speaks_for_the_target_is_left() {
    let net = Net::new();
    net.serve("10.0.0.1:80", |stream| answer(stream, "HTTP/1.1 407 Who?\r\n\r\n"));
    net.serve("10.0.0.2:80", |stream| answer(stream, "HTTP/1.1 200 OK\r\n\r\nearly"));
    net.serve("10.0.0.3:80", |stream| async move { drop(stream) });
    for (proxy, expected) in [
        ("http://10.0.0.1", Some(ProxyError::Status(407))),
        ("http://10.0.0.2", Some(ProxyError::Malformed)),
        ("http://10.0.0.3", None),
    ] {
        let connector = net.connector().proxy(Proxy::parse(proxy).expect("a proxy"));
        match (connector.connect("ws://h/").await, expected) {
            (Err(ConnectorError::Proxy(error)), Some(expected)) => assert_eq!(error, expected),
            (Err(ConnectorError::Io(_)), None) => {}
            (outcome, _) => panic!("{proxy}: {outcome:?}"),
        }
    }
}

#[test]
fn the_environment_is_looked_at_only_on_request() {
    let test = std::env::current_exe().expect("a test");
    let output = std::process::Command::new(test)
        .args(["--exact", "--ignored", "proxies::in_the_environment_of_a_proxy"])
        .env_clear()
        .env("all_proxy", "http://10.0.0.9")
        .env("no_proxy", "10.0.0.2")
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(start_paused = true)]
#[ignore = "run by the test above, in an environment of its own"]
async fn in_the_environment_of_a_proxy() {
    let net = Net::new();
    let connector = net.connector();
    assert!(connector.connect("ws://10.0.0.1/").await.is_err());
    let connector = connector.proxy_from_environment();
    assert!(connector.connect("ws://10.0.0.1/").await.is_err());
    assert!(connector.connect("ws://10.0.0.2/").await.is_err());
    let dialled: Vec<_> = net.dialled().into_iter().map(|(address, _)| address).collect();
    assert_eq!(dialled, ["10.0.0.1:80", "10.0.0.9:80", "10.0.0.2:80"]);
}
