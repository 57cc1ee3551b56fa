//! yawc with hyper's upgrade, as in its `echo_server` example, with the example's limits; but with
//! UTF-8 validated, which the example leaves off and every other server here does.

use std::future::Future;

use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use yawc::frame::OpCode;
use yawc::{CompressionLevel, Options, UpgradeFut, WebSocket, WebSocketError};

use super::Deflate;
use super::batch::{self, Then};

pub(super) async fn echo(stream: TcpStream, deflate: Deflate) {
    serve(stream, deflate, |upgraded| async {
        if let Ok(socket) = upgraded.await {
            let _ = echo_each(socket).await;
        }
    })
    .await;
}

pub(super) async fn echo_batches(stream: TcpStream, deflate: Deflate) {
    serve(stream, deflate, |upgraded| async {
        let Ok(socket) = upgraded.await else { return };
        batch::echo(socket, |frame| match frame.opcode() {
            OpCode::Text | OpCode::Binary => Then::Send(frame),
            OpCode::Close => Then::End,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => Then::Nothing,
        })
        .await;
    })
    .await;
}

pub(crate) async fn echo_each<S>(mut socket: WebSocket<S>) -> Result<(), WebSocketError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(frame) = socket.next().await {
        match frame.opcode() {
            OpCode::Text | OpCode::Binary => socket.send(frame).await?,
            OpCode::Continuation | OpCode::Close | OpCode::Ping | OpCode::Pong => {}
        }
    }
    Ok(())
}

async fn serve<F>(stream: TcpStream, deflate: Deflate, echo: fn(UpgradeFut) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let service = service_fn(|request| async move { accept(request, deflate, echo) });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

fn accept<F>(
    mut request: Request<Incoming>,
    deflate: Deflate,
    echo: fn(UpgradeFut) -> F,
) -> Result<Response<Empty<Bytes>>, WebSocketError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let options = Options::default().with_utf8().with_limits(100 << 20, 200 << 20);
    let options = match deflate {
        Deflate::Off => options,
        Deflate::On { level } => options.with_compression_level(match level {
            Some(level) => CompressionLevel::new(level.into()),
            None => CompressionLevel::default(),
        }),
    };
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options)?;
    tokio::spawn(tokio::task::unconstrained(echo(upgraded)));
    Ok(response)
}
