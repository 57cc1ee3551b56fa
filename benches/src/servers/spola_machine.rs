//! Spola's machine in a loop of its own on tokio: chunks of a message go back as they come, so that
//! a large one is on its way out before it is all in.

use std::io;
use std::time::Instant;

use bytes::Buf as _;
use spola_websocket::handshake::server::RequestReader;
use spola_websocket::{ChunkEvent, Connection, Part, SendError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::spola::config;

/// As in the loops without a library.
const MAX_READ: usize = 256 << 10;

pub(super) async fn serve(mut stream: TcpStream) {
    if let Ok(connection) = accept(&mut stream).await {
        let _ = echo(stream, connection).await;
    }
}

/// The opening handshake. The load sends nothing before the answer, so nothing follows the request.
async fn accept(stream: &mut TcpStream) -> io::Result<Connection> {
    let (mut reader, mut head) = (RequestReader::new(), Vec::new());
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let request = reader.read(&head).map_err(|_| io::ErrorKind::InvalidData)?;
        if let Some(request) = request {
            stream.write_all(&request.upgrade.accept().to_bytes()).await?;
            return Ok(Connection::server(config()));
        }
    }
}

async fn echo(mut stream: TcpStream, mut connection: Connection) -> io::Result<()> {
    let (mut buffer, mut scratch) = (vec![0; MAX_READ], Vec::new());
    while !connection.is_closed() {
        stream.readable().await?;
        let read = match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        connection.output().lend(&mut scratch);
        let mut input = buffer.get_mut(..read).unwrap_or_default();
        while let Some(event) = connection.poll_chunk(Instant::now(), &mut input) {
            answer(&mut connection, &event).map_err(io::Error::other)?;
        }
        while connection.output().has_remaining() {
            stream.write_buf(connection.output()).await?;
        }
        connection.output().reclaim(&mut scratch);
    }
    Ok(())
}

fn answer(connection: &mut Connection, event: &ChunkEvent<'_>) -> Result<(), SendError> {
    match event {
        ChunkEvent::Chunk(chunk) => {
            let part = if chunk.last { Part::Last } else { Part::More };
            connection.send_fragment(chunk.kind, &chunk.data, part)
        }
        ChunkEvent::Pong(_) | ChunkEvent::Closed(_) => Ok(()),
    }
}
