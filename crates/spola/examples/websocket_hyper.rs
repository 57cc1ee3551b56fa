//! Plain WebSockets within hyper's HTTP, of both versions and both sides:
//! `cargo run -p spola --features http2 --example websocket_hyper -- serve --port 3000`, then, with
//! `call --port 3000` for `serve`, a client that speaks with it over HTTP/1.1 and over HTTP/2.

#![expect(clippy::disallowed_methods, reason = "an application has tasks")]

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use spola::TokioRuntime;
use spola::websocket::{CloseCode, Upgrade, UpgradeRequest, UpgradedWebSocket};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", "--port", port] => serve(port.parse()?).await,
        ["call", "--port", port] => call(port.parse()?).await,
        _ => Err("usage: websocket_hyper serve|call --port N".into()),
    }
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Tells clients of HTTP/2 that they may ask for WebSockets.
    builder.http2().enable_connect_protocol();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let builder = builder.clone();
        tokio::spawn(async move {
            let stream = TokioIo::new(stream);
            let served = builder.serve_connection_with_upgrades(stream, service_fn(handle));
            if let Err(error) = served.await {
                println!("a connection failed: {error}");
            }
        });
    }
}

async fn handle(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let settings = Upgrade::new().protocols(["echo"]);
    Ok(match settings.upgrade(&mut request, TokioRuntime) {
        Ok((response, upgrading)) => {
            tokio::spawn(async {
                if let Ok(socket) = upgrading.await {
                    echo(socket).await;
                }
            });
            response
        }
        Err(rejection) => rejection.to_response(request.version()).map(Full::from),
    })
}

async fn echo(mut socket: UpgradedWebSocket) {
    while let Ok(Some(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn call(port: u16) -> Result<(), Box<dyn Error>> {
    let uri: Uri = format!("ws://127.0.0.1:{port}/").parse()?;

    let stream = TokioIo::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection.with_upgrades());
    let (request, handshake) =
        UpgradeRequest::new(&uri)?.protocol("echo")?.start::<Empty<Bytes>, _>(TokioRuntime);
    let mut response = sender.send_request(request).await?;
    println!("HTTP/1.1: {}", response.status());
    speak(handshake.open(&mut response).await?).await?;

    let stream = TokioIo::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    tokio::spawn(connection);
    // Two of them, on one connection.
    for _ in 0..2 {
        let (request, handshake) = UpgradeRequest::new(&uri)?
            .protocol("echo")?
            .start_connect::<Empty<Bytes>, _>(TokioRuntime);
        let mut response = sender.send_request(request).await?;
        println!("HTTP/2: {}", response.status());
        speak(handshake.open(&mut response).await?).await?;
    }
    Ok(())
}

async fn speak(mut socket: UpgradedWebSocket) -> Result<(), Box<dyn Error>> {
    println!("speaks {:?}", socket.protocol());
    socket.send("hello").await?;
    println!("{:?}", socket.recv().await?);
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
