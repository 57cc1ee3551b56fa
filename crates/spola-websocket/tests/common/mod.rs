//! What the tests share: a clock that moves only when told, frames by hand, drained outputs.
#![allow(dead_code, unreachable_pub)]

pub mod oracle;
pub mod steps;

use std::time::{Duration, Instant};

use bytes::Buf;
use spola_frame::{FrameHeader, MaskingKey, Opcode, Rsv, mask};
use spola_websocket::{ChunkEvent, CloseReason, Config, Connection, Event, Kind, Message};

pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A clock that moves only when told.
pub struct Clock(Instant);

impl Clock {
    #[allow(clippy::disallowed_methods)]
    pub fn new() -> Self {
        Self(Instant::now())
    }

    pub fn now(&self) -> Instant {
        self.0
    }

    pub fn advance(&mut self, by: Duration) -> Instant {
        self.0 += by;
        self.0
    }
}

/// An event that owns what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    Message(Message),
    Pong(Vec<u8>),
    Closed(CloseReason),
}

impl From<Event<'_>> for Got {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Message(text.into()),
            Event::Binary(payload) => Self::Message(payload.into()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Closed(reason) => Self::Closed(reason),
        }
    }
}

pub fn text(text: &str) -> Got {
    Got::Message(text.into())
}

pub fn binary(bytes: &[u8]) -> Got {
    Got::Message(bytes.to_vec().into())
}

pub fn server() -> Connection {
    Connection::server(Config::default())
}

pub fn client() -> Connection {
    Connection::client(Config::default(), |buf: &mut [u8]| buf.copy_from_slice(&KEY))
}

/// Gives `wire` to the connection in one piece; every event that comes of it.
pub fn receive(connection: &mut Connection, now: Instant, wire: &[u8]) -> Vec<Got> {
    let mut read = wire.to_vec();
    let mut input = &mut read[..];
    let mut got = Vec::new();
    while let Some(event) = connection.poll_event(now, &mut input) {
        got.push(event.into());
    }
    assert!(input.is_empty(), "input left over");
    got
}

/// The same through the door for large payloads, where the connection offers it.
pub fn receive_large(connection: &mut Connection, now: Instant, mut wire: &[u8]) -> Vec<Got> {
    let mut got = Vec::new();
    while !wire.is_empty() {
        let direct = connection.large_read().map_or(0, |room| {
            let len = room.len().min(wire.len());
            room[..len].copy_from_slice(&wire[..len]);
            len
        });
        let piece = if direct > 0 { &[] } else { &wire[..wire.len().min(20_000)] };
        if direct > 0 {
            connection.handle_large_read(now, direct);
        }
        got.extend(receive(connection, now, piece));
        wire = &wire[direct + piece.len()..];
    }
    got
}

/// What came of reading in chunks: kind, bytes, whether first and last; or another event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Chunk(Kind, Vec<u8>, bool, bool),
    Other(Got),
}

/// As [`receive`], in chunks.
pub fn receive_chunks(connection: &mut Connection, now: Instant, wire: &[u8]) -> Vec<Part> {
    let mut read = wire.to_vec();
    let mut input = &mut read[..];
    let mut got = Vec::new();
    while let Some(event) = connection.poll_chunk(now, &mut input) {
        got.push(match event {
            ChunkEvent::Chunk(chunk) => {
                Part::Chunk(chunk.kind, chunk.data.to_vec(), chunk.first, chunk.last)
            }
            ChunkEvent::Pong(payload) => Part::Other(Got::Pong(payload.to_vec())),
            ChunkEvent::Closed(reason) => Part::Other(Got::Closed(reason)),
        });
    }
    assert!(input.is_empty(), "input left over");
    got
}

/// Drains the output.
pub fn sent(connection: &mut Connection) -> Vec<u8> {
    let mut wire = Vec::new();
    while connection.output().has_remaining() {
        let output = connection.output();
        let chunk = output.chunk();
        let len = chunk.len();
        wire.extend_from_slice(chunk);
        output.advance(len);
    }
    assert_eq!(connection.buffered_amount(), 0);
    wire
}

/// A final frame without a mask.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    raw_frame(true, Rsv::NONE, opcode, None, payload)
}

/// A final frame as a client sends it.
pub fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    raw_frame(true, Rsv::NONE, opcode, Some(KEY), payload)
}

/// A fragment that is not the last, as a client sends it.
pub fn fragment(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    raw_frame(false, Rsv::NONE, opcode, Some(KEY), payload)
}

pub fn raw_frame(
    fin: bool,
    rsv: Rsv,
    opcode: Opcode,
    key: Option<[u8; 4]>,
    payload: &[u8],
) -> Vec<u8> {
    let masking_key = key.map(MaskingKey::new);
    let payload_len = payload.len() as u64;
    let mut head = [0; FrameHeader::MAX_LEN];
    let len = FrameHeader { fin, rsv, opcode, masking_key, payload_len }.encode(&mut head);
    let mut wire = head[..len].to_vec();
    wire.extend_from_slice(payload);
    if let Some(key) = masking_key {
        mask(&mut wire[len..], key, 0);
    }
    wire
}

/// A Close frame without a mask.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(Opcode::Close, &close_body(code, reason))
}

/// A Close frame as a client sends it.
pub fn masked_close(code: u16, reason: &str) -> Vec<u8> {
    masked(Opcode::Close, &close_body(code, reason))
}

fn close_body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}
