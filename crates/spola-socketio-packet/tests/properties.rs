//! Properties: decoding undoes encoding, no input panics, the scanner agrees with serde_json.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use bytestring::ByteString;
use proptest::{collection::vec, option, prelude::*};
use serde::de::IgnoredAny;
use serde_json::Value;
use spola_socketio_packet::{
    AckId, Data, Decoder, Limits, Namespace, Packet, encode_ack, encode_event, is_reserved_event,
};

/// Pieces of packets, so that random texts get past the first checks.
const PIECES: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "51-",
    "52-",
    "6",
    "61-1",
    "-",
    "/",
    "/a",
    "/é,",
    ",",
    "7",
    "[",
    "]",
    "{",
    "}",
    "\"a\"",
    "\"connect\"",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\n",
    "é",
    "€",
    "😀",
    ":",
    "null",
    "true",
    "tru",
    "1.5",
    "-",
    "1e5",
    "1e999",
    " ",
    "\n",
    "\u{1}",
    "{\"_placeholder\":true,\"num\":0}",
    "\"a\":",
    "[\"a\",",
];

fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(
        prop_oneof![9 => proptest::sample::select(pieces).prop_map(String::from), 1 => ".{0,3}"],
        0..12,
    )
    .prop_map(|parts| parts.concat())
}

fn namespace() -> impl Strategy<Value = Namespace> {
    "(/[^,\\p{Cc}]{0,8})".prop_map(|name| name.parse().unwrap())
}

fn ack_id() -> impl Strategy<Value = AckId> {
    (0..=AckId::MAX.value()).prop_map(|id| AckId::new(id).unwrap())
}

fn event_name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("reserved", |name| !is_reserved_event(name))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn decode(text: &ByteString, attachments: &[Bytes]) -> Option<Packet> {
    let mut decoder = Decoder::new(Limits::default());
    let mut packet = decoder.decode_text(text.clone()).unwrap();
    for attachment in attachments {
        assert_eq!(packet, None);
        packet = decoder.decode_binary(attachment.clone()).unwrap();
    }
    packet
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_undoes_encoding(
        namespace in namespace(),
        ack in option::of(ack_id()),
        name in event_name(),
        values in vec(json(), 0..4),
        blobs in vec(vec(any::<u8>(), 0..8), 0..=10),
    ) {
        let blobs: Vec<Bytes> = blobs.into_iter().map(Bytes::from).collect();
        let args = (&values, &blobs);
        let event = encode_event("", &namespace, ack, &name, &args).unwrap();
        let Some(Packet::Event { namespace: to, ack: id, data }) = decode(&event.text, &event.attachments) else {
            return Err(TestCaseError::fail("no event"));
        };
        prop_assert_eq!(&to, &namespace);
        prop_assert_eq!(id, ack);
        prop_assert_eq!(data.event_name().unwrap(), name.as_str());
        prop_assert_eq!(data.attachments(), &blobs[..]);
        let (first, second): (Vec<Value>, Vec<Bytes>) = data.extract().unwrap();
        prop_assert_eq!(&first, &values);
        prop_assert_eq!(&second, &blobs);
        prop_assert_eq!(&data, &Data::event(&name, &args).unwrap());
        prop_assert_eq!(Packet::Event { namespace: to, ack: id, data }.encode(""), event);

        let id = ack.unwrap_or(AckId::MAX);
        let reply = encode_ack("4", &namespace, id, &args).unwrap();
        let text = reply.text.slice_ref(reply.text.strip_prefix('4').unwrap());
        let packet = decode(&text, &reply.attachments).unwrap();
        prop_assert_eq!(packet.namespace(), &namespace);
        prop_assert_eq!(packet.encode("4"), reply);
    }

    #[test]
    fn what_decodes_encodes_to_what_decodes_the_same(text in pieces(PIECES), blob in any::<[u8; 2]>()) {
        let mut decoder = Decoder::new(Limits::default());
        let mut packet = decoder.decode_text(text.into());
        let mut messages = 1;
        while let Ok(None) = packet {
            prop_assert!(messages <= 10);
            packet = decoder.decode_binary(Bytes::copy_from_slice(&blob));
            messages += 1;
        }
        prop_assert!(!decoder.is_pending());
        if let Ok(Some(packet)) = packet {
            let encoded = packet.encode("");
            let again = decode(&encoded.text, &encoded.attachments);
            prop_assert_eq!(again.as_ref(), Some(&packet));
            if let Packet::Event { data, .. } | Packet::Ack { data, .. } = packet {
                let values = data.args::<Vec<Value>>().unwrap();
                let first = values.first().and_then(Value::as_str).map(String::from);
                prop_assert_eq!(data.arg::<String>(0).ok(), first);
                let _ = data.extract::<(String, Option<Bytes>)>();
                let _ = data.extract::<String>();
                let _ = data.arg::<Bytes>(1);
            }
        }
    }

    #[test]
    fn strings_are_written_as_serde_json_does(text in any::<String>(), plain in "[ -~]{0,80}") {
        let text = format!("{plain}{text}{plain}");
        let data = Data::ack(&text).unwrap();
        prop_assert_eq!(data.json(), serde_json::to_string(&[&text]).unwrap());
    }

    #[test]
    fn no_text_panics(text in any::<String>(), kind in "[0-6]?") {
        let _ = Decoder::default().decode_text(format!("{kind}{text}").into());
    }

    #[test]
    fn the_scanner_agrees_with_serde_json(
        text in pieces(&["[", "]", "{", "}", "\"a\":", "\"a\"", "\"", "\\", "\\u00e9", "\\ud83d", "\\u12", "é",
            ",", ":", "null", "false", "nul", "0", "12", "-", ".5", "e3", "E+", " ", "\t", "\u{1f}", "\u{7f}",
            "a long plain run of text: ", "[1,{\"a\":[]}]"]),
    ) {
        // Ignoring is the reading that minds neither lone surrogates nor the range of numbers,
        // and no text made of these pieces has a number out of range.
        let naive = serde_json::from_str::<Vec<IgnoredAny>>(&text);
        let ours = Data::ack_from_json(text.as_str(), Vec::new(), &Limits::default());
        prop_assert_eq!(naive.is_ok(), ours.is_ok(), "{:?}: {:?} {:?}", text, naive, ours);
        let event = format!("[\"e\",{text}]");
        let naive = serde_json::from_str::<Vec<IgnoredAny>>(&event);
        let ours = Data::event_from_json(event.as_str(), Vec::new(), &Limits::default());
        prop_assert_eq!(naive.is_ok(), ours.is_ok(), "{:?}: {:?} {:?}", event, naive, ours);
        let within = format!("[\"{text}\"]");
        let naive = serde_json::from_str::<Vec<IgnoredAny>>(&within);
        let ours = Data::ack_from_json(within.as_str(), Vec::new(), &Limits::default());
        prop_assert_eq!(naive.is_ok(), ours.is_ok(), "{:?}", within);
        if let Ok(data) = ours {
            data.args::<Vec<Value>>().unwrap();
        }
    }

    #[test]
    fn ranges_of_numbers_agree_with_serde_json(
        number in "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?",
        zeros in 0..330_usize,
    ) {
        let long = format!("{number}1{}", "0".repeat(zeros));
        for number in [number, long] {
            let json = format!("[{number}]");
            let naive = serde_json::from_str::<Value>(&json);
            let ours = Data::ack_from_json(json.as_str(), Vec::new(), &Limits::default());
            prop_assert_eq!(naive.is_ok(), ours.is_ok(), "{}", json);
        }
    }
}
