use bytes::Bytes;
use spola_engineio_packet::{
    Packet, PacketError, WebSocketMessage, jsonp,
    payload::{self, Encoder},
    v3,
};

use super::io::{BinaryMode, Payload, PollResponse};
use crate::revision::Revision;

/// How a client writes and reads its packets: what its first request says of it.
///
/// The default is revision 4 with native binary, and no JSONP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// The revision, which does not change during a session.
    pub revision: Revision,
    /// Whether the transport that the session opens on takes binary. Polling in revision 4 never does.
    pub binary: BinaryMode,
    /// The number of the client's callback, if it polls by JSONP (§11.6).
    pub jsonp: Option<u32>,
    /// Whether the client knows Server-Sent Events: they are then among the upgrades, if they are
    /// offered.
    pub knows_sse: bool,
}

impl Dialect {
    /// What a GET is answered with: these packets, which take about `len` bytes.
    pub(super) fn payload(
        &self,
        packets: impl Iterator<Item = WebSocketMessage>,
        len: usize,
    ) -> Payload {
        let body = match self.revision {
            Revision::V4 => {
                let mut body = Encoder::with_capacity(len);
                for packet in packets {
                    // `send` admitted nothing that a payload cannot carry.
                    let _ = body.push(&packet);
                }
                body.finish()
            }
            Revision::V3 => {
                let packets: Vec<_> = packets.collect();
                if self.binary_of_polls() == BinaryMode::Native && packets.iter().any(is_binary) {
                    let body = v3::encode_binary(&packets);
                    return Payload { body, binary: true, compress: true };
                }
                v3::encode_text(&packets)
            }
        };
        let body = match self.jsonp {
            Some(index) => jsonp::script(index, &body),
            None => body,
        };
        Payload { body: body.into_bytes(), binary: false, compress: true }
    }

    /// The answer to a GET that has these packets alone, given as text.
    pub(super) fn fixed_response(&self, packets: &[&'static str]) -> PollResponse {
        let len = packets.len() * 2;
        let packets = packets.iter().copied().map(WebSocketMessage::from_static);
        PollResponse::Payload(self.payload(packets, len))
    }

    /// Bytes that a packet takes in the answer to a GET, at most.
    pub(super) fn packet_len(&self, packet: &WebSocketMessage) -> usize {
        match self.revision {
            Revision::V4 => payload::packet_len(packet),
            Revision::V3 => v3::max_packet_len(packet),
        }
    }

    /// Whether a packet can be sent over polling.
    pub(super) fn can_poll(&self, packet: &WebSocketMessage) -> bool {
        match self.revision {
            Revision::V4 => payload::check(packet).is_ok(),
            Revision::V3 => true,
        }
    }

    /// A packet as it goes over a WebSocket.
    pub(super) fn on_websocket(
        &self,
        packet: WebSocketMessage,
        binary: BinaryMode,
    ) -> WebSocketMessage {
        match (self.revision, binary) {
            (Revision::V4, BinaryMode::Native) => packet,
            (Revision::V4, BinaryMode::Base64) => WebSocketMessage::Text(packet.into_text()),
            (Revision::V3, BinaryMode::Native) => v3::encode(packet),
            (Revision::V3, BinaryMode::Base64) => WebSocketMessage::Text(v3::into_text(packet)),
        }
    }

    /// The packet of a WebSocket message; `None` if it is to be ignored (§11.1).
    pub(super) fn of_websocket(
        &self,
        message: WebSocketMessage,
    ) -> Option<Result<Packet, PacketError>> {
        match self.revision {
            Revision::V4 => Some(Packet::decode(message)),
            Revision::V3 => {
                let ignored_if_bad = is_binary(&message);
                let packet = v3::decode(message);
                (packet.is_ok() || !ignored_if_bad).then_some(packet)
            }
        }
    }

    /// The packet of a WebSocket text that is lent.
    pub(super) fn of_websocket_text(&self, text: &str) -> Result<Packet, PacketError> {
        match self.revision {
            Revision::V4 => Packet::decode_str(text),
            Revision::V3 => v3::decode_text(text.into()),
        }
    }

    /// Whether a POST of this content type is a binary payload, or `Err` if it may not be (§5.2).
    pub(super) fn check_content_type(&self, content_type: Option<&[u8]>) -> Result<bool, Refused> {
        if content_type != Some(b"application/octet-stream") {
            return Ok(false);
        }
        match self.revision {
            Revision::V4 => Err(Refused),
            Revision::V3 => Ok(self.jsonp.is_none()),
        }
    }

    /// The text of a POST, or `None` if it has none, as a form without a payload.
    pub(super) fn text_of(&self, body: Bytes) -> Option<bytestring::ByteString> {
        match self.jsonp {
            Some(_) => jsonp::payload_of_form(&body),
            None => Some(super::polling::text_of(body)),
        }
    }

    /// How binary messages go over polling.
    pub(super) fn binary_of_polls(&self) -> BinaryMode {
        match self.revision {
            Revision::V3 if self.jsonp.is_none() => self.binary,
            Revision::V3 | Revision::V4 => BinaryMode::Base64,
        }
    }
}

/// A content type that the revision does not know.
pub(super) struct Refused;

const fn is_binary(packet: &WebSocketMessage) -> bool {
    matches!(packet, WebSocketMessage::Binary(_))
}
