//! Arguments whose number is known only at run time.

use std::time::Duration;

use spola_server::{Arguments, RawData, Value};

/// The arguments of an event that begins with an event to send: its name, and the rest.
pub(crate) fn event(arguments: Vec<Value>) -> Option<(String, Arguments)> {
    let mut arguments = arguments.into_iter();
    let name = arguments.next()?.as_str()?.to_owned();
    Some((name, Arguments(arguments.collect())))
}

/// Takes the first argument off.
pub(crate) fn shift(arguments: &mut Arguments) -> Value {
    if arguments.0.is_empty() { Value::Null } else { arguments.0.remove(0) }
}

pub(crate) fn milliseconds(value: &Value) -> Duration {
    Duration::from_millis(value.as_u64().unwrap_or(0))
}

/// The texts of a list, or the one text.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    match value.as_array() {
        Some(list) => list.iter().filter_map(one).collect(),
        None => one(value).into_iter().collect(),
    }
}

/// An event's name as it was sent: a text, or a number.
pub(crate) fn name(data: &RawData, name: &str) -> Value {
    let is_text = data.json().trim_start_matches(['[', ' ']).starts_with('"');
    match name.parse::<u64>() {
        Ok(number) if !is_text => number.into(),
        _ => Value::String(name.to_owned()),
    }
}
