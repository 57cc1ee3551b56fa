//! Socket.IO within plain hyper: `cargo run -p spola --example hyper`.

#![expect(clippy::disallowed_methods, reason = "an application has tasks")]

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use spola::{Data, Io, Reply, SocketIoService};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.namespace("/").on("echo", async |Data(text): Data<String>| Reply(text));
    let service = TowerToHyperService::new(SocketIoService::new(io));
    // What `spola::serve` would see to.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_headers(100);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(connection.with_upgrades());
    }
}
