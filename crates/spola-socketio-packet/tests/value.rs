//! Untyped values: attachments anywhere, and nothing else taken for one.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use spola_socketio_packet::{Arguments, Data, DecodeError, Decoder, Limits, Packet, Value};

fn bytes(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect()
}

fn received(json: &str, attachments: &[&[u8]]) -> Data {
    let attachments = attachments.iter().copied().map(bytes).collect();
    Data::event_from_json(json.to_owned(), attachments, &Limits::default()).unwrap()
}

/// Sends arguments over the wire, and reads them back.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(args: &T) -> Data {
    let sent = Data::event("e", args).unwrap();
    let encoded = sent.encode("", &"/".parse().unwrap(), None);
    let limits = {
        let mut limits = Limits::default();
        limits.max_attachments = 1000;
        limits
    };
    let mut decoder = Decoder::new(limits);
    let mut packet = decoder.decode_text(encoded.text).unwrap();
    for attachment in encoded.attachments {
        packet = decoder.decode_binary(attachment).unwrap();
    }
    let Some(Packet::Event { data, .. }) = packet else { panic!("{:?}", sent.json()) };
    assert_eq!(&data.extract::<T>().unwrap(), args, "{:?}", data.json());
    data
}

fn sample() -> Value {
    object([
        ("z", Value::Binary(bytes(&[1, 2]))),
        ("a", [Value::Null, bytes(&[]).into(), true.into()].into()),
        ("m", object([("deep", [Value::from(bytes(&[3]))].into())])),
        ("", "é\"".into()),
        ("numbers", [Value::from(u64::MAX), i64::MIN.into(), 1.5.into(), 0u8.into()].into()),
    ])
}

#[test]
fn attachments_stand_anywhere_and_keys_keep_their_order() {
    let data = round_trip(&sample());
    assert_eq!(
        data.json(),
        concat!(
            r#"["e",{"z":{"_placeholder":true,"num":0},"a":[null,{"_placeholder":true,"num":1},true],"#,
            r#""m":{"deep":[{"_placeholder":true,"num":2}]},"":"é\"","#,
            r#""numbers":[18446744073709551615,-9223372036854775808,1.5,0]}]"#
        )
    );
    assert_eq!(data.attachments(), [bytes(&[1, 2]), bytes(&[]), bytes(&[3])]);
    round_trip(&Value::Binary(bytes(&[9])));
}

