//! What a connection takes in memory while nothing happens on it, without what tokio and the kernel
//! keep of its socket.

use std::mem::size_of;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use spola_driver::Line;
use spola_server::{HttpService, Io};
use spola_tokio::TokioRuntime;
use spola_tokio::websocket::{Error, TokioIo, WebSocket, accept};
use tokio::net::TcpStream;

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let Ok(mut socket) = accept(stream).await else { return Ok(()) };
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

async fn serve_borrowed(stream: TcpStream) -> Result<(), Error> {
    let Ok(mut socket) = accept(stream).await else { return Ok(()) };
    while let Some((message, mut replies)) = socket.recv_borrowed().await? {
        replies.send(message)?;
    }
    Ok(())
}

fn size_of_task<F: Future>(_: fn(TcpStream) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn an_idle_connection_and_its_task_are_small() {
    let (task, borrowed) = (size_of_task(serve), size_of_task(serve_borrowed));
    let (socket, line) = (size_of::<WebSocket<TcpStream>>(), size_of::<Line<TokioIo<TcpStream>>>());
    assert!(socket <= 80, "the handle takes {socket} bytes");
    assert!(line <= 512, "the connection takes {line} bytes");
    assert!(task <= 400, "the task takes {task} bytes");
    assert!(borrowed <= 400, "the task takes {borrowed} bytes");
}

#[test]
fn a_request_that_waits_is_small() {
    let http = HttpService::new(Io::new(), Arc::new(TokioRuntime));
    let size = size_of_val(&http.handle(Request::new(Full::<Bytes>::default())));
    assert!(size <= 1024, "a request takes {size} bytes");
}
