//! Socket.IO: packets in both formats, typed arguments, a connection.

pub mod connection;
pub mod messagepack;
pub mod text;
pub mod typed;

use bytes::Bytes;
use spola_socketio_packet::{Data, Format, Limits, Packet, is_reserved_event};

/// What arrives: a text, or bytes.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Text(String),
    Binary(Bytes),
}

/// Messages one after the other, each behind a byte that UTF-8 does not have: `ff` in front of text,
/// `fe` in front of bytes.
pub(crate) fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some((&mark, tail)) = rest.split_first() {
        let len = tail.iter().position(|byte| *byte >= 0xfe).unwrap_or(tail.len());
        let (message, next) = tail.split_at(len);
        rest = next;
        messages.push(match mark {
            0xfe => Message::Binary(Bytes::copy_from_slice(message)),
            _ => Message::Text(String::from_utf8_lossy(message).into_owned()),
        });
    }
    messages
}

/// Decodes messages until one is refused.
fn decode(format: &Format, messages: Vec<Message>, mut packet: impl FnMut(Packet)) {
    let mut decoder = format.decoder(Limits::default());
    for message in messages {
        let decoded = match message {
            Message::Text(text) => decoder.decode_text(text.into()),
            Message::Binary(bytes) => decoder.decode_binary(bytes),
        };
        match decoded {
            Ok(Some(decoded)) => packet(decoded),
            Ok(None) => {}
            Err(_) => return,
        }
    }
}

/// A packet that was let in keeps the limits, and is the same once it was encoded and decoded.
fn sound(format: &Format, packet: &Packet) {
    let limits = Limits::default();
    let data = |data: &Data| {
        let attached: usize = data.attachments().iter().map(Bytes::len).sum();
        assert!(data.json().len() + attached <= limits.max_binary_bytes.max(1 << 20));
        if let Some(name) = data.event_name() {
            assert!(!is_reserved_event(&name) && name.len() <= usize::from(limits.max_event_name));
        }
        json(data.json());
    };
    assert!(packet.namespace().starts_with('/') && packet.namespace().len() <= 255);
    match packet {
        Packet::Event { data: event, .. } => data(event),
        Packet::Ack { data: answer, .. } => data(answer),
        Packet::Connect { auth: Some(auth), .. } => {
            assert!(auth.starts_with(|c: char| c == '{' || c.is_ascii_whitespace()));
            json(auth);
        }
        Packet::ConnectError { payload, .. } => json(payload),
        Packet::Connect { auth: None, .. } | Packet::Disconnect { .. } => {}
    }
    let encoded = format.encode("", packet);
    let text = Some(encoded.text.to_string()).filter(|text| !text.is_empty()).map(Message::Text);
    let binary = encoded.attachments.into_iter().map(Message::Binary);
    let mut again = Vec::new();
    decode(format, text.into_iter().chain(binary).collect(), |packet| again.push(packet));
    assert_eq!(again, std::slice::from_ref(packet));
}

/// What is validated is JSON to the usual reader, too, as deep as that one reads.
fn json(text: &str) {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => {}
        Err(error) => assert!(error.to_string().starts_with("recursion limit"), "{error}: {text}"),
    }
}
