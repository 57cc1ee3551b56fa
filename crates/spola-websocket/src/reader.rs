use std::mem;

use spola_frame::{FrameHeader, MaskingKey, Opcode, Rsv, mask};

use crate::{
    Chunk, Event, Kind, Payload, Text, Violation,
    config::Limits,
    control_payload::ControlPayload,
    incoming::{Incoming, Piece},
    inflation::Inflation,
    text,
};

/// Turns bytes into messages, chunks of them, and control frames. Owns no memory between messages.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The first `header_len` bytes of a header that is not complete.
    header: [u8; FrameHeader::MAX_LEN],
    header_len: u8,
    /// The frame whose payload is being received.
    frame: Option<Frame>,
    /// The payload of a control frame that did not come in one piece.
    control: Option<Box<ControlPayload>>,
    /// The message that did not come in one piece.
    message: Option<Box<Incoming>>,
    pub(crate) inflation: Inflation,
}

/// What incoming frames must keep to.
pub(crate) struct Rules<'c> {
    pub(crate) limits: &'c Limits,
    /// Whether they must be masked.
    pub(crate) masked: bool,
    pub(crate) depth: Depth,
}

/// How far messages are put together before they are handed out. A message keeps the depth at
/// which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    Messages,
    Chunks,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    masking_key: Option<MaskingKey>,
    phase: u8,
    remaining: u64,
}

/// A message that lies whole at the front of some input, as one frame: found by
/// [`Connection::find_whole`](crate::Connection::find_whole).
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    is_text: bool,
    masking_key: Option<MaskingKey>,
    /// Where the payload starts.
    start: usize,
    len: usize,
}

