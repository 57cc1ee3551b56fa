//! Why a connection, an event or an extraction was refused.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use spola_socketio_packet::ArgsError;

use crate::rooms::JoinError;

/// A refusal that the client gets to see: a message, and data for programs.
///
/// From a middleware it becomes the `connect_error` of the client; from an event handler the answer
/// `{"error":{"message":…,"data":…}}` to the client's acknowledgement, or, where the client asked
/// for none, the event `error` with `{"event":…,"message":…,"data":…}`.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

impl Refusal {
    /// A refusal with a message for people.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data for programs. Data that JSON cannot hold (a map with keys that are no strings) is
    /// left out.
    #[must_use]
    pub fn with_data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The data as JSON, if there is any.
    pub fn data(&self) -> Option<&RawValue> {
        self.data.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<ArgsError> for Refusal {
    fn from(error: ArgsError) -> Self {
        Self::new(format!("unfit arguments: {error}"))
    }
}

impl From<JoinError> for Refusal {
    fn from(error: JoinError) -> Self {
        Self::new(error.to_string())
    }
}
