//! Packets and payloads, revisions 4 and 3.

use bytes::Bytes;
use bytestring::ByteString;
use spola_engineio_packet::{Message, Packet, WebSocketMessage, jsonp, payload, v3};

/// The first byte says what the rest is to be read as. What is let in is the same once it was encoded
/// and decoded, and of a payload no more is let in than may be.
pub fn check(bytes: &[u8]) {
    let (kind, rest) = crate::number(bytes);
    let text = || ByteString::from(String::from_utf8_lossy(rest).into_owned());
    let data = || Bytes::copy_from_slice(rest);
    // A byte that is no text becomes a replacement character, of three.
    match kind % 8 {
        0 => packet(WebSocketMessage::Text(text())),
        1 => packet(WebSocketMessage::Binary(data())),
        2 => packet_v3(WebSocketMessage::Text(text())),
        3 => packet_v3(WebSocketMessage::Binary(data())),
        4 => body(&text()),
        5 => bodies_v3(&read(v3::Decoder::text(text()), rest.len())),
        6 => bodies_v3(&read(v3::Decoder::binary(data()), rest.len())),
        _ => {
            drop(jsonp::payload_of_form(rest).inspect(|text| assert!(text.len() <= 3 * rest.len())))
        }
    }
}

fn packet(message: WebSocketMessage) {
    if let Ok(packet) = Packet::decode(message) {
        assert_eq!(Packet::decode(packet.encode()), Ok(packet));
    }
}

fn packet_v3(message: WebSocketMessage) {
    if let Ok(packet) = v3::decode(message) {
        assert_eq!(v3::decode(v3::encode(packet.encode())), Ok(packet));
    }
}

/// The packets before the first bad one, which is the last item.
fn read<E>(decoder: impl Iterator<Item = Result<Packet, E>>, len: usize) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut ended = false;
    for packet in decoder {
        assert!(!ended, "a packet behind a bad one");
        match packet {
            Ok(packet) => packets.push(packet),
            Err(_) => ended = true,
        }
    }
    let carried: usize = packets.iter().map(carried).sum();
    assert!(carried <= 3 * len && packets.len() <= 3 * len);
    packets
}

fn carried(packet: &Packet) -> usize {
    match packet {
        Packet::Message(message) => message.as_bytes().len(),
        Packet::Open(json) => json.len(),
        Packet::Close
        | Packet::Ping { .. }
        | Packet::Pong { .. }
        | Packet::Upgrade
        | Packet::Noop => 0,
    }
}

fn body(text: &ByteString) {
    let packets = read(payload::Decoder::new(text.clone()), text.len());
    let limited = payload::Decoder::new(text.clone()).max_packets(2).max_binary_len(3);
    let limited = read(limited, text.len());
    assert!(limited.len() <= 2 && limited[..] == packets[..limited.len()]);
    for packet in &limited {
        assert!(!matches!(packet, Packet::Message(Message::Binary(data)) if data.len() > 3));
    }
    let mut encoder = payload::Encoder::new();
    for packet in &packets {
        encoder.push(&packet.encode()).expect("no separator within a packet");
    }
    if !packets.is_empty() {
        let again: Result<Vec<_>, _> = payload::Decoder::new(encoder.finish()).collect();
        assert_eq!(again.expect("what was encoded"), packets);
    }
}

fn bodies_v3(packets: &[Packet]) {
    if packets.is_empty() {
        return;
    }
    let messages: Vec<_> = packets.iter().map(Packet::encode).collect();
    let text: Result<Vec<_>, _> = v3::Decoder::text(v3::encode_text(&messages)).collect();
    assert_eq!(text.expect("what was encoded"), packets);
    let binary: Result<Vec<_>, _> = v3::Decoder::binary(v3::encode_binary(&messages)).collect();
    assert_eq!(binary.expect("what was encoded"), packets);
}