/// What [`Reader::read`] came to.
pub(crate) enum Read<'a> {
    /// The input is used up.
    NeedsInput,
    Message(Event<'a>),
    Chunk(Chunk<'a>),
    /// A whole control frame.
    Control(Opcode, Payload<'a>),
}

impl Reader {
    /// Whether the next byte starts a new message.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.header_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Bytes that are kept of what is incomplete.
    pub(crate) fn kept_len(&self) -> usize {
        let message = self.message.as_ref().map_or(0, |message| message.kept_len());
        message + usize::from(self.header_len)
    }

    /// Forgets what is incomplete, and gives its memory back.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    /// Whether something is incomplete that has to be completed in time: anything but a message that is
    /// read in chunks.
    pub(crate) fn is_timed(&self) -> bool {
        match &self.message {
            Some(message) => message.is_timed(),
            None => !self.is_idle(),
        }
    }

    /// The case that matters most: a whole unfragmented message at the start of `input`, with
    /// nothing pending. `None`: it is something else.
    #[inline]
    pub(crate) fn find_whole(&self, limits: &Limits, masked: bool, input: &[u8]) -> Option<Whole> {
        if !self.is_idle() {
            return None;
        }
        let Ok(Some((header, start))) = FrameHeader::decode(input) else {
            return None;
        };
        let is_text = match header.opcode {
            Opcode::Text => true,
            Opcode::Binary => false,
            Opcode::Continuation | Opcode::Close | Opcode::Ping | Opcode::Pong => return None,
        };
        let len = usize::try_from(header.payload_len).ok()?;
        let is_whole = header.fin
            && header.rsv == Rsv::NONE
            && header.masking_key.is_some() == masked
            && len <= limits.max_message_size
            && len <= input.len() - start;
        is_whole.then_some(Whole { is_text, masking_key: header.masking_key, start, len })
    }

    /// Reads on until there is something to tell or `input` is empty.
    pub(crate) fn read<'a>(
        &mut self,
        rules: &Rules<'_>,
        input: &mut &'a mut [u8],
    ) -> Result<Read<'a>, Violation> {
        if rules.depth == Depth::Messages
            && let Some(message) = &mut self.message
            && message.leave_chunks(rules.limits, &mut self.inflation)?
        {
            self.message = None;
        }
        loop {
            if self.message.as_ref().is_some_and(|message| message.is_due()) {
                match self.go_on()? {
                    Some(read) => return Ok(read),
                    None => continue,
                }
            }
            if self.frame.is_none() {
                let Some(header) = self.header(input)? else {
                    return Ok(Read::NeedsInput);
                };
                self.begin(rules, &header)?;
            }
            let Some(frame) = self.frame else {
                return Ok(Read::NeedsInput);
            };
            let read = if frame.opcode.is_control() {
                self.control_payload(frame, input)
                    .map(|payload| Read::Control(frame.opcode, payload))
            } else {
                self.data_payload(rules, frame, input)?
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
    pub(crate) fn large_read(&mut self) -> Option<&mut [u8]> {
        let frame = self.frame.filter(|frame| !frame.opcode.is_control())?;
        self.message.as_mut()?.large_read(frame.remaining)
    }

    /// Takes in the next `len` bytes of the frame, which were read there.
    pub(crate) fn read_large(&mut self, len: usize) {
        if let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) {
            let most = usize::try_from(frame.remaining).unwrap_or(usize::MAX);
            let bytes = message.read_large(len.min(most));
            if let Some(key) = frame.masking_key {
                mask(bytes, key, usize::from(frame.phase));
            }
            frame.passed(bytes.len());
        }
    }

    /// Hands out more of a compressed message before anything is read.
    fn go_on<'a>(&mut self) -> Result<Option<Read<'a>>, Violation> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let read = message.go_on(&mut self.inflation)?;
        if message.is_over() {
            self.message = None;
        }
        Ok(read)
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

    /// Checks a header against the state, the limits and the extensions.
    fn begin(&mut self, rules: &Rules<'_>, header: &FrameHeader) -> Result<(), Violation> {
        let compressed = header.rsv == Rsv::RSV1 && self.inflation.is_agreed();
        if header.rsv != Rsv::NONE && !compressed {
            return Err(Violation::ReservedBits);
        }
        if header.masking_key.is_some() != rules.masked {
            return Err(Violation::Masking);
        }
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong | Opcode::Continuation if compressed => {
                return Err(Violation::ReservedBits);
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
            Opcode::Continuation => {
                let message = self.message.as_mut().ok_or(Violation::UnexpectedContinuation)?;
                message.begin_frame(rules.limits, header.payload_len)?;
            }
            Opcode::Text | Opcode::Binary if self.message.is_some() => {
                return Err(Violation::ExpectedContinuation);
            }
            Opcode::Text => self.begin_message(rules, Kind::Text, compressed, header)?,
            Opcode::Binary => self.begin_message(rules, Kind::Binary, compressed, header)?,
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

    /// Checks a message's first frame. What it needs to grow is made when it turns out not to have
    /// come in one piece.
    fn begin_message(
        &mut self,
        rules: &Rules<'_>,
        kind: Kind,
        compressed: bool,
        header: &FrameHeader,
    ) -> Result<(), Violation> {
        let mut message = Incoming::new(kind, compressed, rules.depth);
        message.begin_frame(rules.limits, header.payload_len)?;
        if compressed || !header.fin {
            self.message = Some(Box::new(message));
        }
        Ok(())
    }

    /// Takes what `input` has of a data frame; the message, if this completes it, or a chunk.
    fn data_payload<'a>(
        &mut self,
        rules: &Rules<'_>,
        mut frame: Frame,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Read<'a>>, Violation> {
        let announced = frame.remaining;
        if self.message.is_none()
            && rules.depth == Depth::Messages
            && announced > rules.limits.max_message_size as u64
        {
            // Its header came when messages were read in chunks.
            return Err(Violation::MessageTooBig);
        }
        // Nobody knows how much is in the frames to come.
        let expected = if frame.fin { announced } else { u64::MAX };
        let bytes = &*frame.take(input);
        let last = frame.remaining == 0 && frame.fin;
        self.frame = if frame.remaining == 0 { None } else { Some(frame) };
        if last && self.message.is_none() {
            return whole(frame.opcode, rules.depth, bytes).map(Some);
        }
        if bytes.is_empty() && !last {
            return Ok(None);
        }
        let message = self
            .message
            .get_or_insert_with(|| Box::new(Incoming::unfragmented(frame.opcode, rules.depth)));
        let read =
            message.add(rules.limits, &mut self.inflation, Piece { bytes, expected, last })?;
        if last && !message.is_due() {
            self.message = None;
        }
        Ok(read)
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
        let control = self.control.get_or_insert_with(|| Box::new(ControlPayload::EMPTY));
        control.append(piece);
        if !complete {
            return None;
        }
        let control = self.control.take()?;
        Some(Payload::Owned(control.as_bytes().to_vec().into()))
    }
}

impl Whole {
    /// Takes the message off the front of `input`. `None`: this is not the input that it was found in.
    #[inline]
    pub(crate) fn take<'a>(self, input: &mut &'a mut [u8]) -> Option<Result<Event<'a>, Violation>> {
        let end = self.start + self.len;
        if end > input.len() {
            return None;
        }
        let (frame, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        let payload = frame.get_mut(self.start..).unwrap_or_default();
        if let Some(key) = self.masking_key {
            mask(payload, key, 0);
        }
        Some(whole_message(self.is_text, payload))
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

/// A message that came in one piece.
#[inline]
fn whole(opcode: Opcode, depth: Depth, payload: &[u8]) -> Result<Read<'_>, Violation> {
    let is_text = opcode == Opcode::Text;
    if depth == Depth::Messages {
        return whole_message(is_text, payload).map(Read::Message);
    }
    if is_text {
        text::check(payload)?;
    }
    let kind = if is_text { Kind::Text } else { Kind::Binary };
    let data = Payload::Borrowed(payload);
    Ok(Read::Chunk(Chunk { kind, data, first: true, last: true }))
}

#[inline]
fn whole_message(is_text: bool, payload: &[u8]) -> Result<Event<'_>, Violation> {
    if !is_text {
        return Ok(Event::Binary(Payload::Borrowed(payload)));
    }
    text::check(payload).map(|text| Event::Text(Text::Borrowed(text)))
}

/// Splits at most `len` bytes off the front of `input`.
fn take<'a>(input: &mut &'a mut [u8], len: u64) -> &'a mut [u8] {
    let len = usize::try_from(len).unwrap_or(usize::MAX).min(input.len());
    let (front, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    front
}
