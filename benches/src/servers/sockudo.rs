//! sockudo-ws: the loop of its `simple_echo` example, and one that batches.

use bytes::BytesMut;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{CompressedWebSocketStream, Config, Error, Message, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Deflate;
use super::batch::{self, Then};

pub(super) async fn echo(stream: TcpStream, deflate: Deflate) {
    let _ = match deflate {
        Deflate::Off => match accept(stream).await {
            Ok(socket) => echo_each(socket).await,
            Err(error) => Err(error),
        },
        Deflate::On { level } => match accept_deflate(stream, level).await {
            Ok(socket) => echo_each(socket).await,
            Err(error) => Err(error),
        },
    };
}

pub(super) async fn echo_batches(stream: TcpStream, deflate: Deflate) {
    match deflate {
        Deflate::Off => {
            if let Ok(socket) = accept(stream).await {
                batch::echo(socket, then).await;
            }
        }
        Deflate::On { level } => {
            if let Ok(socket) = accept_deflate(stream, level).await {
                batch::echo(socket, then).await;
            }
        }
    }
}

pub(crate) async fn echo_each<S>(mut socket: S) -> Result<(), Error>
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => break,
        }
    }
    Ok(())
}

fn then(received: Result<Message, Error>) -> Then<Message> {
    match received {
        Ok(message @ (Message::Text(_) | Message::Binary(_))) => Then::Send(message),
        Ok(Message::Ping(_) | Message::Pong(_)) => Then::Nothing,
        Ok(Message::Close(_)) | Err(_) => Then::End,
    }
}

async fn accept(mut stream: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    shake_hands(&mut stream, |_| Ok(None)).await?;
    Ok(WebSocketStream::server(stream, Config::default()))
}

async fn accept_deflate(
    mut stream: TcpStream,
    level: Option<u8>,
) -> Result<CompressedWebSocketStream<TcpStream>, Error> {
    let mut config = DeflateConfig::default();
    config.compression_level = level.map_or(config.compression_level, u32::from);
    shake_hands(&mut stream, |offers| {
        let agreed = negotiate_server_deflate(offers, &config);
        let agreed = agreed.ok_or(Error::HandshakeFailed("no compression offered"))?;
        let response = agreed.to_response_header();
        config = agreed.config;
        Ok(Some(response))
    })
    .await?;
    Ok(CompressedWebSocketStream::server(stream, Config::default(), config))
}

/// The example's handshake. What is agreed on follows from the client's offers of extensions.
async fn shake_hands(
    stream: &mut TcpStream,
    mut agree: impl FnMut(&str) -> Result<Option<String>, Error>,
) -> Result<(), Error> {
    let mut head = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(Error::ConnectionClosed);
        }
        if let Some((request, _)) = parse_request(&head)? {
            let extensions = agree(request.extensions.unwrap_or_default())?;
            let accept = generate_accept_key(request.key);
            stream.write_all(&build_response(&accept, None, extensions.as_deref())).await?;
            return Ok(stream.flush().await?);
        }
    }
}
