use std::{num::NonZeroUsize, time::Duration};

use arbitrary::{Arbitrary, Result, Unstructured};
use spola_websocket::{
    Config,
    deflate::{Agreement, Options},
    handshake::ExtensionOffer,
};

use super::{Frame, Payload, Role};

/// A script: the limits, how the input is cut, then what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The connection's configuration.
    pub limits: Limits,
    /// What was agreed on.
    pub compression: Compression,
    /// How the input is cut where it comes in pieces.
    pub cut: u8,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// A few configurations, one to each bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits(pub u8);

/// Bit 0: messages may be compressed. Bits 1 and 2: with context takeover, incoming and outgoing.
/// Bit 3: every message is. Bit 4: with a small window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression(pub u8);

/// What the network, the application or the clock does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A frame arrives.
    Frame(Frame),
    /// Bytes arrive.
    Bytes(Payload),
    /// The application sends text, lossily if it is none.
    Text(Payload),
    /// The application sends bytes: 0 copies them, 1 hands them over, 2 has them prepared.
    Binary(u8, Payload),
    /// The application sends part of a text (bit 0) or of bytes; with bit 1 it is the last.
    Fragment(u8, Payload),
    /// The application pings.
    Ping(Payload),
    /// The application closes.
    Close(u16, Payload),
    /// The application closes without a status.
    CloseWithoutStatus,
    /// So many hundredths of a second pass.
    Wait(u16),
    /// The timer goes off although it is not due.
    EarlyTimeout,
    /// The socket takes so many bytes.
    Write(u16),
    /// The socket takes all there is.
    Flush,
    /// The driver lends a buffer for the output, or takes it back.
    Lend(bool),
    /// The peer sends nothing more.
    Eof,
}

/// Where it is small.
const FRAGMENT_SIZE: usize = 50;

impl Limits {
    /// The most that a frame of ours carries.
    pub(super) fn fragment_size(self) -> usize {
        if self.0 & (1 << 6) != 0 { FRAGMENT_SIZE } else { 256 * 1024 }
    }

    /// Whether pings are sent without being asked for, and silence has consequences.
    pub(super) fn keeps_alive(self) -> bool {
        self.0 & (1 << 7) != 0
    }

    pub(super) fn config(self) -> Config {
        let set = |bit: u8| self.0 & (1 << bit) != 0;
        let mut config = Config::default();
        if set(0) {
            config.max_message_size = 300;
        }
        if set(1) {
            config.max_fragments = 3;
        }
        if set(2) {
            config.control_frames_per_second = 2;
            config.control_frames_burst = 4;
        }
        if set(3) {
            config.control_frames_per_second = 0;
        }
        if set(4) {
            config.message_timeout = Some(Duration::from_secs(1));
        }
        if set(5) {
            config.close_timeout = Duration::from_millis(500);
        }
        if set(6) {
            config.fragment_size = NonZeroUsize::new(FRAGMENT_SIZE);
        }
        if set(7) {
            config.keep_alive = Some(Duration::from_millis(300));
            config.pong_timeout = Duration::from_millis(200);
            config.idle_timeout = Some(Duration::from_secs(2));
        }
        config
    }
}

impl Compression {
    /// Whether messages may be compressed.
    pub(super) fn is_agreed(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn agreement(self, role: Role) -> Option<Agreement> {
        if !self.is_agreed() {
            return None;
        }
        let mut options = Options::default();
        options.incoming_context_takeover = self.0 & 2 != 0;
        options.outgoing_context_takeover = self.0 & 4 != 0;
        options.threshold = if self.0 & 8 != 0 { 0 } else { 100 };
        options.outgoing_window_bits = if self.0 & 16 != 0 { 9 } else { 15 };
        let name = "permessage-deflate";
        match role {
            Role::Server => {
                let offer = ExtensionOffer { name, parameters: Vec::new() };
                Agreement::accept(&[offer], &options)
            }
            Role::Client => {
                let parameters = vec![("server_no_context_takeover", None)];
                let answer = ExtensionOffer { name, parameters };
                Agreement::from_response(&[answer], &options).ok()?
            }
        }
    }
}

impl Session {
    /// Bytes to a piece.
    pub(super) fn piece(&self) -> usize {
        match self.cut {
            0 => 1,
            cut @ 1..128 => usize::from(cut),
            cut => usize::from(cut - 127) * 199,
        }
    }

    /// The bytes that this script is read from.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.limits.0, self.compression.0, self.cut];
        self.steps.iter().for_each(|step| step.encode(&mut out));
        out
    }
}

impl<'a> Arbitrary<'a> for Session {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (limits, compression) = (Limits(u.arbitrary()?), Compression(u.arbitrary()?));
        let cut = u.arbitrary()?;
        let mut steps = Vec::new();
        while !u.is_empty() && steps.len() < 200 {
            steps.push(Step::decode(u)?);
        }
        Ok(Self { limits, compression, cut, steps })
    }
}

impl Step {
    fn decode(u: &mut Unstructured<'_>) -> Result<Self> {
        let tag: u8 = u.arbitrary()?;
        Ok(match tag % 16 {
            0 => Self::Bytes(Payload::decode(u)?),
            1 => Self::Text(Payload::decode(u)?),
            2 => Self::Binary(u.arbitrary()?, Payload::decode(u)?),
            3 => Self::Ping(Payload::decode(u)?),
            4 => Self::Close(u.arbitrary()?, Payload::decode(u)?),
            5 => Self::CloseWithoutStatus,
            6 => Self::Wait(u.arbitrary()?),
            7 => Self::EarlyTimeout,
            8 => Self::Write(u.arbitrary()?),
            9 => Self::Flush,
            10 => Self::Lend(u.arbitrary::<u8>()? & 1 != 0),
            11 => Self::Eof,
            12 => Self::Fragment(u.arbitrary()?, Payload::decode(u)?),
            _ => Self::Frame(Frame::decode(u)?),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut tagged = |tag: u8, bytes: &[u8], payload: Option<&Payload>| {
            out.push(tag);
            out.extend(bytes);
            if let Some(payload) = payload {
                payload.encode(out);
            }
        };
        match self {
            Self::Bytes(payload) => tagged(0, &[], Some(payload)),
            Self::Text(payload) => tagged(1, &[], Some(payload)),
            Self::Binary(how, payload) => tagged(2, &[*how], Some(payload)),
            Self::Fragment(how, payload) => tagged(12, &[*how], Some(payload)),
            Self::Ping(payload) => tagged(3, &[], Some(payload)),
            Self::Close(code, reason) => tagged(4, &code.to_le_bytes(), Some(reason)),
            Self::CloseWithoutStatus => tagged(5, &[], None),
            Self::Wait(time) => tagged(6, &time.to_le_bytes(), None),
            Self::EarlyTimeout => tagged(7, &[], None),
            Self::Write(len) => tagged(8, &len.to_le_bytes(), None),
            Self::Flush => tagged(9, &[], None),
            Self::Lend(lend) => tagged(10, &[u8::from(*lend)], None),
            Self::Eof => tagged(11, &[], None),
            Self::Frame(frame) => {
                out.push(13);
                frame.encode(out);
            }
        }
    }
}
