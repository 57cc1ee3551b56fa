//! The server as `serve` runs it: connections come in by a listener, with all that looks at them.

use std::future::{Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_channel::mpsc;
use futures_util::StreamExt as _;
use spola_server::{Listener, Runtime as _, Serve};

use crate::harness::pipe::{ServerEnd, pipe};
use crate::harness::{Client, VirtualRuntime, World};

pub(crate) struct Site {
    arrivals: mpsc::UnboundedSender<ServerEnd>,
    runtime: VirtualRuntime,
}

impl Site {
    pub(crate) fn open(world: &World) -> Self {
        let (arrivals, pipes) = mpsc::unbounded();
        let runtime = world.runtime.clone();
        let serve = Serve::new(Pipes(pipes), world.io().clone(), Arc::new(runtime.clone()));
        runtime.spawn(Box::pin(async {
            let _ = serve.await;
        }));
        Self { arrivals, runtime }
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
