//! TCP echo on tokio: what the kernel and the runtime leave to be won.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes that one read may bring, as on the epoll loop.
const READ: usize = super::epoll::MAX_READ;

pub(super) async fn serve(stream: TcpStream) {
    // A failed connection is not reported here: the load notices what is missing.
    let _ = echo(stream).await;
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}
