use arbitrary::{Result, Unstructured};
use spola_frame::{MaskingKey, mask};
use spola_websocket::deflate::{Deflater, Flush};

use super::Role;

/// A frame of the peer's, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: FIN, the reserved bits, the opcode.
    pub first: u8,
    /// Bit 0: masked the wrong way. Bit 1: a length longer than it needs. Bit 2: half of the
    /// payload is missing. Bit 3, which may be right as well: compressed, with RSV1.
    pub faults: u8,
    /// What it carries.
    pub payload: Payload,
}

/// Bytes, or many times the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// As they are.
    Bytes(Vec<u8>),
    /// Four times the length, so as to reach the larger forms; at most 96 KiB.
    Fill(u8, u16),
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Frame {
    /// A final frame without a fault.
    pub fn new(opcode: u8, payload: &[u8]) -> Self {
        Self { first: 0x80 | opcode, faults: 0, payload: Payload::Bytes(payload.to_vec()) }
    }

    pub(crate) fn decode(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self { first: u.arbitrary()?, faults: u.arbitrary()?, payload: Payload::decode(u)? })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.first, self.faults]);
        self.payload.encode(out);
    }

    /// The bytes of the frame as the peer of `role` sends it.
    pub(crate) fn wire(&self, role: Role) -> Vec<u8> {
        let mut payload = self.payload.to_vec();
        let masked = (role == Role::Server) != (self.faults & 1 != 0);
        let bit = if masked { 0x80 } else { 0 };
        let mut wire = vec![self.first];
        if self.faults & 8 != 0 {
            wire[0] |= 0x40;
            let plain = std::mem::take(&mut payload);
            Deflater::new(1, 15).deflate(&plain, &mut payload, Flush::Message);
        }
        match (payload.len(), self.faults & 2 != 0) {
            (len @ 0..=125, false) => wire.push(bit | len as u8),
            (len @ ..=125, true) | (len @ 126..=0xffff, false) => {
                wire.push(bit | 126);
                wire.extend((len as u16).to_be_bytes());
            }
            (len, _) => {
                wire.push(bit | 127);
                wire.extend((len as u64).to_be_bytes());
            }
        }
        if masked {
            wire.extend(KEY);
            mask(&mut payload, MaskingKey::new(KEY), 0);
        }
        if self.faults & 4 != 0 {
            payload.truncate(payload.len() / 2);
        }
        wire.extend(payload);
        wire
    }
}

impl Payload {
    /// The bytes meant.
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Fill(byte, quarter) => vec![*byte; usize::from(quarter % 0x6001) * 4],
        }
    }

    pub(crate) fn decode(u: &mut Unstructured<'_>) -> Result<Self> {
        let len: u16 = u.arbitrary()?;
        if len >= 0xff00 {
            return Ok(Self::Fill(len as u8, u.arbitrary()?));
        }
        let len = usize::from(len).min(u.len());
        Ok(Self::Bytes(u.bytes(len)?.to_vec()))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => {
                out.extend((bytes.len() as u16).to_le_bytes());
                out.extend(bytes);
            }
            Self::Fill(byte, quarter) => {
                out.extend((0xff00 | u16::from(*byte)).to_le_bytes());
                out.extend(quarter.to_le_bytes());
            }
        }
    }
}
