//! What is no packet, and what is too much.

use bytes::Bytes;
use bytestring::ByteString;
use spola_socketio_packet::{
    DecodeError, Decoder, JsonError, Limits, Namespace, NamespaceError, Packet,
};

use super::{decode, error, namespace};

#[test]
fn what_is_no_packet_is_refused() {
    use DecodeError::{
        AckId, AttachmentCount, Json, MissingAckId, MissingPayload, PayloadKind, ReservedEvent,
        TooManyAttachments, UnknownType,
    };
    let malformed = Json(JsonError::Malformed);
    let table = [
        ("", UnknownType),
        ("7", UnknownType),
        ("a", UnknownType),
        (" ", UnknownType),
        ("é", UnknownType),
        (" 2[\"a\"]", UnknownType),
        ("2", MissingPayload),
        ("21", MissingPayload),
        ("2/a", MissingPayload),
        ("2/a,", MissingPayload),
        (r#"2/["a"]"#, MissingPayload),
        ("2[]", PayloadKind),
        ("2{}", PayloadKind),
        ("2\"a\"", PayloadKind),
        ("2[null]", PayloadKind),
        ("2[true]", PayloadKind),
        ("2[[\"a\"]]", PayloadKind),
        ("2null", PayloadKind),
        ("2[\"a\"", malformed),
        ("2[\"a\"]x", malformed),
        ("2[\"a\"]]", malformed),
        ("2[\"a\",]", malformed),
        ("2[,\"a\"]", malformed),
        ("2[\"a\"}", malformed),
        ("2[\"a\":1]", malformed),
        ("2[\"a\",{\"b\":1]", malformed),
        ("2[\"a\",{\"b\":1]]", malformed),
        ("2[\"a\",{\"b\":1}}", malformed),
        ("2[\"a\",[1}]", malformed),
        ("2[\"a\",{]]", malformed),
        ("2[\"a\",{\"b\"}]", malformed),
        ("2[\"a\",{\"b\":}]", malformed),
        ("2[\"a\",{\"b\",1}]", malformed),
        ("2[\"a\",{\"b\":1,}]", malformed),
        ("2[\"a\",{1:1}]", malformed),
        ("2[\"a\" \"b\"]", malformed),
        ("2[\"a\",\"b", malformed),
        ("2[\"a\",\"b\"", malformed),
        ("2[\"a\",\"b\"]x", malformed),
        ("2[\"a\",\"b\"]]", malformed),
        ("2[\"a\",\"b\",]", malformed),
        ("2[\"a\",\"b\"}", malformed),
        ("2[\"a\",\"b\"\"c\"]", malformed),
        ("2[\"a\",\"b\u{1}\"]", malformed),
        ("2[\"a\",\"b\\x\"]", malformed),
        ("2[\"a\u{1}\"]", malformed),
        ("2[\"a\\x\"]", malformed),
        ("2[\"a\\u12g4\"]", malformed),
        ("2[\"a\\u12\"]", malformed),
        ("2[\"€", malformed),
        ("2é[\"a\"]", malformed),
        ("2€", malformed),
        ("2[€]", malformed),
        ("2[\"\\€\"]", malformed),
        ("2[\"\\u€\"]", malformed),
        ("2[\"\\ud83d\\€\"]", malformed),
        ("2[\"a\",tru€]", malformed),
        ("2[\"a\",01]", malformed),
        ("2[\"a\",-]", malformed),
        ("2[\"a\",1.]", malformed),
        ("2[\"a\",.5]", malformed),
        ("2[\"a\",1e]", malformed),
        ("2[\"a\",+1]", malformed),
        ("2[\"a\",NaN]", malformed),
        ("2[\"a\",1e400]", malformed),
        ("2/a,b,[\"c\"]", malformed),
        ("2[\"connect\"]", ReservedEvent),
        ("2[\"connect_error\"]", ReservedEvent),
        ("2[\"disconnect\"]", ReservedEvent),
        ("2[\"disconnecting\"]", ReservedEvent),
        ("2[\"newListener\"]", ReservedEvent),
        ("2[\"removeListener\"]", ReservedEvent),
        ("2[\"\\u0063onnect\"]", ReservedEvent),
        ("29007199254740992[\"a\"]", AckId),
        ("299999999999999999999999[\"a\"]", AckId),
        ("3[]", MissingAckId),
        ("31{}", PayloadKind),
        ("31null", PayloadKind),
        ("31[", malformed),
        ("1{}", PayloadKind),
        ("1[]", PayloadKind),
        ("1/a,{}", PayloadKind),
        ("0[]", PayloadKind),
        ("0null", PayloadKind),
        ("0\"a\"", PayloadKind),
        ("01.5", malformed),
        ("0{", malformed),
        ("4[]", PayloadKind),
        ("41.5", malformed),
        ("5[\"a\"]", AttachmentCount),
        ("5", AttachmentCount),
        ("5-[\"a\"]", AttachmentCount),
        ("50-[\"a\"]", AttachmentCount),
        ("5x-[\"a\"]", AttachmentCount),
        ("5-1-[\"a\"]", AttachmentCount),
        ("51.5-[\"a\"]", AttachmentCount),
        ("51e0-[\"a\"]", AttachmentCount),
        ("5 1-[\"a\"]", AttachmentCount),
        ("511-[\"a\"]", TooManyAttachments),
        ("599999999999999999999-[\"a\"]", TooManyAttachments),
        ("60-1[]", AttachmentCount),
        ("61-[]", MissingAckId),
        ("51-", MissingPayload),
    ];
    for (text, expected) in table {
        assert_eq!(error(text, &[]), expected, "{text}");
    }
}

/// A known peer slices its text by bytes, and panics at six of them with a longer character inside.
#[test]
fn no_short_text_panics_wherever_a_longer_character_stands() {
    let pieces = ["0", "2", "5", "1", "-", "/", ",", "[", "]", "\"", "é", "€", "😀"];
    let mut texts = vec![String::new()];
    let mut seen = 0;
    for _ in 0..4 {
        let longer = texts.iter().flat_map(|text| pieces.map(|piece| format!("{text}{piece}")));
        texts = longer.collect();
        for text in &texts {
            let _ = Decoder::new(Limits::default()).decode_text(ByteString::from(text.as_str()));
            seen += usize::from(text.len() == 6 && !text.is_ascii());
        }
    }
    assert!(seen > 1000);
    assert_eq!(error("51€-", &[]), DecodeError::AttachmentCount);
    assert_eq!(error("2/€,[", &[]), DecodeError::Json(JsonError::Malformed));
}

#[test]
fn namespaces_are_checked() {
    let long = format!("/{}", "n".repeat(255));
    let table = [
        ("admin", NamespaceError::NoSlash),
        ("", NamespaceError::NoSlash),
        ("/a,b", NamespaceError::Comma),
        ("/a\u{7}", NamespaceError::ControlCharacter),
        ("/a\u{85}", NamespaceError::ControlCharacter),
        (&long, NamespaceError::TooLong(256)),
    ];
    for (name, error) in table {
        assert_eq!(Namespace::new(name), Err(error), "{name}");
    }
    assert_eq!(error(&format!("0{long},"), &[]), NamespaceError::TooLong(256).into());
    assert_eq!(error(&format!("2{long},[\"a\"]"), &[]), NamespaceError::TooLong(256).into());
    assert_eq!(error("0/a\n,", &[]), NamespaceError::ControlCharacter.into());
    assert!(Namespace::new(&long[..255]).is_ok());
    assert!(namespace("/").is_root() && !namespace("/a").is_root());
    assert_eq!(Namespace::root(), namespace("/"));
}

#[test]
fn limits_hold_at_their_edge() {
    let mut limits = Limits::default();
    limits.max_binary_bytes = 20;
    limits.max_auth_bytes = 8;
    limits.max_event_name = 4;
    limits.max_depth = 3;
    let text = |text: &str| Decoder::new(limits).decode_text(ByteString::from(text)).map(drop);

    assert_eq!(text(r#"0{"a":12}"#), Ok(()));
    assert_eq!(text(r#"0{"a":123}"#), Err(DecodeError::AuthTooLarge));
    assert_eq!(text(r#"2["abcd"]"#), Ok(()));
    assert_eq!(text(r#"2["abcde"]"#), Err(DecodeError::EventNameTooLong));
    assert_eq!(text(r#"2["ab\u0063d"]"#), Ok(()));
    assert_eq!(text("2[12345]"), Err(DecodeError::EventNameTooLong));
    assert_eq!(text(r#"2["a",[[]],{"b":{}}]"#), Ok(()));
    assert_eq!(text(r#"2["a",[[[]]]]"#), Err(JsonError::TooDeep.into()));
    assert_eq!(text(r#"51-["aaaa",111111111]"#), Ok(()));

    let mut decoder = Decoder::new(limits);
    assert_eq!(decoder.decode_text(ByteString::from_static(r#"52-["aaaa"]"#)), Ok(None));
    assert_eq!(decoder.decode_binary(Bytes::from_static(&[0; 12])), Ok(None));
    assert_eq!(decoder.decode_binary(Bytes::from_static(&[0; 1])), Err(DecodeError::TooLarge));
}

#[test]
fn depth_is_bounded_however_deep_the_text() {
    let nested = |depth: usize| format!("2[\"a\",{}{}]", "[".repeat(depth), "]".repeat(depth));
    let Ok(Some(Packet::Event { data, .. })) = decode(&nested(127), &[]) else {
        panic!("128 levels, the event's own array counted")
    };
    data.extract::<serde_json::Value>().unwrap();
    data.args::<Vec<serde_json::Value>>().unwrap();
    assert!(decode(&nested(127).replacen('2', "51-", 1), &[&[0]]).is_ok());
    assert_eq!(error(&nested(128), &[]), JsonError::TooDeep.into());
    assert_eq!(error(&nested(200_000), &[]), JsonError::TooDeep.into());
    let mut limits = Limits::default();
    limits.max_depth = u8::MAX;
    let text = ByteString::from(nested(128));
    assert_eq!(Decoder::new(limits).decode_text(text), Err(JsonError::TooDeep.into()));
}
