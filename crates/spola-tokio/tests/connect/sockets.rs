//! Real sockets, of this machine.

use spola_tokio::websocket::{self, Connector, TokioIo};
use spola_websocket::{CloseCode, Message};

use crate::net::echo;

#[tokio::test]
async fn real_sockets_are_connected_with_nodelay_unless_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("ws://localhost:{}/", listener.local_addr().expect("bound").port());
    for nodelay in [true, false] {
        let serve = async { echo(listener.accept().await.expect("a client").0).await };
        let call = async {
            let connector = Connector::default().nodelay(nodelay);
            let (mut socket, _) = connector.connect(&url).await.expect("open");
            let TokioIo(websocket::Socket::Tcp(stream)) = socket.stream().socket() else {
                panic!("not TCP");
            };
            assert_eq!(stream.nodelay().expect("set"), nodelay);
            socket.send("hello").await.expect("sent");
            assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
            socket.close(CloseCode::NORMAL, "").await.expect("closed");
        };
        tokio::join!(serve, call);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_are_connected_by_their_path() {
    let directory = std::env::temp_dir().join(format!("spola-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("made");
    let path = directory.join("echo.sock");
    let listener = tokio::net::UnixListener::bind(&path).expect("bound");
    let url = format!("ws+unix://{}:/chat", path.display());
    let serve = async { echo(listener.accept().await.expect("a client").0).await };
    let call = async {
        let mut socket = websocket::connect(&url).await.expect("open");
        socket.send("hello").await.expect("sent");
        assert_eq!(socket.recv().await.expect("sound"), Some(Message::from("hello")));
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    };
    tokio::join!(serve, call);
    std::fs::remove_dir_all(&directory).expect("removed");
}
