//! What holds for every packet and every text.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use bytestring::ByteString;
use proptest::{collection::vec, prelude::*};
use spola_engineio_packet::{
    EncodedMessage, Message, Packet, WebSocketMessage, event_stream,
    payload::{self, Decoder, Encoder},
    v3,
};

fn packet() -> impl Strategy<Value = Packet> {
    let message = prop_oneof![
        "[^\u{1e}]{0,24}".prop_map(|text| Message::Text(text.into())),
        vec(any::<u8>(), 0..24).prop_map(|data| Message::Binary(data.into())),
    ];
    prop_oneof![
        "[^\u{1e}]{0,24}".prop_map(|json| Packet::Open(json.into())),
        Just(Packet::Close),
        any::<bool>().prop_map(|probe| Packet::Ping { probe }),
        any::<bool>().prop_map(|probe| Packet::Pong { probe }),
        message.prop_map(Packet::Message),
        Just(Packet::Upgrade),
        Just(Packet::Noop),
    ]
}

/// Text with many of the characters that matter.
fn wire() -> impl Strategy<Value = String> {
    "([0-9b€é=A+\u{1e}]|probe|\\PC){0,40}"
}

/// Decoding by the letter of the reference: split first, then look at each piece.
fn naive_decode(body: &str) -> (Vec<Packet>, bool) {
    let mut packets = Vec::new();
    for piece in body.split('\u{1e}') {
        match Packet::decode_text(piece.into()) {
            Ok(packet) => packets.push(packet),
            Err(_) => return (packets, false),
        }
    }
    (packets, true)
}

/// What a browser makes of a stream: the number, the name and the data of each event (HTML, §9.2.6).
fn read_stream(stream: &str) -> Vec<(String, String, String)> {
    let lines = stream.replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut id) = (Vec::new(), String::new());
    let (mut name, mut data) = (String::new(), None);
    for line in lines.split('\n') {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => {
                let name = std::mem::take(&mut name);
                if let Some(data) = data.take() {
                    events.push((id.clone(), name, data));
                }
            }
            "id" => value.clone_into(&mut id),
            "event" => value.clone_into(&mut name),
            "data" => {
                data = Some(data.map_or(value.into(), |data: String| format!("{data}\n{value}")));
            }
            _ => {}
        }
    }
    events
}

/// The packet in an event.
fn text_of(name: &str, data: &str) -> String {
    if name == "base64" {
        let message = Packet::decode_text(format!("b{data}").into());
        let Ok(Packet::Message(Message::Binary(text))) = message else { panic!("{data}") };
        return String::from_utf8(text.to_vec()).expect("text");
    }
    data.to_owned()
}

/// A message in every form that has base64, and the lengths foretold.
fn forms(wire: &WebSocketMessage) -> (ByteString, Bytes, ByteString, [usize; 2]) {
    let mut payload = Encoder::new();
    payload.push(wire).expect("no separator");
    let event = event_stream::encode(7, wire.clone());
    let lens = [payload::packet_len(wire), v3::max_packet_len(wire)];
    (payload.finish(), event, v3::into_text(wire.clone()), lens)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn decode_undoes_encode(packet in packet()) {
        prop_assert_eq!(Packet::decode(packet.encode()), Ok(packet.clone()));
        prop_assert_eq!(Packet::decode_text(packet.encode().into_text()), Ok(packet));
    }

    #[test]
    fn payload_decode_undoes_encode(packets in vec(packet(), 1..12)) {
        let mut encoder = Encoder::new();
        let mut len = packets.len() - 1;
        for packet in &packets {
            let wire = packet.encode();
            len += payload::packet_len(&wire);
            prop_assert_eq!(encoder.push(&wire), Ok(()));
        }
        let body = encoder.finish();
        prop_assert_eq!(body.len(), len);
        let decoded: Result<Vec<_>, _> = Decoder::new(body).collect();
        prop_assert_eq!(decoded, Ok(packets));
    }

    #[test]
    fn any_text_decodes_as_its_pieces_do(body in wire()) {
        let (packets, well) = naive_decode(&body);
        let items: Vec<_> = Decoder::new(body.into()).collect();
        prop_assert_eq!(items.iter().all(Result::is_ok), well);
        let decoded: Vec<_> = items.into_iter().map_while(Result::ok).collect();
        prop_assert_eq!(decoded, packets);
    }

    #[test]
    fn a_browser_reads_the_packets_of_a_stream(packets in vec(packet(), 0..8), text: String) {
        let texts = packets.iter().map(Packet::encode).chain([
            WebSocketMessage::Text(text.into()),
            WebSocketMessage::Text("4\ra\n\n b\r\n".into()),
            WebSocketMessage::Text("4\n a\n".into()),
        ]);
        let texts: Vec<_> = texts.collect();
        let mut stream = event_stream::OPENING_COMMENT.to_vec();
        for (number, text) in texts.iter().enumerate() {
            stream.extend_from_slice(&event_stream::encode(number as u64, text.clone()));
            stream.extend_from_slice(&event_stream::COMMENT);
        }
        let stream = String::from_utf8(stream).expect("a stream is text");
        let read = read_stream(&stream);
        let read: Vec<_> = read.iter().map(|(id, name, data)| (id.clone(), text_of(name, data))).collect();
        let sent = texts.into_iter().enumerate();
        let sent: Vec<_> = sent.map(|(i, text)| (i.to_string(), text.into_text().to_string())).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn a_lent_text_decodes_like_an_owned_one(text in wire()) {
        prop_assert_eq!(Packet::decode_str(&text), Packet::decode_text(text.into()));
    }

    #[test]
    fn a_decoded_text_encodes_to_itself_or_to_less(text in wire()) {
        if let Ok(packet) = Packet::decode_text(ByteString::from(text.as_str())) {
            let again = packet.encode().into_text();
            prop_assert!(text.starts_with(&*again), "{again}");
        }
    }

    #[test]
    fn base64_made_once_is_what_each_would_make(data in vec(any::<u8>(), 0..200), text: String) {
        let message = EncodedMessage::binary(data.clone().into()).compress(false);
        let shared = message.clone().into_text();
        let base64 = STANDARD.encode(&data);
        prop_assert_eq!(shared.as_wire(), &WebSocketMessage::Text(format!("b{base64}").into()));
        prop_assert_eq!(shared.clone().into_text(), shared.clone());
        prop_assert_eq!(shared.clone().into_binary(), message.clone());
        prop_assert_eq!(Message::from(shared.clone()), Message::Binary(data.into()));
        let text = EncodedMessage::text(&text);
        prop_assert_eq!(text.clone().into_text().into_binary(), text.clone());

        let wires = [&message, &shared].map(|binary| [text.as_wire().clone(), binary.as_wire().clone()]);
        let [own, ahead] = wires.each_ref().map(|[_, wire]| forms(wire));
        prop_assert_eq!(own, ahead);
        let [own, ahead] = wires.each_ref().map(|wires| v3::encode_text(wires));
        prop_assert_eq!(own, ahead);
    }

    #[test]
    fn binary_never_exceeds_its_limit(data in vec(any::<u8>(), 0..64), limit in 0..64_usize) {
        let body = WebSocketMessage::Binary(data.clone().into()).into_text();
        let item = Decoder::new(body).max_binary_len(limit).next();
        prop_assert_eq!(matches!(item, Some(Ok(_))), data.len() <= limit);
    }
}
