use alloc::string::String;
use core::{fmt::Write, time::Duration};

use bytestring::ByteString;

use crate::message::WebSocketMessage;

/// Room for most open packets.
const LEN: usize = 160;

/// What the server tells the client in its open packet (Engine.IO v4, §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// The session id. Written as it is: an id is URL-safe text.
    pub sid: &'a str,
    /// Names of the transports that the client may upgrade to. Written as they are.
    pub upgrades: &'a [&'a str],
    /// Time between a pong and the next ping, in whole milliseconds on the wire.
    pub ping_interval: Duration,
    /// Time the client has to answer a ping, in whole milliseconds on the wire.
    pub ping_timeout: Duration,
    /// Largest POST body or WebSocket message that the server takes, in bytes.
    pub max_payload: usize,
}

impl Handshake<'_> {
    /// The JSON object of the open packet, in the key order of the official server.
    #[must_use]
    pub fn to_json(&self) -> ByteString {
        let mut json = String::with_capacity(LEN);
        self.write_json(&mut json).unwrap_or_default();
        json.into()
    }

    /// The open packet, as [`Packet::encode`](crate::Packet::encode) gives it.
    #[must_use]
    pub fn to_packet(&self) -> WebSocketMessage {
        let mut packet = String::with_capacity(LEN);
        packet.push('0');
        self.write_json(&mut packet).unwrap_or_default();
        WebSocketMessage::Text(packet.into())
    }

    // Writing into a `String` cannot fail.
    fn write_json(&self, out: &mut String) -> core::fmt::Result {
        for part in [r#"{"sid":""#, self.sid, r#"","upgrades":["#] {
            out.push_str(part);
        }
        for (i, name) in self.upgrades.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, r#"{comma}"{name}""#)?;
        }
        write!(
            out,
            r#"],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            millis(self.ping_interval),
            millis(self.ping_timeout),
            self.max_payload,
        )
    }
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
