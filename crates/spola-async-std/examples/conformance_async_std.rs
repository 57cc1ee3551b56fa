//! The server of `spola-tokio`'s example `conformance`, on async-std, or on smol if
//! `SPOLA_RUNTIME` says so.

#[path = "../../spola-tokio/examples/conformance/app.rs"]
mod app;

use std::error::Error;

use async_signal::{Signal, Signals};
use smol::channel::Receiver;
use smol::stream::StreamExt as _;

fn main() -> Result<(), Box<dyn Error>> {
    let (tell, told) = smol::channel::bounded(1);
    app::when_told_to_quit(move || {
        let _ = tell.try_send(());
    });
    match std::env::var("SPOLA_RUNTIME").as_deref() {
        Ok("smol") => smol::block_on(on_smol(told)),
        _ => async_std::task::block_on(on_async_std(told)),
    }
}

async fn on_async_std(told: Receiver<()>) -> Result<(), Box<dyn Error>> {
    let listener = async_std::net::TcpListener::bind(("127.0.0.1", app::port()?)).await?;
    println!("listening on {}", listener.local_addr()?);
    let quit = told_to_quit(told);
    spola_async_std::serve(listener, app::io()?).with_graceful_shutdown(quit).await?;
    Ok(())
}

async fn on_smol(told: Receiver<()>) -> Result<(), Box<dyn Error>> {
    let listener = smol::net::TcpListener::bind(("127.0.0.1", app::port()?)).await?;
    println!("listening on {}", listener.local_addr()?);
    let quit = told_to_quit(told);
    spola_async_std::serve(listener, app::io()?).with_graceful_shutdown(quit).await?;
    Ok(())
}

async fn told_to_quit(told: Receiver<()>) {
    let mut signals = Signals::new([Signal::Term]).expect("signals can be awaited");
    // At the end of the standard input only signals tell.
    let told = async {
        if told.recv().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    smol::future::or(told, async { drop(signals.next().await) }).await;
}