#[test]
fn values_go_into_other_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Letter {
        to: String,
        body: Value,
        more: Option<Value>,
        pages: Vec<Value>,
        raw: Bytes,
        kind: Kind,
        wrapped: Wrapped,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        New(Value),
        Fields { value: Value },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(Value);

    for kind in [Kind::New(sample()), Kind::Fields { value: sample() }] {
        round_trip(&Letter {
            to: "x".into(),
            body: sample(),
            more: Some(Value::Binary(bytes(&[7]))),
            pages: vec![sample(), Value::Null, bytes(&[8]).into()],
            raw: bytes(&[4]),
            kind,
            wrapped: Wrapped(bytes(&[5]).into()),
        });
    }
    round_trip(&(sample(), 1, Value::Null, bytes(&[6]), Some(sample())));
    round_trip(&vec![sample(), sample()]);
    assert_eq!(round_trip(&None::<Value>).json(), r#"["e",null]"#);
}

#[test]
fn a_value_is_one_argument_and_arguments_are_all() {
    assert_eq!(round_trip(&Value::Null).json(), r#"["e",null]"#);
    assert_eq!(round_trip(&Value::from([1, 2])).json(), r#"["e",[1,2]]"#);
    assert_eq!(round_trip(&Arguments::default()).json(), r#"["e"]"#);
    let arguments = Arguments(vec![Value::Null, sample(), [1, 2].into(), bytes(&[1]).into()]);
    let data = round_trip(&arguments);
    assert_eq!(data.args::<Vec<Value>>().unwrap(), arguments.0);
    assert_eq!(data.args::<Arguments>().unwrap(), arguments);
    assert_eq!(data.args::<Value>().unwrap(), Value::Array(arguments.0.clone()));
    assert_eq!(data.extract::<Value>().unwrap(), Value::Null);
    assert_eq!(data.arg::<Value>(3).unwrap(), bytes(&[1]).into());
    assert_eq!(data.arg::<Value>(4).unwrap(), Value::Null);
    assert_eq!(Data::ack(&arguments).unwrap().extract::<Arguments>().unwrap(), arguments);
    // Within another value they are an array.
    assert_eq!(round_trip(&Some(Arguments(vec![1.into(), 2.into()]))).json(), r#"["e",[1,2]]"#);
    assert_eq!(received(r#"["e"]"#, &[]).extract::<Value>().unwrap(), Value::Null);
}

#[test]
fn a_placeholder_is_known_by_its_members_in_any_order() {
    for json in [
        r#"{"_placeholder":true,"num":1}"#,
        r#"{"num":1,"_placeholder":true}"#,
        r#"{ "num" : 1 , "_placeholder" : true }"#,
        r#"{"other":[{}],"num":1,"more":null,"_placeholder":true}"#,
        r#"{"num":9,"_placeholder":false,"_placeholder":true,"num":1}"#,
        r#"{"n\u0075m":1,"_\u0070laceholder":true}"#,
    ] {
        let data = received(&format!(r#"["e",[{json},{{"k":{json}}}]]"#), &[&[0], &[1]]);
        let binary = Value::Binary(bytes(&[1]));
        assert_eq!(
            data.extract::<Value>().unwrap(),
            [binary.clone(), object([("k", binary)])].into(),
            "{json}"
        );
        // Bytes agree.
        let plain: (Vec<serde_json::Value>,) = data.extract().unwrap();
        assert_eq!(plain.0.len(), 2);
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_an_object() {
    for json in [
        r#"{}"#,
        r#"{"num":0}"#,
        r#"{"num":{"num":[]},"a":1}"#,
        r#"{"_placeholder":false,"num":0}"#,
        r#"{"_placeholder":1,"num":0}"#,
        r#"{"_placeholder":"true","num":0}"#,
        r#"{"_placeholder":{"_placeholder":null},"num":0}"#,
        r#"{"_placeholder":true,"_placeholder":null,"num":0}"#,
        r#"{"placeholder":true,"num":0}"#,
        r#"{"$spola::Value":true,"num":0}"#,
        r#"{"$spola::Value":{"":0},"_placeholder":null}"#,
    ] {
        let data = received(&format!(r#"["e",{json}]"#), &[&[0]]);
        let value: Value = data.extract().unwrap();
        assert!(value.as_object().is_some(), "{json}");
        assert_eq!(Data::ack(&value).unwrap().json(), format!("[{json}]"));
    }
    // No attachments, no placeholders.
    let json = r#"["e",{"_placeholder":true,"num":0}]"#;
    let expected = object([("_placeholder", true.into()), ("num", 0.into())]);
    assert_eq!(received(json, &[]).extract::<Value>().unwrap(), expected);
}

#[test]
fn other_formats_have_no_attachments() {
    let json = r#"{"b":[1,-1,1.5,"x",null,true],"a":{"_placeholder":true,"num":0}}"#;
    let value: Value = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
    assert_eq!(value.get("a").unwrap().get("num").unwrap().as_u64(), Some(0));
    assert_eq!(value.get("b").unwrap().at(3).unwrap().as_str(), Some("x"));
    let plain: serde_json::Value = serde_json::from_str(json).unwrap();
    let back = serde_json::to_value(Value::from(plain.clone())).unwrap();
    assert_eq!(back, plain);
    let arguments: Arguments = serde_json::from_str("[1,[2]]").unwrap();
    assert_eq!(arguments, Arguments(vec![1.into(), [2].into()]));
    assert_eq!(serde_json::to_string(&arguments).unwrap(), "[1,[2]]");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"num":["#.repeat(depth / 2), "]}".repeat(depth / 2));
        let json = format!(r#"["e",{open}{{"num":0,"_placeholder":true}}{close}]"#);
        Data::event_from_json(json, vec![bytes(&[1])], &Limits::default())
    };
    let mut value: &Value = &nested(124).unwrap().extract().unwrap();
    for _ in 0..62 {
        value = value.get("num").unwrap().at(0).unwrap();
    }
    assert_eq!(value.as_bytes().unwrap(), &bytes(&[1]));
    nested(128).unwrap_err();
}

#[test]
fn one_attachment_named_often_does_not_fill_the_memory() {
    let json = |times| format!(r#"["e"{}]"#, r#",{"_placeholder":true,"num":0}"#.repeat(times));
    let limits = {
        let mut limits = Limits::default();
        limits.max_binary_bytes = 1000;
        limits
    };
    let receive = |times: usize| {
        let mut decoder = Decoder::new(limits);
        decoder.decode_text(format!("51-{}", json(times)).into()).unwrap();
        let packet = decoder.decode_binary(vec![0; 100].into());
        let made = Data::event_from_json(json(times), vec![vec![0; 100].into()], &limits);
        assert_eq!(made.err(), packet.as_ref().err().copied());
        packet
    };
    let Ok(Some(Packet::Event { data, .. })) = receive(10) else {
        panic!("ten times a hundred bytes are a thousand")
    };
    assert_eq!(data.extract::<Arguments>().unwrap().0.len(), 10);
    assert_eq!(receive(11), Err(DecodeError::TooLarge));
}

#[test]
fn values_tell_what_they_are() {
    assert!(Value::default().is_null());
    assert!(Value::from(f64::NAN).is_null() && Value::from(None::<u8>).is_null());
    assert_eq!(Value::from(Some(true)).as_bool(), Some(true));
    assert_eq!(Value::from(-1).as_i64(), Some(-1));
    assert_eq!(Value::from(-1).as_u64(), None);
    assert_eq!(Value::from(0.5).as_f64(), Some(0.5));
    assert_eq!(Value::from(vec![1_u8]).as_array(), Some(&[Value::from(1)][..]));
    let twice = object([("k", 1.into()), ("k", 2.into())]);
    assert_eq!(twice.get("k"), Some(&Value::from(2)));
    assert_eq!(twice.get("x"), None);
    assert_eq!(Value::Null.get("k"), None);
    assert_eq!(Value::Null.at(0), None);
}

fn value() -> impl Strategy<Value = Value> {
    let key = || {
        prop_oneof![
            4 => any::<String>(),
            1 => proptest::sample::select(vec!["num", "_placeholder", "$spola::Value"])
                .prop_map(String::from),
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<u8>(), 0..8).prop_map(|blob| Value::Binary(blob.into())),
        // Not `true`, which would make a placeholder of it.
        Just(Value::Bool(false)),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_undoes_writing(values in vec(value(), 0..4)) {
        round_trip(&values);
        round_trip(&Arguments(values));
    }

    #[test]
    fn without_attachments_it_is_what_serde_json_reads(
        json in vec(proptest::sample::select(vec![
            "[", "]", "{", "}", ",", ":", "\"num\":", "\"_placeholder\":", "true", "0", "-1.5",
            "\"a\"", "\"\\n\"", "null", "{\"_placeholder\":true,\"num\":0}",
        ]), 0..10),
    ) {
        let json = json.concat();
        let ours = serde_json::from_str::<Value>(&json);
        let theirs = serde_json::from_str::<serde_json::Value>(&json);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(serde_json::to_value(ours).unwrap(), theirs);
        }
    }
}
