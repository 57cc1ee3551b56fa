//! A WebSocket client that sends each message it is given and prints one answer to each:
//! `cargo run -p spola-tokio --example client -- ws://127.0.0.1:9001/ hello again`.
//!
//! With `--features rustls-platform-verifier` for `wss://`, too. It goes through the proxy that the
//! environment names, and follows redirects.

use std::error::Error;

use spola_tokio::websocket::{CloseCode, Connector};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: client URL MESSAGE...")?;
    let connector = Connector::default().proxy_from_environment().redirects(5);
    let (mut socket, response) = connector.connect(url).await?;
    println!("open: {}", response.target);
    for message in arguments {
        socket.send(message).await?;
        match socket.recv().await? {
            Some(answer) => println!("{answer:?}"),
            None => break,
        }
    }
    // Fails if the server has closed already.
    let _ = socket.close(CloseCode::NORMAL, "").await;
    println!("closed: {:?}", socket.close_reason());
    Ok(())
}
