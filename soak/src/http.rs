//! HTTP/1.1 by hand.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

/// Longer, and the server may have closed a connection that is to be used again.
const KEPT: Duration = Duration::from_secs(5);

/// A connection of HTTP/1.1, used again and again.
pub(crate) struct Http {
    stream: TcpStream,
    used: Instant,
}

impl Http {
    pub(crate) async fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, used: Instant::now() })
    }

    /// Connects anew if the server may have hung up.
    pub(crate) async fn freshen(&mut self, server: SocketAddr) -> io::Result<()> {
        if self.used.elapsed() > KEPT {
            *self = Self::connect(server).await?;
        }
        Ok(())
    }

    /// The status and the body of the answer to one request.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        query: &str,
        body: &[u8],
    ) -> Result<(u16, String), Failure> {
        self.stream.write_all(&request(method, query, body)).await?;
        let mut received = Vec::new();
        let head_len = loop {
            if let Some(at) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut received).await? == 0 {
                return Err("hung up".into());
            }
        };
        let head = String::from_utf8_lossy(received.get(..head_len).unwrap_or_default());
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let len = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|len| len.trim().parse::<usize>().ok())
        });
        let (Some(status), Some(len)) = (status, len) else {
            return Err(format!("an answer without a length: {head}").into());
        };
        let mut body = received.split_off(head_len);
        while body.len() < len {
            if self.stream.read_buf(&mut body).await? == 0 {
                return Err("hung up".into());
            }
        }
        self.used = Instant::now();
        Ok((status, String::from_utf8(body)?))
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, query: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!(
        "{method} /socket.io/?EIO=4&{query} HTTP/1.1\r\nHost: x\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
