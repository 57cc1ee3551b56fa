//! The way when nothing stands in it, and how each step of it can fail.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use spola_driver::Runtime as _;
use spola_driver::connect::ConnectorError;
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::Connector;
use spola_websocket::client::TargetError;
use spola_websocket::client::proxy::Proxy;
use spola_websocket::handshake::HeaderError;
use spola_websocket::handshake::client::HandshakeError;
use spola_websocket::{CloseCode, Message};

use crate::net::{Net, answer, echo};

fn kind(error: ConnectorError) -> io::ErrorKind {
    if let ConnectorError::Io(error) = error { error.kind() } else { panic!("{error:?}") }
}

#[tokio::test(start_paused = true)]
async fn a_url_is_all_it_takes() {
    let net = Net::new();
    net.name("example.com", &["10.0.0.1:80"]).serve("10.0.0.1:80", echo);
    let connector = net.connector().protocol("other").protocol("chat");
    let (mut socket, response) = connector.connect("ws://example.com/x").await.expect("open");
    assert_eq!(socket.protocol(), Some("chat"));
    assert_eq!(response.status, 101);
    assert_eq!(response.header("x-served-by"), Some(&b"echo"[..]));
    assert_eq!(response.target.to_string(), "ws://example.com/x");
    for message in [Message::from("hello"), Message::Binary(vec![7; 300_000].into())] {
        let (sent, received) = {
            socket.send(message.clone()).await.expect("sent");
            (message, socket.recv().await.expect("sound"))
        };
        assert_eq!(received, Some(sent));
    }
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_gets_wrong_is_told_before_anybody_is_dialled() {
    let net = Net::new();
    let connector = net.connector();
    let failed = connector.connect("ftp://h/").await;
    assert!(matches!(failed, Err(ConnectorError::Target(TargetError::Scheme))));
    let connector = net.connector().header("X-A", "b\r\nX-B: c");
    let failed = connector.connect("ws://1.2.3.4/").await;
    assert!(matches!(failed, Err(ConnectorError::Header(HeaderError::InvalidValue))));
    let connector = net.connector().protocol("a, b");
    let failed = connector.connect("ws://1.2.3.4/").await;
    assert!(matches!(failed, Err(ConnectorError::Header(HeaderError::InvalidName))));
    assert_eq!(net.dialled(), []);
}

#[tokio::test(start_paused = true)]
async fn addresses_are_tried_in_turn_each_with_a_head_start() {
    let ms = Duration::from_millis;
    let (six, four, other) = ("[2001:db8::1]:80", "10.0.0.1:80", "10.0.0.2:80");
    let net = Net::new();
    net.name("h", &[six, "[2001:db8::2]:80", four, other]).silent(six).silent(other);
    net.serve(four, echo);
    let (mut socket, _) = net.connector().connect("ws://h/").await.expect("open");
    let expected = [(six.to_owned(), ms(0)), (four.to_owned(), ms(250))];
    assert_eq!(net.dialled(), expected);
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
    // An address that refuses costs no time.
    let net = Net::new();
    net.name("h", &[six, four]).serve(four, echo);
    let (mut socket, _) = net.connector().connect("ws://h/").await.expect("open");
    assert_eq!(net.dialled(), [(six.to_owned(), ms(0)), (four.to_owned(), ms(0))]);
    socket.close(CloseCode::NORMAL, "").await.expect("closed");
}

#[tokio::test(start_paused = true)]
async fn when_no_address_answers_the_first_failure_is_told() {
    let net = Net::new();
    net.name("refuses", &["10.0.0.1:80", "10.0.0.2:80"]).name("nowhere", &[]);
    for (url, expected) in [
        ("ws://refuses/", io::ErrorKind::ConnectionRefused),
        ("ws://10.0.0.3/", io::ErrorKind::ConnectionRefused),
        ("ws://[::1]/", io::ErrorKind::ConnectionRefused),
        ("ws://nowhere/", io::ErrorKind::NotFound),
        ("ws://unknown/", io::ErrorKind::NotFound),
        ("ws+unix:///a.sock", io::ErrorKind::Unsupported),
    ] {
        let error = net.connector().connect(url).await.expect_err("nobody is there");
        assert_eq!(kind(error), expected, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_takes_too_long_is_given_up_after_twenty_seconds() {
    let net = Net::new();
    net.lost_name("lost").silent("10.0.0.1:80").silent("10.0.0.2:80");
    net.name("far", &["10.0.0.1:80", "10.0.0.2:80"]);
    net.serve("10.0.0.3:80", |stream| answer(stream, "HTTP/1.1 1"));
    let proxy = Proxy::parse("http://10.0.0.3").expect("a proxy");
    for (url, proxy) in [
        ("ws://lost/", None),
        ("ws://far/", None),
        ("ws://10.0.0.3/", None),
        ("ws://10.0.0.9/", Some(proxy)),
    ] {
        let before = TokioRuntime.now();
        let connector = net.connector().proxy(proxy);
        let failed = connector.connect(url).await;
        assert!(matches!(failed, Err(ConnectorError::TimedOut)), "{url}");
        assert_eq!((TokioRuntime.now() - before).as_secs(), 20, "{url}");
    }
    let before = TokioRuntime.now();
    let connector = net.connector().timeout(Duration::from_secs(3));
    assert!(matches!(connector.connect("ws://far/").await, Err(ConnectorError::TimedOut)));
    assert_eq!((TokioRuntime.now() - before).as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_shows_its_status_and_headers() {
    let net = Net::new();
    net.serve("10.0.0.1:80", |stream| {
        answer(stream, "HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\nbody")
    });
    net.serve("10.0.0.2:80", |stream| answer(stream, "SSH-2.0-OpenSSH_9.9\r\n\r\n"));
    let failed = net.connector().connect("ws://10.0.0.1/").await;
    let Err(ConnectorError::Refused(response)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(response.status, 401);
    assert_eq!(response.header("www-authenticate"), Some(&b"Basic realm=\"x\""[..]));
    assert_eq!(response.to_string(), "ws://10.0.0.1/ answered with status 401");
    let failed = net.connector().connect("ws://10.0.0.2/").await;
    assert!(matches!(failed, Err(ConnectorError::Handshake(HandshakeError::Malformed))));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_dropped_leaves_nothing_behind() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let net = Net::new();
    let notify = Arc::clone(&ended);
    net.serve("10.0.0.1:80", move |stream| {
        let notify = Arc::clone(&notify);
        async move {
            answer(stream, "HTTP/1.1 1").await;
            notify.notify_one();
        }
    });
    let connector = net.connector();
    let patience = Duration::from_secs(1);
    let waited = tokio::time::timeout(patience, connector.connect("ws://10.0.0.1/")).await;
    assert!(waited.is_err());
    ended.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_future_that_connects_is_small() {
    let connector = Connector::default();
    fn is_send(_: &impl Send) {}
    is_send(&connector.connect("ws://h/"));
    let size = size_of_val(&connector.connect("ws://h/"));
    assert!(size <= 1024, "{size}");
}
