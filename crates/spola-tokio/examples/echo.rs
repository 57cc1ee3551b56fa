//! A WebSocket echo server: `cargo run --release -p spola-tokio --example echo -- --port 9001`.
//!
//! Its limits are raised for Autobahn, which sends messages of 16 MiB in very many fragments.

use std::error::Error;

use spola_tokio::websocket::{Config, accept_with};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        #[expect(clippy::disallowed_methods, reason = "an application spawns its tasks")]
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let mut config = Config::default();
    config.max_message_size = 64 << 20;
    config.max_fragments = u32::MAX;
    let mut socket = accept_with(stream, config).await?;
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn port() -> Result<u16, Box<dyn Error>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--port").skip(1);
    Ok(arguments.next().map_or(Ok(9001), |port| port.parse())?)
}
