//! The server that the Node suite under `conformance/` speaks to. Its twin on the official
//! implementation is `conformance/node/official.mjs`.

mod app;

use std::error::Error;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let listener = TcpListener::bind(("127.0.0.1", app::port()?)).await?;
    println!("listening on {}", listener.local_addr()?);
    spola_tokio::serve(listener, app::io()?).with_graceful_shutdown(told_to_quit()).await?;
    Ok(())
}

async fn told_to_quit() {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("signals can be awaited");
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    app::when_told_to_quit(|| {
        let _ = tell.send(());
    });
    // Without a standard input, or at its end, only signals tell.
    let told = async {
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = told => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
