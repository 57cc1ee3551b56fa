//! A WebSocket echo server:
//! `cargo run --release -p spola-async-std --example echo -- --runtime smol --port 9001`. With `--deflate` it
//! compresses what clients let it.
//!
//! Its limits are raised for Autobahn, which sends messages of 16 MiB in very many fragments.

use std::error::Error;
use std::fmt::Display;

use futures_io::{AsyncRead, AsyncWrite};
use spola_async_std::AsyncStdIo;
use spola_async_std::websocket::{Accept, Config, accept_with, deflate};

type Fault = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let port = argument("--port").map_or(Ok(9001), |port| port.parse())?;
    match argument("--runtime").as_deref() {
        Some("async-std") | None => async_std::task::block_on(on_async_std(port)),
        Some("smol") => smol::block_on(on_smol(port)),
        Some(other) => Err(format!("--runtime is async-std or smol, not {other}").into()),
    }
}

async fn on_async_std(port: u16) -> Result<(), Fault> {
    let listener = async_std::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let settings = settings();
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let settings = settings.clone();
        async_std::task::spawn(
            async move { report(&peer, echo(AsyncStdIo(stream), settings).await) },
        );
    }
}

async fn on_smol(port: u16) -> Result<(), Fault> {
    let listener = smol::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let settings = settings();
    let executor = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let (stream, peer) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let settings = settings.clone();
            executor.spawn(async move { report(&peer, echo(stream, settings).await) }).detach();
        }
    };
    executor.run(accept).await
}

async fn echo<S>(stream: S, settings: Accept) -> Result<(), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
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

fn report(peer: &impl Display, ended: Result<(), Fault>) {
    if let Err(error) = ended {
        eprintln!("{peer}: {error}");
    }
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
