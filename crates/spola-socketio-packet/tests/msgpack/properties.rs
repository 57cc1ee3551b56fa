//! What holds for every value and every message.

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};
use spola_socketio_packet::{Data, Limits, Packet};

use super::{decode, encode, event};

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        // Without fraction a double comes back as an integer.
        (0.001..0.999).prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Into::into),
            vec((any::<String>(), inner), 0..20)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_undoes_encoding(
        ack in option::of(any::<u32>()),
        values in vec(json(), 0..4),
        blobs in vec(vec(any::<u8>(), 0..300), 0..20),
    ) {
        let blobs: Vec<Bytes> = blobs.into_iter().map(Bytes::from).collect();
        let packet = event(ack, "e", &(&values, &blobs));
        prop_assert_eq!(decode(&encode(&packet)), Ok(packet));
    }

    #[test]
    fn no_message_panics_and_what_is_read_is_json(message in vec(any::<u8>(), 0..64)) {
        check(message.into());
    }

    #[test]
    fn no_damaged_message_panics(
        values in vec(json(), 0..3),
        blob in vec(any::<u8>(), 0..20),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut message = encode(&event(Some(1), "e", &(&values, Bytes::from(blob)))).to_vec();
        let at = at.index(message.len());
        message[at] = byte;
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
        }
        check(message.into());
    }
}

/// Whatever is read is valid, by the rules for text, and can be written again.
fn check(message: Bytes) {
    let Ok(packet) = decode(&message) else { return };
    match &packet {
        Packet::Event { data, .. } => {
            let attachments = data.attachments().to_vec();
            let again = Data::event_from_json(data.to_json(), attachments, &Limits::default());
            assert_eq!(again.as_ref(), Ok(data));
        }
        Packet::Ack { data, .. } => {
            let attachments = data.attachments().to_vec();
            let again = Data::ack_from_json(data.to_json(), attachments, &Limits::default());
            assert_eq!(again.as_ref(), Ok(data));
        }
        Packet::Connect { auth: Some(json), .. } | Packet::ConnectError { payload: json, .. } => {
            serde_json::from_str::<serde::de::IgnoredAny>(json).unwrap();
        }
        Packet::Connect { auth: None, .. } | Packet::Disconnect { .. } => {}
    }
    assert_eq!(decode(&encode(&packet)), Ok(packet));
}
