//! Spola's Socket.IO server on tokio.

use std::net::TcpListener;

use spola_server::{Config, Data, Io, Socket};

use super::MAX_MESSAGE;
use crate::Failure;

pub(super) fn serve(listener: TcpListener) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok(spola_tokio::serve(listener, io()).await?)
    })
}

/// Echoes `echo`; sends `cast` to everybody, and `room` to a room that everybody is in.
fn io() -> Io {
    let mut config = Config::default();
    config.engine.max_payload = MAX_MESSAGE;
    let io = Io::builder().config(config).build();
    let everybody = io.clone();
    io.namespace("/")
        .on_connect(async |socket: Socket| socket.join("room"))
        .on("echo", async |socket: Socket, Data(text): Data<String>| {
            // Whoever has left needs no answer.
            let _ = socket.emit("echo", text);
        })
        .on("room", async |socket: Socket, Data(text): Data<String>| {
            let _ = socket.namespace().to("room").emit("room", text);
        })
        .on("cast", move |Data(text): Data<String>| {
            let everybody = everybody.clone();
            async move {
                let _ = everybody.emit("cast", text);
            }
        });
    io
}
