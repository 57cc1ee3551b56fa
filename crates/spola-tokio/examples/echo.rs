//! A WebSocket echo server: `cargo run --release -p spola-tokio --example echo -- --port 9001`.
//! With `--deflate` it compresses what clients let it.
//!
//! Its limits are raised for Autobahn, which sends messages of 16 MiB in very many fragments.

use std::error::Error;

use spola_tokio::websocket::{Accept, Config, accept_with, deflate};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    println!("listening on {}", listener.local_addr()?);
    let settings = settings();
    loop {
        let (stream, peer) = listener.accept().await?;
        let settings = settings.clone();
        #[expect(clippy::disallowed_methods, reason = "an application spawns its tasks")]
        tokio::spawn(async move {
            if let Err(error) = echo(stream, settings).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream, settings: Accept) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let mut socket = accept_with(stream, settings).await?;
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn settings() -> Accept {
    let mut config = Config::default();
    config.max_message_size = 64 << 20;
    config.max_fragments = u32::MAX;
    let settings = Accept::new().config(config);
    match std::env::args().any(|argument| argument == "--deflate") {
        true => settings.deflate(deflate::Options::default()),
        false => settings,
    }
}

fn port() -> Result<u16, Box<dyn Error>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--port").skip(1);
    Ok(arguments.next().map_or(Ok(9001), |port| port.parse())?)
}
