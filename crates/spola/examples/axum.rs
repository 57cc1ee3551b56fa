//! Socket.IO beside the routes of an axum application:
//! `cargo run -p spola --example axum`, then open http://127.0.0.1:3000.
//!
//! The page counts for everybody: a route over HTTP and an event over Socket.IO share one state, and
//! each change is broadcast.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use serde::Deserialize;
use spola::{Data, Io, Refusal, Reply, Socket, SocketIoService, State};

#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

#[derive(Deserialize)]
struct Step {
    by: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let counter = Counter::default();
    let io = Io::builder().state(counter.clone()).build();
    io.namespace("/")
        .on_connect(async |socket: Socket, State(counter): State<Counter>| {
            let _ = socket.emit("count", counter.0.load(Ordering::Relaxed));
        })
        .on("step", step);

    let reset = {
        let io = io.clone();
        async move || {
            counter.0.store(0, Ordering::Relaxed);
            let told = io.emit("count", 0).unwrap_or_default();
            format!("told {told} pages\n")
        }
    };
    let app = Router::new()
        .route("/", get(async || Html(include_str!("axum.html"))))
        .route("/reset", post(reset))
        .route_service("/socket.io/", SocketIoService::new(io));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

/// What this returns answers the client's acknowledgement: the count, or `{ error }`.
async fn step(
    socket: Socket,
    Data(Step { by }): Data<Step>,
    State(counter): State<Counter>,
) -> Result<Reply<u64>, Refusal> {
    if by > 10 {
        return Err("ten at a time, please".into());
    }
    let count = counter.0.fetch_add(by, Ordering::Relaxed) + by;
    let _ = socket.broadcast().emit("count", count);
    Ok(Reply(count))
}
