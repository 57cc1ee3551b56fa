//! The packets of Engine.IO and Socket.IO, read by hand: the client's side shares no code with the
//! server's.

use serde::Deserialize;
use serde_json::{Value, json};

/// By which names a client knows its stay: the public one, and that by which it may come back.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Ids {
    pub(crate) sid: String,
    pub(crate) pid: String,
}

/// What the server says.
#[derive(Debug, PartialEq)]
pub(crate) enum Packet {
    /// The session's id.
    Open(String),
    Ping,
    Noop,
    Probed,
    /// The namespace was joined.
    Joined(Ids),
    /// The name and the arguments, and the id of the acknowledgement that is asked for. Attachments
    /// are still to come if there are some.
    Event {
        name: String,
        arguments: Vec<Value>,
        ack: Option<u64>,
        attachments: u64,
    },
    Ack {
        id: u64,
        arguments: Vec<Value>,
    },
    Binary,
    Close,
    /// What no server should have said.
    Other(String),
}

impl Packet {
    /// Reads the text of one packet.
    pub(crate) fn read(text: &str) -> Self {
        Self::try_read(text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    fn try_read(text: &str) -> Option<Self> {
        Some(match (text.get(..1)?, text.get(1..)?) {
            ("0", open) => {
                let open: Value = serde_json::from_str(open).ok()?;
                Self::Open(open.get("sid")?.as_str()?.to_owned())
            }
            ("1", _) => Self::Close,
            ("2", _) => Self::Ping,
            ("3", "probe") => Self::Probed,
            ("6", _) => Self::Noop,
            ("b", _) => Self::Binary,
            ("4", message) => match (message.get(..1)?, message.get(1..)?) {
                ("0", ids) => Self::Joined(serde_json::from_str(ids).ok()?),
                ("1", _) => Self::Close,
                ("2", rest) => Self::event(rest, 0)?,
                ("3", rest) => {
                    let (id, arguments) = numbered(rest)?;
                    Self::Ack { id: id?, arguments }
                }
                ("5", rest) => {
                    let (count, rest) = rest.split_once('-')?;
                    Self::event(rest, count.parse().ok()?)?
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    fn event(rest: &str, attachments: u64) -> Option<Self> {
        let (ack, mut arguments) = numbered(rest)?;
        if arguments.is_empty() {
            return None;
        }
        let name = arguments.remove(0).as_str()?.to_owned();
        Some(Self::Event { name, arguments, ack, attachments })
    }
}

/// A number that may be absent, and an array.
fn numbered(text: &str) -> Option<(Option<u64>, Vec<Value>)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, array) = text.split_at(digits);
    Some((number.parse().ok(), serde_json::from_str(array).ok()?))
}

/// What a client sends: one packet, or two if there is an attachment.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    Text(String),
    Binary(Vec<u8>),
}

/// The body of a POST.
pub(crate) fn payload(packets: Vec<Sent>) -> String {
    let text = |packet| match packet {
        Sent::Text(text) => text,
        Sent::Binary(data) => format!("b{}", base64(&data)),
    };
    let packets: Vec<_> = packets.into_iter().map(text).collect();
    packets.join("\u{1e}")
}

/// An event that asks for an acknowledgement.
pub(crate) fn event(id: u64, name: &str, arguments: &Value) -> Vec<Sent> {
    vec![Sent::Text(format!("42{id}{}", json!([name, arguments])))]
}

/// Number `n` and an attachment, to be acknowledged by the id `n`.
pub(crate) fn binary_event(n: u64, name: &str, attachment: Vec<u8>) -> Vec<Sent> {
    let placeholder = json!({ "_placeholder": true, "num": 0 });
    let text = format!("451-{n}{}", json!([name, n, placeholder]));
    vec![Sent::Text(text), Sent::Binary(attachment)]
}

pub(crate) fn ack(id: u64, argument: &Value) -> Vec<Sent> {
    vec![Sent::Text(format!("43{id}[{argument}]"))]
}

fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in data.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let index = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= chunk.len() { ALPHABET[index] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read() {
        let event = |ack, attachments| Packet::Event {
            name: "tell".to_owned(),
            arguments: vec![json!(7)],
            ack,
            attachments,
        };
        let ids = Ids { sid: "y".to_owned(), pid: "z".to_owned() };
        for (text, expected) in [
            ("0{\"sid\":\"x\",\"upgrades\":[]}", Packet::Open("x".to_owned())),
            ("2", Packet::Ping),
            ("3probe", Packet::Probed),
            ("40{\"sid\":\"y\",\"pid\":\"z\"}", Packet::Joined(ids)),
            ("42[\"tell\",7]", event(None, 0)),
            ("4212[\"tell\",7]", event(Some(12), 0)),
            ("451-3[\"tell\",7]", event(Some(3), 1)),
            ("435[1]", Packet::Ack { id: 5, arguments: vec![json!(1)] }),
            ("43[1]", Packet::Other("43[1]".to_owned())),
            ("", Packet::Other(String::new())),
        ] {
            assert_eq!(Packet::read(text), expected, "{text}");
        }
    }
}
