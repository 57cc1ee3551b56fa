//! Placeholders: objects `{"_placeholder":true,"num":n}` that stand for attachment `n`.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::{DecodeError, scan::Elements};

/// Checks that every placeholder in a JSON text names one of `count` attachments. Naming one
/// twice, or not at all, is fine.
pub(crate) fn check(json: &str, count: usize) -> Result<(), DecodeError> {
    // Element by element, since serde_json reads one level less than the scanner.
    for start in Elements::new(json.as_bytes(), 0) {
        let mut element = serde_json::Deserializer::from_str(json.get(start..).unwrap_or_default());
        let node = Node::deserialize(&mut element).map_err(|_| DecodeError::Placeholder)?;
        if node.highest.is_some_and(|num| num >= count as u64) {
            return Err(DecodeError::Placeholder);
        }
    }
    Ok(())
}

/// A value of which only the placeholders matter. Reading it fails at one whose number is none.
struct Node {
    value: Value,
    /// The highest number of all placeholders at or below this value.
    highest: Option<u64>,
}

#[derive(PartialEq)]
enum Value {
    True,
    Number(u64),
    Other,
}

impl Node {
    const fn leaf(value: Value) -> Self {
        Self {
            value,
            highest: None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::leaf(if value { Value::True } else { Value::Other }))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::leaf(Value::Number(value)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::leaf(Value::Other))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::leaf(Value::Other))
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::leaf(Value::Other))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::leaf(Value::Other))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut highest = None;
        while let Some(node) = seq.next_element::<Node>()? {
            highest = highest.max(node.highest);
        }
        Ok(Node {
            value: Value::Other,
            highest,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut highest = None;
        let mut placeholder = false;
        let mut num = Value::Other;
        while let Some((key, node)) = map.next_entry::<Key, Node>()? {
            highest = highest.max(node.highest);
            match key {
                Key::Placeholder => placeholder = node.value == Value::True,
                Key::Num => num = node.value,
                Key::Other => {}
            }
        }
        if placeholder {
            let Value::Number(num) = num else {
                return Err(A::Error::custom("a placeholder without number"));
            };
            highest = highest.max(Some(num));
        }
        Ok(Node {
            value: Value::Other,
            highest,
        })
    }
}

/// The two keys of a placeholder, and all others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Placeholder,
    Num,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "_placeholder" => Key::Placeholder,
            "num" => Key::Num,
            _ => Key::Other,
        })
    }
}
