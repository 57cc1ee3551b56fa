//! socketioxide over hyper, as in its `hyper` example.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socketioxide::SocketIo;
use socketioxide::extract::{Data, SocketRef};
use socketioxide::service::SocketIoService;
use tokio::net::TcpStream;

use super::MAX_MESSAGE;

pub(super) type Service = SocketIoService<engineioxide::service::NotFoundService>;

/// Echoes `echo`; sends `cast` to everybody, and `room` to a room that everybody is in.
pub(super) fn service() -> Service {
    let (service, io) = SocketIo::builder().max_payload(MAX_MESSAGE as u64).build_svc();
    io.ns("/", async |socket: SocketRef, io: SocketIo| {
        socket.join("room");
        socket.on("echo", async |socket: SocketRef, Data(text): Data<String>| {
            // Whoever has left needs no answer.
            let _ = socket.emit("echo", &text);
        });
        let everybody = io.clone();
        socket.on("room", async move |Data(text): Data<String>| {
            let _ = io.within("room").emit("room", &text).await;
        });
        socket.on("cast", async move |Data(text): Data<String>| {
            let _ = everybody.emit("cast", &text).await;
        });
    });
    service
}

/// A failed connection is not reported here: the load notices what is missing.
pub(super) async fn serve(stream: TcpStream, service: Service) {
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}
