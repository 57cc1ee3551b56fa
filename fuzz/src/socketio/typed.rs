//! Arguments read into types.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spola_socketio_packet::{
    Arguments, Data, Format, MessagePack, Namespace, Packet, RawValue, Value, encode_ack,
};

use super::{decode, messages};

/// A little of everything.
#[derive(Debug, Serialize, Deserialize)]
struct Record<'a> {
    a: Option<Box<Self>>,
    b: Bytes,
    #[serde(borrow)]
    c: Option<&'a str>,
    d: Vec<Choice>,
    #[serde(default)]
    num: f64,
    #[serde(default)]
    e: BTreeMap<String, Value>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Choice {
    Unit,
    New(i64),
    Tuple(u8, String),
    Struct { x: Bytes, y: char },
}

/// The messages of one connection, in the format that the first byte says. Whatever is read into
/// whatever type, nothing panics; and all arguments as they are come out as they went in.
pub fn check(bytes: &[u8]) {
    let (format, rest) = match bytes.split_first() {
        Some((b'm', rest)) => (Format::of(MessagePack), rest),
        Some((_, rest)) => (Format::TEXT, rest),
        None => return,
    };
    decode(&format, messages(rest), |packet| {
        if let Packet::Event { data, .. } | Packet::Ack { data, .. } = &packet {
            read(data);
            pass_on(data);
        }
    });
}

fn read(data: &Data) {
    let _ = data.extract::<Record<'_>>();
    let _ = data.extract::<(Record<'_>, Choice)>();
    let _ = data.extract::<(&str, u8, Option<i128>)>();
    let _ = data.extract::<(String, Bytes, f32, char, bool)>();
    let _ = data.extract::<Vec<Option<Bytes>>>();
    let _ = data.extract::<&RawValue>();
    let _ = data.extract::<serde_json::Value>();
    let _ = data.extract::<()>();
    let _ = data.args::<Vec<Value>>();
    let _ = data.arg::<&[u8]>(3);
}

fn pass_on(data: &Data) {
    let Ok(arguments) = data.extract::<Arguments>() else { return };
    let id = 1.into();
    let encoded = encode_ack("", &Namespace::root(), id, &arguments).expect("values are JSON");
    if encoded.attachments.len() > 10 {
        return;
    }
    let text = super::Message::Text(encoded.text.to_string());
    let binary = encoded.attachments.into_iter().map(super::Message::Binary);
    let mut again = None;
    decode(&Format::TEXT, std::iter::once(text).chain(binary).collect(), |packet| {
        again = Some(packet);
    });
    // Values that look like placeholders are refused where they name nothing.
    let Some(Packet::Ack { data: again, .. }) = again else { return };
    if data.attachments().is_empty() == again.attachments().is_empty() {
        assert_eq!(again.extract::<Arguments>().expect("values"), arguments);
    }
}
