//! An echo of events with one text, by Spola's WebSocket and packet codecs alone: everybody is let in, and no
//! session, namespace or handler is there. What is left for these to cost on tokio, where JSON is read.
//!
//! A failed connection is not reported here: the load notices what is missing.

use spola_engineio_packet::{Message, Packet as Outer};
use spola_socketio_packet::{Decoder, Limits, Namespace, Packet, encode_event};
use spola_tokio::websocket::{Accept, Received, WebSocket, accept_with};
use tokio::net::TcpStream;

use super::limit_socketio::{CONNECTED, OPEN};
use super::spola;
use crate::Failure;

pub(super) async fn serve(stream: TcpStream) {
    let settings = Accept::new().config(spola::config());
    if let Ok(socket) = accept_with(stream, settings).await {
        let _ = echo(socket).await;
    }
}

async fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Failure> {
    socket.send(OPEN).await?;
    let (mut decoder, root) = (Decoder::new(Limits::default()), Namespace::root());
    while let Some((message, mut replies)) = socket.recv_borrowed().await? {
        let Received::Text(text) = message else { continue };
        let Outer::Message(Message::Text(text)) = Outer::decode_str(&text)? else { continue };
        match decoder.decode_text(text)? {
            Some(Packet::Connect { .. }) => replies.send_text(CONNECTED)?,
            Some(Packet::Event { data, .. }) => {
                let text: String = data.extract()?;
                let packet = encode_event("4", &root, None, "echo", &text)?;
                replies.send_text(&packet.text)?;
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}
