//! The client that the Autobahn suite's fuzzing server tests: `cargo run --release -p
//! spola-async-std --example autobahn_client -- --runtime smol --url ws://127.0.0.1:9001 --agent
//! spola`.
//!
//! It asks how many cases there are, echoes its way through each, and has the report written.
//! `--cases 1-16` runs some of them, by their position in the server's list; `--deflate` offers
//! compression.

use std::env;
use std::error::Error;
use std::io;

use futures_io::{AsyncRead, AsyncWrite};
use spola_async_std::websocket::{self, Config, Message, Request, WebSocket, deflate};

type Fault = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let url = argument("--url").ok_or("--url ws://HOST:PORT is needed")?;
    let server = Server {
        host: url.strip_prefix("ws://").ok_or("the URL starts with ws://")?.to_owned(),
        agent: argument("--agent").unwrap_or_else(|| "spola".to_owned()),
    };
    match argument("--runtime").as_deref() {
        Some("async-std") | None => async_std::task::block_on(server.run_all(async |host| {
            let stream = async_std::net::TcpStream::connect(host).await?;
            stream.set_nodelay(true).map(|()| stream)
        })),
        Some("smol") => smol::block_on(server.run_all(async |host| {
            let stream = smol::net::TcpStream::connect(host).await?;
            stream.set_nodelay(true).map(|()| stream)
        })),
        Some(other) => Err(format!("--runtime is async-std or smol, not {other}").into()),
    }
}

struct Server {
    host: String,
    agent: String,
}

impl Server {
    async fn run_all<S>(&self, connect: impl AsyncFn(String) -> io::Result<S>) -> Result<(), Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let agent = &self.agent;
        let mut count = self.open(&connect, "/getCaseCount").await?;
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
        for case in first..=last {
            let target = format!("/runCase?case={case}&agent={agent}");
            if let Err(error) = echo(self.open(&connect, &target).await?).await {
                // Many cases end by a violation of the server's; what it thinks of that is in its
                // report.
                eprintln!("case {case}: {error}");
            }
        }
        let mut update = self.open(&connect, &format!("/updateReports?agent={agent}")).await?;
        while update.recv().await?.is_some() {}
        Ok(())
    }

    async fn open<S>(
        &self,
        connect: &impl AsyncFn(String) -> io::Result<S>,
        target: &str,
    ) -> Result<WebSocket<S>, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = connect(self.host.clone()).await?;
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

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) -> Result<(), Fault> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}
