//! The servers: each one thread, each sending every message back.

mod batch;
mod epoll;
pub(crate) mod fastwebsockets;
mod limit_codecs;
mod limit_hyper;
mod limit_polling;
mod limit_socketio;
mod limit_ws;
mod listing;
pub(crate) mod node;
mod raw_epoll;
mod raw_tokio;
mod socketioxide;
pub(crate) mod sockudo;
pub(crate) mod spola;
mod spola_machine;
mod spola_socketio;
mod tokio_tungstenite;
pub(crate) mod tokio_websockets;
pub(crate) mod yawc;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use clap::Args;
use tokio::net::TcpStream;

use crate::{Failure, machine, process};
use limit_socketio::LimitSocketio;
use limit_ws::LimitWs;
pub(crate) use listing::Server;
use raw_epoll::RawEcho;

/// The message limit where a library's default is below 1 MiB.
const MAX_MESSAGE: usize = 4 << 20;

#[derive(Args)]
pub(crate) struct Options {
    /// Which server.
    server: Server,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Agree to permessage-deflate as the client offers it.
    #[arg(long)]
    deflate: bool,
    /// The level to compress at; the library's default if not given.
    #[arg(long, requires = "deflate", value_parser = clap::value_parser!(u8).range(1..=9))]
    level: Option<u8>,
    /// Run on this core alone.
    #[arg(long)]
    core: Option<usize>,
    /// End when this process, which started this one, ends.
    #[arg(long, hide = true)]
    parent: Option<u32>,
}

/// Whether messages are compressed for clients that offer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deflate {
    Off,
    /// At a level, or at the library's default.
    On {
        level: Option<u8>,
    },
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if let Some(parent) = options.parent {
        process::follow(parent)?;
    }
    if let Some(core) = options.core {
        machine::pin(core)?;
    }
    if options.deflate && !options.server.compresses() {
        return Err(format!("{} does not compress", options.server.name()).into());
    }
    machine::raise_open_files();
    let deflate = match options.deflate {
        true => Deflate::On { level: options.level },
        false => Deflate::Off,
    };
    if options.server.is_node() {
        return Err(match options.server.is_socketio() {
            true => node::serve_socketio(options.port),
            false => node::serve(options.port, deflate),
        });
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    println!("{}{}", process::READY, listener.local_addr()?);
    match options.server {
        Server::RawEpoll => epoll::serve::<RawEcho>(&listener),
        Server::RawTokio => on_tokio(Timers::On, listener, raw_tokio::serve),
        Server::LimitWs => epoll::serve::<LimitWs>(&listener),
        Server::Spola => {
            let settings = spola::settings(deflate);
            on_tokio(Timers::On, listener, move |s| spola::serve(s, settings.clone()))
        }
        Server::SpolaStream => on_tokio(Timers::On, listener, spola::serve_stream),
        Server::SpolaMachineStream => on_tokio(Timers::On, listener, spola_machine::serve),
        Server::Fastwebsockets => on_tokio(Timers::Off, listener, fastwebsockets::serve),
        Server::TokioWebsockets => on_tokio(Timers::Off, listener, tokio_websockets::serve),
        Server::Yawc => on_tokio(Timers::On, listener, move |s| yawc::echo(s, deflate)),
        Server::YawcBatch => {
            on_tokio(Timers::On, listener, move |s| yawc::echo_batches(s, deflate))
        }
        Server::Sockudo => on_tokio(Timers::On, listener, move |s| sockudo::echo(s, deflate)),
        Server::SockudoBatch => {
            on_tokio(Timers::On, listener, move |s| sockudo::echo_batches(s, deflate))
        }
        Server::TokioTungstenite => on_tokio(Timers::On, listener, tokio_tungstenite::echo),
        Server::TokioTungsteniteBatch => {
            on_tokio(Timers::On, listener, tokio_tungstenite::echo_batches)
        }
        Server::LimitSocketio => epoll::serve::<LimitSocketio>(&listener),
        Server::LimitCodecs => on_tokio(Timers::On, listener, limit_codecs::serve),
        Server::LimitHyper => on_tokio(Timers::On, listener, limit_hyper::serve),
        Server::SpolaSocketio => spola_socketio::serve(listener),
        Server::Socketioxide => {
            let service = socketioxide::service();
            on_tokio(Timers::On, listener, move |s| socketioxide::serve(s, service.clone()))
        }
        // They were started above.
        Server::WsNode | Server::SocketioNode => Ok(()),
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
    serve: impl Fn(TcpStream) -> F,
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
