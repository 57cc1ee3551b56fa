//! A WebSocket client that sends each message it is given and prints one answer to each, under
//! either runtime:
//! `cargo run -p spola-async-std --example client_async_std -- smol ws://127.0.0.1:9001/ hello`.
//!
//! With `--features rustls-platform-verifier` for `wss://`, too.

use std::error::Error;

use spola_async_std::websocket::{CloseCode, connect};

const USAGE: &str = "usage: client_async_std async-std|smol URL MESSAGE...";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let runtime = arguments.next().ok_or(USAGE)?;
    let url = arguments.next().ok_or(USAGE)?;
    match &*runtime {
        "async-std" => async_std::task::block_on(speak(url, arguments)),
        "smol" => smol::block_on(speak(url, arguments)),
        _ => Err(USAGE.into()),
    }
}

async fn speak(url: String, messages: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut socket = connect(url).await?;
    for message in messages {
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
