//! Where a refused request goes next, and what it takes along.

use std::sync::{Arc, Mutex};

use spola_driver::connect::ConnectorError;
use spola_driver::{Accept, Answer};
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::TokioIo;
use spola_websocket::CloseCode;
use spola_websocket::client::RedirectError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::net::{Net, answer, echo};

/// What the servers noted of their requests.
type Heads = Arc<Mutex<Vec<String>>>;

/// Notes the target and what is secret in the request, then echoes.
async fn noting_echo(stream: DuplexStream, heads: Heads) {
    let accept = Accept::new().on_request(move |request| {
        let shown = |name| request.header(name).map(String::from_utf8_lossy);
        let noted = format!(
            "{} {:?} {:?} {:?}",
            request.target,
            shown("authorization"),
            shown("cookie"),
            shown("x-a")
        );
        heads.lock().expect("sound").push(noted);
        Ok(Answer::new())
    });
    let mut socket = accept.accept(TokioIo(stream), TokioRuntime).await.expect("accepted");
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_only_on_request_and_not_for_ever() {
    let net = Net::new();
    net.serve("10.0.0.1:80", |stream| {
        answer(stream, "HTTP/1.1 302 Found\r\nLocation: ws://10.0.0.2/b/c\r\n\r\n")
    });
    net.serve("10.0.0.2:80", |stream| {
        answer(stream, "HTTP/1.1 308 Moved\r\nLocation: //10.0.0.3:81/d\r\n\r\n")
    });
    net.serve("10.0.0.3:81", echo);
    net.serve("10.0.0.4:80", |stream| {
        answer(stream, "HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n")
    });
    net.serve("10.0.0.5:80", |stream| {
        answer(stream, "HTTP/1.1 301 Moved\r\nLocation: ws+unix:///run/docker.sock\r\n\r\n")
    });
    for most in [0, 1] {
        let failed = net.connector().redirects(most).connect("ws://10.0.0.1/a").await;
        let Err(ConnectorError::Refused(response)) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(response.status, if most == 0 { 302 } else { 308 });
    }
    let connector = net.connector().redirects(2);
    let (mut socket, response) = connector.connect("ws://10.0.0.1/a").await.expect("open");
    assert_eq!(response.target.to_string(), "ws://10.0.0.3:81/d");
    socket.close(CloseCode::NORMAL, "").await.expect("closed");

    let before = net.dialled().len();
    let failed = net.connector().redirects(5).connect("ws://10.0.0.4/").await;
    assert!(matches!(failed, Err(ConnectorError::Refused(_))), "{failed:?}");
    assert_eq!(net.dialled().len() - before, 6);
    let failed = net.connector().redirects(5).connect("ws://10.0.0.5/").await;
    assert!(matches!(failed, Err(ConnectorError::Redirect(RedirectError::UnixSocket))));
}

#[tokio::test(start_paused = true)]
async fn secrets_do_not_follow_a_redirect_to_another_server() {
    for (url, first, location, expected) in [
        // The URL's own user, on the same server and on another.
        ("ws://u:p@10.0.0.1/a", false, "/b", r#"/b Some("Basic dTpw") Some("k") Some("v")"#),
        ("ws://u:p@10.0.0.1/a", false, "//10.0.0.2/b", r#"/b None None Some("v")"#),
        // A header in its place.
        ("ws://u:p@10.0.0.1/a", true, "/b", r#"/b Some("Bearer t") Some("k") Some("v")"#),
        ("ws://10.0.0.1/a", true, "//10.0.0.2/b", r#"/b None None Some("v")"#),
    ] {
        let heads = Heads::default();
        let net = Net::new();
        let (noted, response) =
            (Arc::clone(&heads), format!("HTTP/1.1 307 Go\r\nLocation: {location}\r\n\r\n"));
        net.serve("10.0.0.1:80", move |mut stream| {
            let (noted, response) = (Arc::clone(&noted), response.clone());
            async move {
                let mut peeked = [0; 6];
                stream.read_exact(&mut peeked).await.expect("a request");
                if peeked == *b"GET /a" {
                    return answer(stream, response).await;
                }
                // The rest of the request, without what was peeked at.
                let (near, mut far) = tokio::io::duplex(1 << 16);
                let relay = async {
                    far.write_all(&peeked).await.expect("written");
                    let _ = tokio::io::copy_bidirectional(&mut far, &mut stream).await;
                };
                tokio::join!(noting_echo(near, noted), relay);
            }
        });
        let noted = Arc::clone(&heads);
        net.serve("10.0.0.2:80", move |stream| noting_echo(stream, Arc::clone(&noted)));
        let mut connector = net.connector().redirects(1).header("cookie", "k").header("X-A", "v");
        if first {
            connector = connector.header("authorization", "Bearer t");
        }
        let (mut socket, _) = connector.connect(url).await.expect("open");
        assert_eq!(*heads.lock().expect("sound"), [expected], "{url} {location}");
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    }
}
