//! Events and answers on their way out. This is the one place where they are encoded.

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use spola_engineio::server::BinaryMode;
use spola_engineio_packet::{EncodedMessage, payload};
use spola_socketio_packet::{AckId, Data, EncodeError, Encoded};

use crate::emit::EmitError;
use crate::namespace::Namespace;
use crate::recovery::Audience;
use crate::session::PACKET_PREFIX;

/// What an emission asks for beside its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    /// It is dropped where the transport is not writable at this moment.
    pub(crate) volatile: bool,
    /// The layers below may compress it.
    pub(crate) compress: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}

/// An event that asks for no acknowledgement, as far as it can be encoded before it is sent.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Encoded(Encoded),
    /// An offset is still to come behind the arguments (§20.1).
    Open(Data),
}

/// A packet as it goes out, to any number of sessions: a clone is one reference count.
#[derive(Clone, Debug)]
pub(crate) enum Outbound {
    /// One text, as most are.
    Text(EncodedMessage),
    Several(Arc<Messages>),
}

#[derive(Debug)]
pub(crate) struct Messages {
    /// Not there in some formats.
    text: Option<EncodedMessage>,
    attachments: Vec<Attachment>,
    /// The bytes of all.
    size: usize,
}

#[derive(Debug)]
struct Attachment {
    binary: EncodedMessage,
    /// The same in base64, made for the first of several sessions that writes it so.
    base64: OnceLock<EncodedMessage>,
}

impl Attachment {
    const fn new(binary: EncodedMessage) -> Self {
        Self { binary, base64: OnceLock::new() }
    }

    /// As one of several sessions writes it.
    fn message(&self, mode: BinaryMode) -> EncodedMessage {
        let base64 = || self.binary.clone().into_text();
        match mode {
            BinaryMode::Native => self.binary.clone(),
            BinaryMode::Base64 => self.base64.get_or_init(base64).clone(),
        }
    }

    /// As the only one or the last writes it, which for itself makes no base64 ahead of time.
    fn into_message(self, mode: BinaryMode) -> EncodedMessage {
        match (mode, self.base64.into_inner()) {
            (BinaryMode::Base64, Some(base64)) => base64,
            _ => self.binary,
        }
    }
}

impl Outbound {
    pub(crate) fn new(packet: Encoded, compress: bool) -> Self {
        let size = packet.size();
        // A text is encoded behind the prefix that is asked for here.
        let text = EncodedMessage::from_text(packet.text).ok();
        let text = text.map(|text| text.compress(compress));
        match text {
            Some(text) if packet.attachments.is_empty() => Self::Text(text),
            text => {
                let binary =
                    |data| Attachment::new(EncodedMessage::binary(data).compress(compress));
                let attachments = packet.attachments.into_iter().map(binary).collect();
                Self::Several(Arc::new(Messages { text, attachments, size }))
            }
        }
    }

    /// How many attachments it has.
    pub(crate) fn attachments(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Several(messages) => messages.attachments.len(),
        }
    }

    /// The bytes of its messages.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Several(messages) => messages.size,
        }
    }

    /// The bytes that it comes to hold if sessions write its attachments in base64.
    pub(crate) fn max_size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Several(messages) => {
                let base64 = messages.attachments.iter();
                let base64 = base64.map(|one| payload::packet_len(one.binary.as_wire()));
                base64.fold(messages.size, usize::saturating_add)
            }
        }
    }

    /// Hands out the text, and the attachments that follow it, as a session writes them; no more once
    /// `take` says `false`.
    pub(crate) fn each_message(
        self,
        mode: BinaryMode,
        mut take: impl FnMut(EncodedMessage) -> bool,
    ) {
        let messages = match self {
            Self::Text(text) => {
                take(text);
                return;
            }
            Self::Several(messages) => messages,
        };
        match Arc::try_unwrap(messages) {
            Ok(Messages { text, attachments, .. }) => {
                if text.is_none_or(&mut take) {
                    attachments.into_iter().all(|one| take(one.into_message(mode)));
                }
            }
            Err(shared) => {
                if shared.text.clone().is_none_or(&mut take) {
                    shared.attachments.iter().all(|one| take(one.message(mode)));
                }
            }
        }
    }
}

impl Namespace {
    /// An event that asks for no acknowledgement.
    pub(crate) fn event(
        &self,
        event: &str,
        arguments: &impl Serialize,
    ) -> Result<Event, EncodeError> {
        match self.recovery() {
            None => self.encode(event, arguments, None).map(Event::Encoded),
            Some(_) => Data::event(event, arguments).map(Event::Open),
        }
    }

