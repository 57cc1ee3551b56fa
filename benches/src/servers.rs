//! The servers: each one thread, each sending every message back.

mod fastwebsockets;
mod raw_epoll;
mod tokio_tungstenite;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use clap::{Args, ValueEnum};

use crate::{Failure, machine, process};

#[derive(Args)]
pub(crate) struct Options {
    /// Which server.
    server: Server,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Run on this core alone.
    #[arg(long)]
    core: Option<usize>,
    /// End when this process, which started this one, ends.
    #[arg(long, hide = true)]
    parent: Option<u32>,
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// TCP echo of the same bytes on a bare epoll loop: the bound.
    RawEpoll,
    /// tokio-tungstenite, `next` and `send` for each message.
    TokioTungstenite,
    /// tokio-tungstenite, `forward`: all that is ready, then one flush.
    TokioTungsteniteBatch,
    /// fastwebsockets over hyper, as in its example.
    Fastwebsockets,
}

impl Server {
    /// The name on the command line and in the table.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it speaks no WebSocket but echoes bytes.
    pub(crate) fn is_raw(self) -> bool {
        self == Self::RawEpoll
    }

    /// The crates it is made of, as locked.
    pub(crate) fn crates(self) -> &'static [&'static str] {
        match self {
            Self::RawEpoll => &[],
            Self::TokioTungstenite | Self::TokioTungsteniteBatch => {
                &["tokio-tungstenite", "tungstenite", "tokio"]
            }
            Self::Fastwebsockets => &["fastwebsockets", "hyper", "tokio"],
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    println!("{}{}", process::READY, listener.local_addr()?);
    match options.server {
        Server::RawEpoll => raw_epoll::serve(&listener),
        Server::TokioTungstenite => on_tokio(listener, tokio_tungstenite::echo),
        Server::TokioTungsteniteBatch => on_tokio(listener, tokio_tungstenite::echo_batches),
        Server::Fastwebsockets => on_tokio(listener, fastwebsockets::serve),
    }
}

/// Accepts on tokio's current-thread runtime and gives each connection a task.
fn on_tokio<F>(listener: TcpListener, serve: fn(tokio::net::TcpStream) -> F) -> Result<(), Failure>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream));
        }
    })
}
