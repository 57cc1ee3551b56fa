//! `spola serve`: the chat, its page, and the server that carries both.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use spola::{ClientFiles, Config, ConnectionStateRecovery, Io};
use tokio::net::TcpListener;

use crate::assets::Assets;
use crate::chat;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The address to listen on. Use 0.0.0.0 to be reached from other machines.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, short, default_value_t = 3000)]
    port: u16,
    /// The most seconds that a shutdown may take.
    #[arg(long, default_value_t = 5)]
    drain_seconds: u64,
    /// Remember clients that lose their connection for so many seconds: who comes back in time has its
    /// former id, and gets what it missed. 0 remembers nobody.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    recovery: u64,
    /// Tell at /metrics, to whoever asks, how the server is: as text for Prometheus.
    #[arg(long)]
    metrics: bool,
}

pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let address = SocketAddr::new(options.host, options.port);
    let listener = TcpListener::bind(address).await.map_err(|error| explain(address, &error))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut config = Config::default();
    config.engine.transports.sse = true;
    config.client_files = Some(ClientFiles::official());
    config.connection_state_recovery = recovery(options.recovery);
    let io = Io::builder().config(config).state(chat::Chat::default()).build();
    chat::register(&io);
    println!("A chat with rooms is at http://{address} (Ctrl-C ends it).");
    let (sessions, metrics) = (io.clone(), io.clone());
    spola::serve(listener, io)
        .fallback(Assets { metrics: options.metrics.then_some(metrics) })
        .drain_timeout(Duration::from_secs(options.drain_seconds))
        .with_graceful_shutdown(async move {
            told_to_end().await;
            tracing::info!(sessions = sessions.session_count(), "shutting down");
        })
        .await
        .map_err(|error| error.to_string())
}

fn recovery(seconds: u64) -> Option<ConnectionStateRecovery> {
    let mut recovery = ConnectionStateRecovery::default();
    recovery.max_disconnection_duration = Duration::from_secs(seconds);
    (seconds > 0).then_some(recovery)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "errors of the system are without number")]
fn explain(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is in use: end what holds it, or choose another with --port")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                "port {port} may not be taken by this user: choose one from 1024 on with --port"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine: choose another with --host", address.ip())
        }
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// Ready at Ctrl-C, and on Unix when the process is told to end.
async fn told_to_end() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminated) => drop(terminated.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
