//! Socket.IO as a layer of tower, over any service; here, routes of axum behind a limit of theirs:
//! `cargo run -p spola --example tower`.

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::routing::get;
use spola::{Data, Io, Reply, SocketIoLayer};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.namespace("/").on("echo", async |Data(text): Data<String>| Reply(text));
    let routes: Router = Router::new().route("/", get(async || "hello"));
    // Socket.IO's requests do not pass the limit, and do not wait for it.
    let service = ServiceBuilder::new()
        // axum's server wants axum's body.
        .map_response(|response: Response<_>| response.map(Body::new))
        .layer(SocketIoLayer::new(io))
        .concurrency_limit(64)
        .service(routes);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, tower::make::Shared::new(service)).await
}
