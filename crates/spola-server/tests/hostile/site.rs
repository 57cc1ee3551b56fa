//! The server as `serve` runs it: connections come in by a listener, with all that looks at them.

use std::future::{Future, Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_channel::mpsc;
use futures_util::StreamExt as _;
use spola_server::{Listener, Serve};

use crate::harness::pipe::{ServerEnd, pipe};
use crate::harness::{Client, Running, VirtualRuntime, World};

pub(crate) struct Site {
    arrivals: mpsc::UnboundedSender<ServerEnd>,
    runtime: VirtualRuntime,
}

impl Site {
    pub(crate) fn open(world: &World) -> Self {
        Self::open_until(world, pending()).0
    }

    /// One that shuts down by a signal, and when it has.
    pub(crate) fn open_until(
        world: &World,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, Running<()>) {
        let (arrivals, pipes) = mpsc::unbounded();
        let runtime = world.runtime.clone();
        let serve = Serve::new(Pipes(pipes), world.io().clone(), Arc::new(runtime.clone()));
        let serve = serve.with_graceful_shutdown(signal);
        let served = world.run(async {
            let _ = serve.await;
        });
        (Self { arrivals, runtime }, served)
    }

    pub(crate) fn connect(&self) -> Client {
        let (server_end, client_end) = pipe();
        self.arrivals.unbounded_send(server_end).unwrap();
        Client::new(client_end, self.runtime.clone())
    }
}

struct Pipes(mpsc::UnboundedReceiver<ServerEnd>);

impl Listener for Pipes {
    type Stream = ServerEnd;
    type Opening = Ready<io::Result<ServerEnd>>;

    async fn accept(&mut self) -> io::Result<(Self::Opening, Option<SocketAddr>)> {
        match self.0.next().await {
            Some(end) => Ok((ready(Ok(end)), None)),
            None => pending().await,
        }
    }
}
