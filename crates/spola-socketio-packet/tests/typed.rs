//! Arguments as Rust types, both ways.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use spola_socketio_packet::{
    AckId, Data, Decoder, EncodeError, Limits, Namespace, Packet, RawValue, encode_ack,
    encode_connect_error, encode_connect_reply, encode_event,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Upload {
    name: String,
    body: Bytes,
    thumbnail: Option<Bytes>,
    parts: Vec<Bytes>,
    by_key: BTreeMap<String, Bytes>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(Bytes),
    Tuple(u8, Bytes),
    Struct { bytes: Bytes, n: i64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype((u8, u8));

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Tea,
}

fn bytes(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn upload(kind: Kind) -> Upload {
    Upload {
        name: "é\"\u{1}".into(),
        body: bytes(&[1, 2, 3]),
        thumbnail: None,
        parts: vec![bytes(&[]), bytes(&[0xff])],
        by_key: BTreeMap::from([("k".into(), bytes(&[7]))]),
        kind,
    }
}

/// Sends arguments over the wire and back, as an event and as an acknowledgement.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(args: T) -> String {
    let ack = AckId::from(3);
    let event = encode_event("", &Namespace::root(), Some(ack), "e", &args).unwrap();
    let reply = encode_ack("", &Namespace::root(), ack, &args).unwrap();
    let mut decoder = Decoder::new(Limits::default());
    for encoded in [&event, &reply] {
        let mut packet = decoder.decode_text(encoded.text.clone()).unwrap();
        for attachment in &encoded.attachments {
            packet = decoder.decode_binary(attachment.clone()).unwrap();
        }
        let Some(Packet::Event { data, .. } | Packet::Ack { data, .. }) = packet else {
            panic!("{:?}", encoded.text)
        };
        assert_eq!(data.extract::<T>().unwrap(), args, "{:?}", encoded.text);
    }
    let data = Data::event("e", &args).unwrap();
    assert_eq!(data.encode("", &Namespace::root(), Some(ack)), event);
    assert_eq!(data.event_name().as_deref(), Some("e"));
    assert_eq!(data.extract::<T>().unwrap(), args);
    assert_eq!(Data::ack(&args).unwrap().encode("", &Namespace::root(), Some(ack)), reply);
    data.json().into()
}

#[test]
fn a_tuple_is_many_arguments_and_all_else_is_one() {
    assert_eq!(round_trip(()), r#"["e"]"#);
    assert_eq!(round_trip((1,)), r#"["e",1]"#);
    assert_eq!(round_trip((1, "a".to_owned(), None::<u8>)), r#"["e",1,"a",null]"#);
    assert_eq!(round_trip([1, 2]), r#"["e",1,2]"#);
    assert_eq!(round_trip(Box::new((1, 2))), r#"["e",1,2]"#);
    assert_eq!(round_trip(1.5), r#"["e",1.5]"#);
    assert_eq!(round_trip(i128::MAX), format!(r#"["e",{}]"#, i128::MAX));
    assert_eq!(round_trip(true), r#"["e",true]"#);
    assert_eq!(round_trip('x'), r#"["e","x"]"#);
    assert_eq!(round_trip("a".to_owned()), r#"["e","a"]"#);
    assert_eq!(round_trip(vec![1, 2]), r#"["e",[1,2]]"#);
    assert_eq!(round_trip(((1, 2),)), r#"["e",[1,2]]"#);
    assert_eq!(round_trip(Some((1, 2))), r#"["e",[1,2]]"#);
    assert_eq!(round_trip(None::<u8>), r#"["e",null]"#);
    assert_eq!(round_trip(((),)), r#"["e",null]"#);
    assert_eq!(round_trip(Pair(1, "a".into())), r#"["e",[1,"a"]]"#);
    assert_eq!(round_trip(Newtype((1, 2))), r#"["e",[1,2]]"#);
    assert_eq!(round_trip(Nothing), r#"["e",null]"#);
    assert_eq!(round_trip(Kind::Unit), r#"["e","Unit"]"#);
    assert_eq!(round_trip(BTreeMap::from([("k".to_owned(), 1)])), r#"["e",{"k":1}]"#);
    assert_eq!(round_trip(serde_json::json!({"a": [1, null]})), r#"["e",{"a":[1,null]}]"#);
}

#[test]
fn bytes_travel_as_attachments_from_anywhere() {
    assert_eq!(round_trip(bytes(&[1])), r#"["e",{"_placeholder":true,"num":0}]"#);
    round_trip((bytes(&[1]), 2, bytes(&[])));
    for kind in [
        Kind::Unit,
        Kind::New(bytes(&[4])),
        Kind::Tuple(1, bytes(&[5])),
        Kind::Struct { bytes: bytes(&[6]), n: -1 },
    ] {
        round_trip(upload(kind.clone()));
        round_trip((1, upload(kind.clone()), vec![Some(upload(kind))]));
    }
    // To serde a `Vec<u8>` is an array of numbers.
    assert_eq!(round_trip(vec![1u8, 2]), r#"["e",[1,2]]"#);
}

#[test]
fn attachments_can_be_borrowed() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        text: &'a str,
        body: &'a [u8],
    }
    let json = r#"["e",{"text":"a","body":{"num":0,"_placeholder":true}}]"#;
    let data = Data::event_from_json(json, vec![bytes(&[1, 2])], &Limits::default()).unwrap();
    let Borrowed { text, body } = data.extract().unwrap();
    assert_eq!((text, body), ("a", &[1, 2][..]));
    assert_eq!(body.as_ptr(), data.attachments()[0].as_ptr());
}

#[test]
fn one_attachment_may_be_named_twice() {
    let json = r#"["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
    let data = Data::event_from_json(json, vec![bytes(&[9])], &Limits::default()).unwrap();
    assert_eq!(data.extract::<(Bytes, Bytes)>().unwrap(), (bytes(&[9]), bytes(&[9])));
}

#[test]
fn missing_arguments_are_null_and_further_ones_ignored() {
    let data =
        |json: &'static str| Data::event_from_json(json, Vec::new(), &Limits::default()).unwrap();
    let none = data(r#"["e"]"#);
    assert_eq!(none.extract::<Option<String>>().unwrap(), None);
    assert_eq!(none.extract::<(Option<u8>, ())>().unwrap(), (None, ()));
    assert_eq!(none.extract::<String>().unwrap_err().to_string(), "argument 0 is missing");
    let one = data(r#"["e", 1 ]"#);
    assert_eq!(one.extract::<(u8, Option<u8>)>().unwrap(), (1, None));
    assert_eq!(one.extract::<(u8, u8)>().unwrap_err().to_string(), "argument 1 is missing");
    one.extract::<()>().unwrap();
    let three = data(r#"["e",1,"b",{"c":[2]}]"#);
    assert_eq!(three.extract::<u8>().unwrap(), 1);
    assert_eq!(three.extract::<(u8, &str)>().unwrap(), (1, "b"));
    three.extract::<String>().unwrap_err();
}

#[test]
fn single_arguments_and_lists_of_all_can_be_asked_for() {
    let data = Data::event("e", &(1, "b", [2, 3])).unwrap();
    assert_eq!(data.arg::<u8>(0).unwrap(), 1);
    assert_eq!(data.arg::<&str>(1).unwrap(), "b");
    assert_eq!(data.arg::<Vec<u8>>(2).unwrap(), [2, 3]);
    assert_eq!(data.arg::<Option<u8>>(3).unwrap(), None);
    data.arg::<u8>(3).unwrap_err();
    data.arg::<u8>(usize::MAX).unwrap_err();
    let all: Vec<serde_json::Value> = data.args().unwrap();
    assert_eq!(all, [serde_json::json!(1), "b".into(), serde_json::json!([2, 3])]);
    assert_eq!(data.args::<(u8, String)>().unwrap(), (1, "b".into()));
    let raw: Vec<&RawValue> = data.args().unwrap();
    assert_eq!(raw.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1", "\"b\"", "[2,3]"]);

    let ack = Data::ack(&("a", 2)).unwrap();
    assert!(!ack.is_event() && ack.event_name().is_none());
    assert_eq!(ack.arg::<u8>(1).unwrap(), 2);
    assert_eq!(ack.args::<Vec<serde_json::Value>>().unwrap().len(), 2);
    assert!(Data::default().args::<Vec<u8>>().unwrap().is_empty());
}

#[test]
fn a_text_reads_the_same_however_it_is_written() {
    for json in [
        r#"["e","tea"]"#,
        r#"[ "e","tea"]"#,
        r#"["e" ,"tea"]"#,
        r#"["e", "tea"]"#,
        r#"["e","tea" ] "#,
        r#"["e","tea",{"a":[1]}]"#,
        r#"["e","\u0074ea"]"#,
        r#"["\"",  "tea"]"#,
        r#"["\"","tea"]"#,
        r#"["","tea"]"#,
        r#"[12,"tea"]"#,
        r#"[-1.5e3,"tea"]"#,
    ] {
        let data = Data::event_from_json(json, Vec::new(), &Limits::default()).unwrap();
        assert_eq!(data.extract::<String>().unwrap(), "tea", "{json}");
        assert_eq!(data.extract::<(String,)>().unwrap(), ("tea".into(),), "{json}");
        assert_eq!(data.extract::<Option<String>>().unwrap(), Some("tea".into()), "{json}");
        assert_eq!(data.extract::<Word>().unwrap(), Word::Tea, "{json}");
        let raw: &RawValue = data.extract().unwrap();
        assert_eq!(serde_json::from_str::<String>(raw.get()).unwrap(), "tea", "{json}");
        assert!(data.extract::<u8>().is_err(), "{json}");
        assert!(data.extract::<char>().is_err(), "{json}");
    }
    let data = Data::event_from_json(r#"["e","tea"]"#, Vec::new(), &Limits::default()).unwrap();
    assert_eq!(data.extract::<&str>().unwrap(), "tea");
}

#[test]
fn untyped_values_see_placeholders() {
    let data = Data::event("e", &bytes(&[1])).unwrap();
    let value: serde_json::Value = data.extract().unwrap();
    assert_eq!(value, serde_json::json!({"_placeholder": true, "num": 0}));
}

#[test]
fn placeholders_without_attachments_are_ordinary_objects() {
    let json = r#"["e",{"_placeholder":true,"num":0}]"#;
    let data = Data::event_from_json(json, Vec::new(), &Limits::default()).unwrap();
    data.extract::<Bytes>().unwrap_err();
    data.extract::<BTreeMap<String, serde_json::Value>>().unwrap();
}

#[test]
fn names_may_need_escapes() {
    let data = Data::event("a\"é\n", &1).unwrap();
    assert_eq!(data.json(), "[\"a\\\"é\\n\",1]");
    assert_eq!(data.event_name().as_deref(), Some("a\"é\n"));
    assert_eq!(data.extract::<u8>().unwrap(), 1);
    let data = Data::event_from_json("[ 1.50 ,2]", Vec::new(), &Limits::default()).unwrap();
    assert_eq!(data.event_name().as_deref(), Some("1.50"));
    assert_eq!(data.extract::<u8>().unwrap(), 2);
}

#[test]
fn what_has_no_json_form_is_an_error() {
    let root = Namespace::root();
    assert!(matches!(
        encode_event("", &root, None, "connect", &()),
        Err(EncodeError::ReservedEvent)
    ));
    assert!(matches!(
        encode_event("", &root, None, &"n".repeat(1025), &()),
        Err(EncodeError::EventNameTooLong(1025))
    ));
    let map = BTreeMap::from([((1, 2), 3)]);
    assert!(matches!(encode_event("", &root, None, "e", &map), Err(EncodeError::Json(_))));
    let nan = encode_event("4", &root, None, "e", &(f64::NAN, f32::INFINITY)).unwrap();
    assert_eq!(nan.text, r#"42["e",null,null]"#);
}

#[test]
fn the_count_of_attachments_goes_before_the_namespace() {
    let namespace: Namespace = "/é".parse().unwrap();
    let many: Vec<Bytes> = (0..12).map(|n| bytes(&[n])).collect();
    let event = encode_event("4", &namespace, Some(AckId::from(7)), "e", &many).unwrap();
    assert!(event.text.starts_with(r#"4512-/é,7["e",[{"_placeholder":true,"num":0},"#));
    assert_eq!(event.attachments, many);
    assert_eq!(event.size(), event.text.len() + 12);
}

#[test]
fn answers_to_connect() {
    let admin: Namespace = "/admin".parse().unwrap();
    assert_eq!(
        encode_connect_reply("4", &Namespace::root(), "wZX3oN0bSVIhsaknAAAI", None).text,
        r#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#
    );
    assert_eq!(encode_connect_reply("", &admin, "a\"", None).text, r#"0/admin,{"sid":"a\""}"#);
    let recoverable = encode_connect_reply("", &admin, "a", Some("P"));
    assert_eq!(recoverable.text, r#"0/admin,{"sid":"a","pid":"P"}"#);
    assert_eq!(
        encode_connect_error("", &admin, "Not authorized", None).text,
        r#"4/admin,{"message":"Not authorized"}"#
    );
    let data = RawValue::from_string(r#"{"code":"E1"}"#.into()).unwrap();
    assert_eq!(
        encode_connect_error("4", &admin, "Not authorized", Some(&data)).text,
        r#"44/admin,{"message":"Not authorized","data":{"code":"E1"}}"#
    );
}

/// What serde_json writes for an event with this one argument.
fn naive<T: Serialize>(arg: &T) -> String {
    serde_json::to_string(&("e", arg)).unwrap()
}

#[test]
fn text_is_what_serde_json_writes() {
    fn check<T: Serialize>(arg: T) {
        assert_eq!(Data::event("e", &(&arg,)).unwrap().json(), naive(&arg));
        assert_eq!(Data::event("e", &Some(&arg)).unwrap().json(), naive(&arg));
    }
    for integer in [0_u64, 7, 10, 99, 100, 101, 999, 1000, 12345, 100_000, u64::MAX - 1, u64::MAX] {
        check(integer);
        check(integer as i64);
        check(integer as u32);
        check(integer as i8);
    }
    check((i64::MIN, i64::MAX, i8::MIN, i128::MIN, u128::MAX));
    check((0.0, -0.0, 1.0, 0.1, 0.1_f32, 1e-7, 123456.75, 5e-324, f64::NAN, f32::INFINITY));
    check((true, false, 'x', '"', '\u{1f}', "é\u{7f}\u{2028}😀", ()));
    check([
        "",
        "\"",
        "\\",
        "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}",
        "plain then \" and more plain text",
    ]);
    check((Nothing, Newtype((1, 2)), Pair(1, "a".into()), Kind::Unit));
    check(Vec::<u8>::new());
    check((BTreeMap::<u8, u8>::new(), BTreeMap::from([(-1, 'a'), (2, 'b')])));
    check((
        BTreeMap::from([(true, ())]),
        BTreeMap::from([('"', ())]),
        BTreeMap::from([(u128::MAX, ())]),
    ));
    check(serde_json::json!({"b": [{}, [], {"a": null}], "": "x"}));
    check(RawValue::from_string(r#"{"raw": [1, 2]}"#.into()).unwrap());

    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Variant {
        Unit,
        New(u8),
        Tuple(u8, String),
        Struct { a: u8, b: Option<Box<Self>> },
        Empty {},
    }
    check((Variant::New(1), Variant::Tuple(2, "x".into()), Variant::Empty {}));
    check(Variant::Struct { a: 1, b: Some(Box::new(Variant::Struct { a: 2, b: None })) });
    check(BTreeMap::from([(Variant::Unit, 1)]));

    #[derive(Serialize)]
    struct Skipping {
        #[serde(skip_serializing_if = "Option::is_none")]
        a: Option<u8>,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    check(Skipping { a: None, rest: BTreeMap::from([("x".into(), 1), ("y".into(), 2)]) });
}

#[test]
fn an_offset_is_one_more_argument() {
    let binary = Bytes::from_static(&[1, 2]);
    let table = [
        (Data::event("missed", &2), r#"["missed",2,"Q84EiLB"]"#),
        (Data::event("missed", &()), r#"["missed","Q84EiLB"]"#),
        (Data::event("a\"]", &"]"), r#"["a\"]","]","Q84EiLB"]"#),
        (Data::event("missedb", &binary), r#"["missedb",{"_placeholder":true,"num":0},"Q84EiLB"]"#),
    ];
    for (event, json) in table {
        let event = event.unwrap();
        let with = event.with_offset("Q84EiLB");
        assert_eq!((with.json(), with.attachments()), (json, event.attachments()));
        assert_eq!(with.event_name(), event.event_name());
    }
    let Some(Packet::Event { data, .. }) =
        Decoder::default().decode_text(r#"2/admin,7[ "x" ,1 ] "#.into()).unwrap()
    else {
        panic!("an event");
    };
    let with = data.with_offset("o");
    assert_eq!((with.json(), with.event_name().unwrap()), (r#"[ "x" ,1 ,"o"]"#, "x".into()));
    let ack = Data::ack(&1).unwrap();
    assert_eq!(ack.with_offset("x"), ack);
}
