//! Plain WebSockets beside the routes of an axum application:
//! `cargo run -p spola --example websocket_axum`, then open http://127.0.0.1:3000, or call
//! ws://127.0.0.1:3000/ws from anything else. With `--features http2` over HTTP/2, too.
//!
//! Everybody sees what anybody says.

#![expect(clippy::disallowed_methods, reason = "an application has tasks")]

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::response::Html;
use axum::routing::{any, get};
use spola::websocket::{Error, Message, UpgradedWebSocket, upgrade};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

type Room = broadcast::Sender<Message>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        // `any`, since WebSockets over HTTP/2 come as a CONNECT.
        .route("/ws", any(enter))
        .with_state(Room::new(64));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

/// No extractor is needed: the request is all it takes. Here is the place to look at its origin or
/// its cookies first.
async fn enter(State(room): State<Room>, mut request: Request<Body>) -> Response<Body> {
    match upgrade(&mut request) {
        Ok((response, upgrading)) => {
            tokio::spawn(async move {
                match upgrading.await {
                    Ok(socket) => {
                        if let Err(error) = chat(socket, room).await {
                            println!("a client is gone: {error}");
                        }
                    }
                    Err(error) => println!("a client did not come: {error}"),
                }
            });
            response
        }
        Err(rejection) => rejection.to_response(request.version()).map(Body::from),
    }
}

async fn chat(mut socket: UpgradedWebSocket, room: Room) -> Result<(), Error> {
    let mut said = room.subscribe();
    loop {
        // Either may be dropped half-way: nothing is lost.
        tokio::select! {
            message = socket.recv() => match message? {
                Some(message) => drop(room.send(message)),
                None => return Ok(()),
            },
            message = said.recv() => match message {
                Ok(message) => {
                    socket.send(message).await?;
                    socket.flush().await?;
                }
                // Too slow a reader misses something.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

const PAGE: &str = r#"<!doctype html>
<title>Chat</title>
<form onsubmit="socket.send(text.value); text.value = ''; return false">
  <input id="text" autofocus> <button>Say</button>
</form>
<pre id="said"></pre>
<script>
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = (event) => said.append(event.data + "\n");
</script>
"#;
