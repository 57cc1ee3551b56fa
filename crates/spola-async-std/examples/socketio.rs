//! A Socket.IO server on smol or on async-std:
//! `cargo run -p spola-async-std --example socketio -- smol`, then connect a client to port 3000.

use spola_server::{Data, Io, Reply, Socket};

fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.namespace("/")
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            Reply(socket.join(room).is_ok())
        })
        .on("say", async |socket: Socket, Data((room, text)): Data<(String, String)>| {
            let _ = socket.to(room).emit("said", text);
        });
    // The listener's type says whose tasks are spawned; nothing else differs.
    match std::env::args().nth(1).as_deref() {
        Some("smol") => smol::block_on(async {
            let listener = smol::net::TcpListener::bind("127.0.0.1:3000").await?;
            spola_async_std::serve(listener, io).await
        }),
        _ => async_std::task::block_on(async {
            let listener = async_std::net::TcpListener::bind("127.0.0.1:3000").await?;
            spola_async_std::serve(listener, io).await
        }),
    }
}
