//! The client that the Autobahn suite's fuzzing server tests: `cargo run --release -p spola-tokio
//! --example autobahn_client -- --url ws://127.0.0.1:9001 --agent spola`.
//!
//! It asks how many cases there are, echoes its way through each, and has the report written.
//! `--cases 1-16` runs some of them, by their position in the server's list; `--deflate` offers
//! compression.

use std::env;
use std::error::Error;

use spola_tokio::websocket::{self, Config, Message, Request, WebSocket, deflate};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server {
        host: argument("--url")
            .and_then(|url| Some(url.strip_prefix("ws://")?.to_owned()))
            .ok_or("--url ws://HOST:PORT is needed")?,
        agent: argument("--agent").unwrap_or_else(|| "spola".to_owned()),
    };
    let mut count = server.open("/getCaseCount").await?;
    let Some(Message::Text(number)) = count.recv().await? else {
        return Err("the server did not tell how many cases it has".into());
    };
    while count.recv().await?.is_some() {}
    let (first, last) = match argument("--cases") {
        None => (1, number.parse()?),
        Some(cases) => {
            let (first, last) = cases.split_once('-').unwrap_or((&cases, &cases));
            (first.parse()?, last.parse()?)
        }
    };
    let agent = &server.agent;
    for case in first..=last {
        let target = format!("/runCase?case={case}&agent={agent}");
        if let Err(error) = echo(server.open(&target).await?).await {
            // Many cases end by a violation of the server's; what it thinks of that is in its report.
            eprintln!("case {case}: {error}");
        }
    }
    let mut update = server.open(&format!("/updateReports?agent={agent}")).await?;
    while update.recv().await?.is_some() {}
    Ok(())
}

struct Server {
    host: String,
    agent: String,
}

impl Server {
    async fn open(&self, target: &str) -> Result<WebSocket<TcpStream>, Box<dyn Error>> {
        let stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        let mut config = Config::default();
        // The suite sends messages of 16 MiB, and some in very many fragments.
        config.max_message_size = 64 << 20;
        config.max_fragments = u32::MAX;
        let mut request = Request::new(&self.host, target)?;
        if env::args().any(|argument| argument == "--deflate") {
            request = request.deflate(deflate::Options::default());
        }
        Ok(websocket::client(stream, request, config).await?)
    }
}

async fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Box<dyn Error>> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}
