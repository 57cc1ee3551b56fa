//! Puts messages and control frames into the output.

mod fragmented;
mod waiting;

use bytes::{Buf as _, Bytes, BytesMut};
use spola_frame::{CloseCode, FrameHeader, MaskingKey, Opcode, Rsv, mask, mask_copy};

use crate::{
    Compression, Entropy, Kind, Message, Output, Prepared, SendError,
    control_payload::ControlPayload, copy, deflation::Deflation, output::LARGE,
};
use fragmented::Fragmented;
use waiting::Queue;

/// Pongs that may wait in the output at once; beyond them only the latest ping is answered
/// (RFC 6455 §5.5.3), so that a peer that asks and does not read cannot grow our queue.
const MAX_QUEUED_PONGS: u8 = 16;

/// An owned payload of so many bytes is moved into the output; up to there, copying it is cheaper than
/// to keep it until it is written.
const MOVED: usize = 64 << 10;

/// Puts frames into the output; a client's are masked.
pub(crate) struct Writer {
    output: Output,
    /// Present in a client, which masks.
    entropy: Option<Box<dyn Entropy + Send>>,
    /// Payloads of more bytes leave in several frames.
    max_frame: u32,
    /// What is cut into frames when the output has room, in order: a message larger than a frame, and
    /// all that was sent behind it. Control frames overtake it. Empty, it is no allocation.
    waiting: Queue,
    /// The message that the caller sends in fragments.
    fragmented: Option<Fragmented>,
    pub(crate) deflation: Deflation,
    /// Pongs queued that may not be written yet.
    queued_pongs: u8,
    /// Where the last of them ends in the output.
    pongs_end: u64,
    /// The latest ping beyond those, answered when the output has room again.
    deferred_pong: Option<Box<ControlPayload>>,
}

/// What a frame's header says beside its length.
#[derive(Clone, Copy)]
struct Head {
    fin: bool,
    rsv: Rsv,
    opcode: Opcode,
}

impl Head {
    #[inline]
    const fn whole(opcode: Opcode) -> Self {
        Self { fin: true, rsv: Rsv::NONE, opcode }
    }

    const fn compressed(kind: Kind) -> Self {
        Self { fin: true, rsv: Rsv::RSV1, opcode: kind.opcode() }
    }
}

impl Writer {
    pub(crate) fn new(entropy: Option<Box<dyn Entropy + Send>>, max_frame: usize) -> Self {
        let max_frame = u32::try_from(max_frame).unwrap_or(u32::MAX);
        Self {
            output: Output::default(),
            entropy,
            max_frame,
            waiting: Queue::default(),
            fragmented: None,
            deflation: Deflation::default(),
            queued_pongs: 0,
            pongs_end: 0,
            deferred_pong: None,
        }
    }

    #[inline]
    pub(crate) fn is_client(&self) -> bool {
        self.entropy.is_some()
    }

    #[inline]
    pub(crate) fn output(&mut self) -> &mut Output {
        if self.deferred_pong.is_some() || !self.waiting.is_empty() {
            self.refill();
        }
        &mut self.output
    }

    pub(crate) fn buffered_amount(&self) -> usize {
        let deferred = self.deferred_pong.as_ref().map_or(0, |pong| pong.as_bytes().len() + 2);
        self.output.remaining() + deferred + self.waiting.weight()
    }

    /// Sends a message, copying its payload.
    #[inline]
    pub(crate) fn data(
        &mut self,
        kind: Kind,
        payload: &[u8],
        compression: Compression,
    ) -> Result<(), SendError> {
        self.check_unfragmented()?;
        if self.deflation.applies(payload.len(), compression) {
            let compressed = self.deflation.message(payload);
            self.queue(Head::compressed(kind), compressed);
        } else if payload.len() > self.max_frame() || !self.waiting.is_empty() {
            self.queue(Head::whole(kind.opcode()), copy::to_bytes(payload));
        } else {
            self.frame(Head::whole(kind.opcode()), payload);
        }
        Ok(())
    }

    /// Sends a message whose payload is moved in.
    pub(crate) fn message(
        &mut self,
        message: Message,
        compression: Compression,
    ) -> Result<(), SendError> {
        let (kind, len) = (message.kind(), message.as_bytes().len());
        if self.deflation.applies(len, compression) {
            self.check_unfragmented()?;
            let compressed = self.deflation.shared(&message.into_bytes());
            self.queue(Head::compressed(kind), compressed);
        } else if len < MOVED {
            return self.data(kind, message.as_bytes(), Compression::Never);
        } else {
            self.check_unfragmented()?;
            self.queue(Head::whole(kind.opcode()), message.into_bytes());
        }
        Ok(())
    }

