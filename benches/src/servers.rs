//! The servers: each one thread, each sending every message back.

mod fastwebsockets;
mod raw_epoll;
mod spola;
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
    /// Spola on tokio, `recv` and `send` for each message; it batches by itself.
    Spola,
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
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it speaks no WebSocket but echoes bytes.
    pub(crate) fn is_raw(self) -> bool {
        self == Self::RawEpoll
    }

    /// The crates it is made of, as locked.
    pub(crate) fn crates(self) -> &'static [&'static str] {
        match self {
            Self::RawEpoll => &[],
            Self::Spola => &["spola-tokio", "tokio"],
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
        Server::Spola => on_tokio(Timers::On, listener, spola::serve),
        Server::TokioTungstenite => on_tokio(Timers::On, listener, tokio_tungstenite::echo),
        Server::TokioTungsteniteBatch => {
            on_tokio(Timers::On, listener, tokio_tungstenite::echo_batches)
        }
        Server::Fastwebsockets => on_tokio(Timers::Off, listener, fastwebsockets::serve),
    }
}

/// Whether the runtime has timers, which cost a look at the clock whenever it waits: as a program
/// has them by default, or as the library's own example leaves them out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timers {
    On,
    Off,
}

/// Accepts on tokio's current-thread runtime and gives each connection a task.
fn on_tokio<F>(
    timers: Timers,
    listener: TcpListener,
    serve: fn(tokio::net::TcpStream) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_io();
    if timers == Timers::On {
        builder.enable_time();
    }
    let runtime = builder.build()?;
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
