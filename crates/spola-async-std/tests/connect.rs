//! Clients that connect by URL, over real sockets of this machine and under both executors.

use std::net::Ipv4Addr;

use async_net::TcpListener;
#[cfg(unix)]
use async_net::unix::UnixListener;
use futures_io::{AsyncRead, AsyncWrite};
use spola_async_std::websocket::{
    CloseCode, Connector, ConnectorError, Message, Socket, accept, connect,
};

/// Runs the same under async-std and under smol.
fn under_both<F: Future<Output = ()>>(test: impl Fn() -> F) {
    async_std::task::block_on(test());
    smol::block_on(test());
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let mut socket = accept(stream).await.expect("accepted");
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

/// Awaits both.
async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    smol::future::zip(one, other).await;
}

#[test]
fn tcp_is_connected_by_name_with_nodelay_unless_told() {
    under_both(|| async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
        let url = format!("ws://localhost:{}/", listener.local_addr().expect("bound").port());
        for nodelay in [true, false] {
            let serve = async { echo(listener.accept().await.expect("a client").0).await };
            let call = async {
                let connector = Connector::default().nodelay(nodelay);
                let (mut socket, response) = connector.connect(&url).await.expect("open");
                assert_eq!(response.status, 101);
                let Socket::Tcp(stream) = socket.stream().socket() else {
                    panic!("not TCP");
                };
                assert_eq!(stream.nodelay().expect("set"), nodelay);
                for message in [Message::from("hello"), Message::Binary(vec![7; 500_000].into())] {
                    socket.send(message.clone()).await.expect("sent");
                    assert_eq!(socket.recv().await.expect("sound"), Some(message));
                }
                socket.close(CloseCode::NORMAL, "").await.expect("closed");
            };
            both(serve, call).await;
        }
    });
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_connected_by_their_path() {
    under_both(|| async {
        let name = format!("spola-async-std-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).expect("made");
        let path = directory.join("echo.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let url = format!("ws+unix://{}:/chat", path.display());
        let serve = async { echo(listener.accept().await.expect("a client").0).await };
        let call = async {
            let mut socket = connect(&url).await.expect("open");
            socket.send("hello").await.expect("sent");
            assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
            socket.close(CloseCode::NORMAL, "").await.expect("closed");
        };
        both(serve, call).await;
        std::fs::remove_dir_all(&directory).expect("removed");
    });
}

#[test]
fn where_nobody_listens_the_failure_is_told() {
    under_both(|| async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
        let url = format!("ws://{}/", listener.local_addr().expect("bound"));
        drop(listener);
        let failed = connect(&url).await;
        assert!(matches!(failed, Err(ConnectorError::Io(_))), "{failed:?}");
        let failed = connect("ws+unix:///nobody/listens/here.sock").await;
        assert!(matches!(failed, Err(ConnectorError::Io(_))), "{failed:?}");
    });
}
