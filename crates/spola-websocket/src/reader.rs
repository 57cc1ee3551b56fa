use std::mem;

use bytes::BufMut;
use spola_frame::{FrameHeader, MaskingKey, Opcode, Rsv, mask};

use crate::{Config, Event, Payload, Text, Violation, assembly::Assembly};

/// Turns bytes into whole messages and control frames. Owns no memory between messages.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The first `header_len` bytes of a header that is not complete.
    header: [u8; FrameHeader::MAX_LEN],
    header_len: u8,
    /// The frame whose payload is being received.
    frame: Option<Frame>,
    /// The payload of a control frame that did not come in one piece.
    control: Option<Box<Control>>,
    /// The message that did not come in one piece.
    message: Option<Box<Assembly>>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    masking_key: Option<MaskingKey>,
    phase: u8,
    remaining: u64,
}

#[derive(Debug)]
struct Control {
    payload: [u8; 125],
    len: usize,
}

/// What [`Reader::read`] came to.
pub(crate) enum Read<'a> {
    /// The input is used up.
    NeedsInput,
    Message(Event<'a>),
    /// A whole control frame.
    Control(Opcode, Payload<'a>),
}

impl Reader {
    /// Whether the next byte starts a new message.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// The case that matters most: a whole unfragmented message at the start of `input`, with
    /// nothing pending. `None`: it is something else, and nothing was taken.
    #[inline]
    pub(crate) fn read_whole<'a>(
        &self,
        config: &Config,
        masked: bool,
        input: &mut &'a mut [u8],
    ) -> Option<Result<Event<'a>, Violation>> {
        if !self.is_idle() {
            return None;
        }
        let Ok(Some((header, start))) = FrameHeader::decode(input) else {
            return None;
        };
        let text = match header.opcode {
            Opcode::Text => true,
            Opcode::Binary => false,
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => return None,
        };
        let len = usize::try_from(header.payload_len).ok()?;
        if !header.fin
            || header.rsv != Rsv::NONE
            || header.masking_key.is_some() != masked
            || len > config.max_message_size
            || len > input.len() - start
        {
            return None;
        }
        let (frame, rest) = mem::take(input).split_at_mut(start + len);
        *input = rest;
        let payload = frame.get_mut(start..).unwrap_or_default();
        if let Some(key) = header.masking_key {
            mask(payload, key, 0);
        }
        Some(whole(text, payload))
    }

    /// Reads on until there is something to tell or `input` is empty.
    pub(crate) fn read<'a>(
        &mut self,
        config: &Config,
        masked: bool,
        input: &mut &'a mut [u8],
    ) -> Result<Read<'a>, Violation> {
        self.absorb();
        loop {
            if self.frame.is_none() {
                let Some(header) = self.header(input)? else {
                    return Ok(Read::NeedsInput);
                };
                self.begin(config, masked, &header)?;
            }
            let Some(frame) = self.frame else {
                return Ok(Read::NeedsInput);
            };
            let read = if frame.opcode.is_control() {
                self.control_payload(frame, input)
                    .map(|payload| Read::Control(frame.opcode, payload))
            } else {
                self.data_payload(frame, input)?.map(Read::Message)
            };
            if let Some(read) = read {
                return Ok(read);
            }
            if self.frame.is_some() {
                return Ok(Read::NeedsInput);
            }
        }
    }

    /// Room for the rest of a large frame, to read the socket straight into.
    pub(crate) fn large_read(&mut self) -> Option<impl BufMut + '_> {
        self.absorb();
        let frame = self.frame.filter(|frame| !frame.opcode.is_control())?;
        self.message.as_mut()?.large_read(frame.remaining)
    }

    fn absorb(&mut self) {
        if let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message)
            && !frame.opcode.is_control()
        {
            let len = message.absorb(frame.masking_key, usize::from(frame.phase));
            frame.passed(len);
        }
    }

    fn header(&mut self, input: &mut &mut [u8]) -> Result<Option<FrameHeader>, Violation> {
        if self.header_len == 0
            && let Some((header, len)) = FrameHeader::decode(input)?
        {
            take(input, len as u64);
            return Ok(Some(header));
        }
        while let Some(&mut [byte]) = take(input, 1).first_chunk_mut() {
            let Some(slot) = self.header.get_mut(usize::from(self.header_len)) else {
                break;
            };
            *slot = byte;
            self.header_len += 1;
            let bytes = self.header.get(..usize::from(self.header_len)).unwrap_or_default();
            if let Some((header, _)) = FrameHeader::decode(bytes)? {
                self.header_len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Checks a header against the state, the limits and the extensions (of which there are none).
    fn begin(
        &mut self,
        config: &Config,
        masked: bool,
        header: &FrameHeader,
    ) -> Result<(), Violation> {
        if header.rsv != Rsv::NONE {
            return Err(Violation::ReservedBits);
        }
        if header.masking_key.is_some() != masked {
            return Err(Violation::Masking);
        }
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
            Opcode::Continuation => {
                let message = self.message.as_mut().ok_or(Violation::UnexpectedContinuation)?;
                message.fragments = message.fragments.saturating_add(1);
                if message.fragments > config.max_fragments {
                    return Err(Violation::TooManyFragments);
                }
            }
            Opcode::Text | Opcode::Binary if self.message.is_some() => {
                return Err(Violation::ExpectedContinuation);
            }
            Opcode::Text | Opcode::Binary => {}
        }
        if !header.opcode.is_control() {
            let assembled = self.message.as_ref().map_or(0, |message| message.len());
            let total = (assembled as u64).checked_add(header.payload_len);
            if total.is_none_or(|total| total > config.max_message_size as u64) {
                return Err(Violation::MessageTooBig);
            }
        }
        self.frame = Some(Frame {
            fin: header.fin,
            opcode: header.opcode,
            masking_key: header.masking_key,
            phase: 0,
            remaining: header.payload_len,
        });
        Ok(())
    }

    /// Takes what `input` has of a data frame; the message, if this completes it.
    fn data_payload<'a>(
        &mut self,
        mut frame: Frame,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let expected = frame.remaining;
        let piece = frame.take(input);
        let complete = frame.remaining == 0;
        if complete && frame.fin && self.message.is_none() {
            self.frame = None;
            return whole(frame.opcode == Opcode::Text, piece).map(Some);
        }
        let message = self.message.get_or_insert_with(|| {
            let mut message =
                if frame.opcode == Opcode::Text { Assembly::text() } else { Assembly::binary() };
            message.fragments = 1;
            Box::new(message)
        });
        message.append(piece, expected)?;
        self.frame = if complete { None } else { Some(frame) };
        if !(complete && frame.fin) {
            return Ok(None);
        }
        self.message.take().map(|message| message.finish()).transpose()
    }

    /// Takes what `input` has of a control frame; the payload, once it is whole.
    fn control_payload<'a>(
        &mut self,
        mut frame: Frame,
        input: &mut &'a mut [u8],
    ) -> Option<Payload<'a>> {
        let piece = frame.take(input);
        let complete = frame.remaining == 0;
        self.frame = if complete { None } else { Some(frame) };
        if complete && self.control.is_none() {
            return Some(Payload::Borrowed(piece));
        }
        let control =
            self.control.get_or_insert_with(|| Box::new(Control { payload: [0; 125], len: 0 }));
        let room = control.payload.get_mut(control.len..).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(piece.iter()) {
            *slot = *byte;
        }
        control.len += piece.len();
        if !complete {
            return None;
        }
        let control = self.control.take()?;
        Some(Payload::Owned(control.payload.get(..control.len)?.to_vec().into()))
    }
}

impl Frame {
    /// Takes this frame's share of `input`, unmasked.
    fn take<'a>(&mut self, input: &mut &'a mut [u8]) -> &'a mut [u8] {
        let piece = take(input, self.remaining);
        if let Some(key) = self.masking_key {
            mask(piece, key, usize::from(self.phase));
        }
        self.passed(piece.len());
        piece
    }

    fn passed(&mut self, len: usize) {
        self.remaining = self.remaining.saturating_sub(len as u64);
        self.phase = (self.phase.wrapping_add(len as u8)) & 3;
    }
}

#[inline]
fn whole(text: bool, payload: &mut [u8]) -> Result<Event<'_>, Violation> {
    if !text {
        return Ok(Event::Binary(Payload::Borrowed(payload)));
    }
    match simdutf8::basic::from_utf8(payload) {
        Ok(text) => Ok(Event::Text(Text::Borrowed(text))),
        Err(_) => Err(Violation::InvalidUtf8),
    }
}

/// Splits at most `len` bytes off the front of `input`.
fn take<'a>(input: &mut &'a mut [u8], len: u64) -> &'a mut [u8] {
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(input.len());
    let (front, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    front
}
