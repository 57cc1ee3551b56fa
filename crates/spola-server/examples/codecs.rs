//! The packet codecs behind standard input and output, for `conformance/node/test/codecs.test.mjs`,
//! which holds them against the official ones.
//!
//! A line in is `{"codec": …, "messages": [{"text": …} or {"binary": "0a…"}, …]}`; a line out says which
//! packets these are, how we would encode them, and whether there was an error.

use std::error::Error;
use std::io::{self, BufRead, BufWriter, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spola_engineio_packet::{self as engine, WebSocketMessage, payload};
use spola_socketio_packet::{Data, Encoded, Format, Limits, MessagePack, Packet};

#[derive(Deserialize)]
struct Case {
    codec: Codec,
    messages: Vec<Message>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Codec {
    Text,
    MessagePack,
    Packet,
    Payload,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Text(String),
    Binary(String),
}

#[derive(Default, Serialize)]
struct Outcome {
    packets: Vec<Value>,
    again: Vec<Vec<Message>>,
    error: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        let mut outcome = Outcome::default();
        let result = match case.codec {
            Codec::Text => sockets(&Format::TEXT, case.messages, &mut outcome),
            Codec::MessagePack => sockets(&Format::of(MessagePack), case.messages, &mut outcome),
            Codec::Packet => packets(case.messages, &mut outcome),
            Codec::Payload => payloads(case.messages, &mut outcome),
        };
        outcome.error = result.err().map(|error| error.to_string());
        serde_json::to_writer(&mut out, &outcome)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Decodes what one Socket.IO connection receives.
fn sockets(
    format: &Format,
    messages: Vec<Message>,
    outcome: &mut Outcome,
) -> Result<(), Box<dyn Error>> {
    let mut decoder = format.decoder(Limits::default());
    for message in messages {
        let packet = match message {
            Message::Text(text) => decoder.decode_text(text.into()),
            Message::Binary(hex) => decoder.decode_binary(bytes(&hex)),
        }?;
        if let Some(packet) = packet {
            outcome.packets.push(told(&packet));
            outcome.again.push(sent(format.encode("", &packet)));
        }
    }
    Ok(())
}

/// A packet whose JSON stays text: the other end shall read it, not we.
fn told(packet: &Packet) -> Value {
    let data = |data: &Data| {
        let attachments: Vec<_> = data.attachments().iter().map(|bytes| hex(bytes)).collect();
        json!({ "json": data.json(), "attachments": attachments })
    };
    let plain = |json: &str| json!({ "json": json, "attachments": [] });
    let (kind, id, data) = match packet {
        Packet::Connect { auth, .. } => (0, None, auth.as_deref().map(plain)),
        Packet::Disconnect { .. } => (1, None, None),
        Packet::Event { ack, data: event, .. } => (2, *ack, Some(data(event))),
        Packet::Ack { ack, data: answer, .. } => (3, Some(*ack), Some(data(answer))),
        Packet::ConnectError { payload, .. } => (4, None, Some(plain(payload))),
    };
    let (id, namespace) = (id.map(|id| id.value()), packet.namespace().as_str());
    json!({ "type": kind, "nsp": namespace, "id": id, "data": data })
}

fn sent(encoded: Encoded) -> Vec<Message> {
    let text = Some(encoded.text.to_string()).filter(|text| !text.is_empty()).map(Message::Text);
    let attachments = encoded.attachments.iter().map(|bytes| Message::Binary(hex(bytes)));
    text.into_iter().chain(attachments).collect()
}

/// Decodes Engine.IO packets, each a WebSocket message.
fn packets(messages: Vec<Message>, outcome: &mut Outcome) -> Result<(), Box<dyn Error>> {
    for message in messages {
        let message = match message {
            Message::Text(text) => WebSocketMessage::Text(text.into()),
            Message::Binary(hex) => WebSocketMessage::Binary(bytes(&hex)),
        };
        let packet = engine::Packet::decode(message)?;
        outcome.packets.push(described(&packet));
        outcome.again.push(vec![match packet.encode() {
            WebSocketMessage::Text(text) => Message::Text(text.to_string()),
            WebSocketMessage::Binary(data) => Message::Binary(hex(&data)),
        }]);
    }
    Ok(())
}

/// Decodes polling bodies.
fn payloads(messages: Vec<Message>, outcome: &mut Outcome) -> Result<(), Box<dyn Error>> {
    for message in messages {
        let Message::Text(body) = message else {
            return Err("a payload is text".into());
        };
        let packets: Vec<_> = payload::Decoder::new(body.into()).collect();
        let mut again = payload::Encoder::new();
        for packet in packets.iter().flatten() {
            outcome.packets.push(described(packet));
            again.push(&packet.encode())?;
        }
        if !again.is_empty() {
            outcome.again.push(vec![Message::Text(again.finish().to_string())]);
        }
        if let Some(Err(error)) = packets.into_iter().last() {
            return Err(error.into());
        }
    }
    Ok(())
}

fn described(packet: &engine::Packet) -> Value {
    use engine::{Message::Binary, Message::Text, Packet};
    match packet {
        Packet::Open(json) => json!({ "type": "open", "data": json.to_string() }),
        Packet::Close => json!({ "type": "close" }),
        Packet::Ping { probe } => json!({ "type": "ping", "probe": probe }),
        Packet::Pong { probe } => json!({ "type": "pong", "probe": probe }),
        Packet::Message(Text(text)) => json!({ "type": "message", "data": text.to_string() }),
        Packet::Message(Binary(data)) => json!({ "type": "message", "binary": hex(data) }),
        Packet::Upgrade => json!({ "type": "upgrade" }),
        Packet::Noop => json!({ "type": "noop" }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Bytes {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    let (pairs, _) = hex.as_bytes().as_chunks::<2>();
    pairs.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)).collect()
}