    pub(crate) fn prepared(&mut self, prepared: &Prepared) -> Result<(), SendError> {
        self.check_unfragmented()?;
        let encoded = match prepared.compressed.as_ref() {
            Some(compressed) if self.deflation.takes(compressed.window_bits) => {
                // The peer's window now holds what our compressor has not seen.
                self.deflation.forget();
                &compressed.encoded
            }
            _ => &prepared.plain,
        };
        let payload_len = encoded.frame.len() - encoded.header_len;
        if self.is_client() || payload_len > self.max_frame() || !self.waiting.is_empty() {
            let head = Head { fin: true, rsv: encoded.rsv, opcode: prepared.kind.opcode() };
            self.queue(head, encoded.frame.slice(encoded.header_len..));
        } else if encoded.frame.len() < LARGE {
            self.output.small().extend_from_slice(&encoded.frame);
        } else {
            self.output.push_large(encoded.frame.clone());
        }
        Ok(())
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > 125 {
            return Err(SendError::ControlTooLong);
        }
        self.frame(Head::whole(Opcode::Ping), payload);
        Ok(())
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) {
        if self.output.is_past(self.pongs_end) {
            self.queued_pongs = 0;
        }
        if self.queued_pongs < MAX_QUEUED_PONGS {
            self.queued_pongs += 1;
            self.deferred_pong = None;
            self.frame(Head::whole(Opcode::Pong), payload);
            self.pongs_end = self.output.end();
        } else {
            let deferred = self.deferred_pong.insert(Box::new(ControlPayload::EMPTY));
            deferred.append(payload);
        }
    }

    /// Queues a Close frame behind all that was sent. A reason must have at most 123 bytes.
    pub(crate) fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        self.deferred_pong = None;
        let mut body = Vec::new();
        if let Some(code) = code {
            body.reserve_exact(2 + reason.len());
            body.extend_from_slice(&code.get().to_be_bytes());
            body.extend_from_slice(reason.as_bytes());
        }
        self.queue(Head::whole(Opcode::Close), body.into());
    }

    /// Forgets what waits to be cut into frames: nobody will read it.
    pub(crate) fn drop_waiting(&mut self) {
        self.waiting = Queue::default();
    }

    #[inline]
    const fn max_frame(&self) -> usize {
        self.max_frame as usize
    }

    #[inline]
    fn check_unfragmented(&self) -> Result<(), SendError> {
        if self.fragmented.is_none() { Ok(()) } else { Err(SendError::Fragmented) }
    }

    /// Puts a payload behind all others.
    fn queue(&mut self, head: Head, payload: Bytes) {
        if self.waiting.is_empty()
            && (head.opcode.is_control() || payload.len() <= self.max_frame())
        {
            self.owned_frame(head, payload);
        } else {
            self.waiting.push_back(head, payload);
        }
    }

    /// One frame whose payload is moved in: a large one is not copied but to be masked.
    fn owned_frame(&mut self, head: Head, payload: Bytes) {
        if payload.len() < LARGE {
            return self.frame(head, &payload);
        }
        let key = self.masking_key();
        let mut bytes = [0; FrameHeader::MAX_LEN];
        let len = header(head, key, payload.len()).encode(&mut bytes);
        self.output.small().extend_from_slice(&bytes[..len]);
        self.output.push_large(match key {
            None => payload,
            Some(key) => masked(payload, key),
        });
    }

    /// One frame, copying the payload.
    #[inline]
    fn frame(&mut self, head: Head, payload: &[u8]) {
        let key = self.masking_key();
        let mut bytes = [0; FrameHeader::MAX_LEN];
        let len = header(head, key, payload.len()).encode(&mut bytes);
        let small = self.output.small();
        small.reserve(FrameHeader::MAX_LEN + payload.len());
        // A copy of fixed length is a store or two; one of two bytes is a call.
        let start = small.len();
        small.extend_from_slice(&bytes);
        small.truncate(start + len);
        match key {
            None => copy::append(small, payload),
            Some(key) => {
                let start = small.len();
                small.resize(start + payload.len(), 0);
                if let Some(target) = small.get_mut(start..) {
                    mask_copy(payload, target, key, 0);
                }
            }
        }
    }

    #[inline]
    fn masking_key(&mut self) -> Option<MaskingKey> {
        let entropy = self.entropy.as_mut()?;
        let mut key = [0; 4];
        entropy.fill(&mut key);
        Some(MaskingKey::new(key))
    }
}

#[inline]
fn header(head: Head, masking_key: Option<MaskingKey>, len: usize) -> FrameHeader {
    let Head { fin, rsv, opcode } = head;
    FrameHeader { fin, rsv, opcode, masking_key, payload_len: len as u64 }
}

/// Masks a large payload, in place if nobody else holds it.
fn masked(payload: Bytes, key: MaskingKey) -> Bytes {
    match payload.try_into_mut() {
        Ok(mut own) => {
            mask(&mut own, key, 0);
            own.freeze()
        }
        Err(shared) => {
            let mut copy = BytesMut::zeroed(shared.len());
            mask_copy(&shared, &mut copy, key, 0);
            copy.freeze()
        }
    }
}
