//! The server that the parity suite under `conformance/parity` compares with the official one, whose
//! twin of this is `conformance/parity/official.mjs`.

// An application may start tasks and threads.
#![allow(clippy::disallowed_methods)]

mod application;
mod arguments;
mod around;
mod listeners;
mod log;
mod options;
mod orders;

use std::error::Error;
use std::sync::Arc;

use serde_json::json;
use spola_server::Io;
use tokio::net::TcpListener;

use crate::around::Around;
use crate::log::tell;
use crate::options::Options;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options: Options =
        serde_json::from_str(&argument("--options").unwrap_or_else(|| "{}".to_owned()))?;
    let mutant = argument("--mutant");
    log::set_mutant(mutant.as_deref());
    let around = Around::new(mutant.as_deref(), options.engine_middleware);
    let client = argument("--client-files");
    let io = options.into_server(client.as_deref())?;
    application::install(&io);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    tell(&json!({ "at": "listening", "port": listener.local_addr()?.port() }));
    tokio::spawn(orders::obey(io.clone()));
    serve(listener, io, around).await
}

async fn serve(listener: TcpListener, io: Io, around: Around) -> Result<(), Box<dyn Error>> {
    if around.is_nothing() {
        spola_tokio::serve(listener, io).await?;
    } else {
        let service = around::Service::new(io, Arc::new(around));
        axum::serve(listener, axum::Router::new().fallback_service(service)).await?;
    }
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