    /// An event whose name and arguments are encoded already.
    pub(crate) fn event_of_data(&self, data: Data) -> Event {
        match self.recovery() {
            None => Event::Encoded(self.encode_data(&data, None)),
            Some(_) => Event::Open(data),
        }
    }

    /// Has an event delivered; where clients may come back, with its offset, and remembered.
    pub(crate) fn publish<T: Default>(
        &self,
        event: Event,
        audience: impl FnOnce() -> Audience,
        flags: Flags,
        deliver: impl FnOnce(Outbound) -> Result<T, EmitError>,
    ) -> Result<T, EmitError> {
        let outbound = |packet| Outbound::new(packet, flags.compress);
        match (event, self.recovery()) {
            (Event::Encoded(packet), _) => deliver(outbound(packet)),
            (Event::Open(data), None) => deliver(outbound(self.encode_data(&data, None))),
            (Event::Open(data), Some(recovery)) => {
                let encode =
                    |offset: &str| outbound(self.encode_data(&data.with_offset(offset), None));
                recovery.record(audience(), flags.volatile, encode, deliver)
            }
        }
    }

    /// An event, with an id if it asks for an acknowledgement.
    pub(crate) fn encode(
        &self,
        event: &str,
        arguments: &impl Serialize,
        ack: Option<AckId>,
    ) -> Result<Encoded, EncodeError> {
        self.format().encode_event(PACKET_PREFIX, self.packet_name(), ack, event, arguments)
    }

    /// An event or an answer whose name and arguments are encoded already.
    pub(crate) fn encode_data(&self, data: &Data, ack: Option<AckId>) -> Encoded {
        self.format().encode_data(PACKET_PREFIX, self.packet_name(), ack, data)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use bytes::Bytes;
    use spola_engineio_packet::WebSocketMessage;

    use super::*;

    fn outbound() -> Outbound {
        let text = "451-[\"bytes\",{\"_placeholder\":true,\"num\":0}]".into();
        let packet = Encoded { text, attachments: vec![Bytes::from(vec![7; 30_000])] };
        Outbound::new(packet, true)
    }

    /// The one attachment as a session writes it.
    fn attachment(packet: Outbound, mode: BinaryMode) -> EncodedMessage {
        let mut messages = Vec::new();
        packet.each_message(mode, |message| {
            messages.push(message);
            true
        });
        let [_, attachment] = &messages[..] else { panic!("{messages:?}") };
        attachment.clone()
    }

    fn first(packet: &Outbound) -> &Attachment {
        let Outbound::Several(messages) = packet else { panic!("{packet:?}") };
        &messages.attachments[0]
    }

    /// Where the bytes of the one attachment are.
    fn binary(packet: &Outbound) -> *const u8 {
        first(packet).binary.as_wire().as_bytes().as_ptr()
    }

    /// Whether that is text, and where its bytes are.
    fn place(packet: Outbound, mode: BinaryMode) -> (bool, *const u8) {
        let message = attachment(packet, mode);
        let is_text = matches!(message.as_wire(), WebSocketMessage::Text(_));
        (is_text, message.as_wire().as_bytes().as_ptr())
    }

    #[test]
    fn base64_is_made_once_for_all_threads() {
        let packet = outbound();
        let places = || place(packet.clone(), BinaryMode::Base64);
        let places: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| places().1 as usize)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        });
        let (is_text, last) = place(packet, BinaryMode::Base64);
        assert!(is_text);
        assert_eq!(places, [last as usize; 8]);
    }

    #[test]
    fn base64_is_made_for_nobody_who_writes_bytes_or_is_alone() {
        let packet = outbound();
        let bytes = binary(&packet);
        assert_eq!(place(packet.clone(), BinaryMode::Native), (false, bytes));
        assert!(first(&packet).base64.get().is_none());
        assert_eq!(place(packet, BinaryMode::Base64), (false, bytes));
    }

    #[test]
    fn the_last_one_may_write_bytes_after_others_wrote_base64() {
        let packet = outbound();
        let bytes = binary(&packet);
        assert!(place(packet.clone(), BinaryMode::Base64).0);
        assert_eq!(place(packet, BinaryMode::Native), (false, bytes));
    }

    #[test]
    fn what_it_may_come_to_hold_counts_the_base64() {
        let packet = outbound();
        let base64 = attachment(packet.clone(), BinaryMode::Base64);
        assert_eq!(packet.max_size(), packet.size() + base64.len());
    }
}
