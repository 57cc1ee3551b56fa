//! Events and answers on their way out. This is the one place where they are encoded.

use std::sync::Arc;

use serde::Serialize;
use spola_engineio_packet::EncodedMessage;
use spola_socketio_packet::{self as packet, AckId, Data, EncodeError, Encoded};

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
pub(crate) struct Outbound(Arc<Messages>);

#[derive(Clone, Debug)]
struct Messages {
    namespace: packet::Namespace,
    /// Not there in some formats.
    text: Option<EncodedMessage>,
    attachments: Vec<EncodedMessage>,
    /// The bytes of all.
    size: usize,
}

impl Outbound {
    fn new(namespace: packet::Namespace, packet: Encoded, compress: bool) -> Self {
        let size = packet.size();
        // A text is encoded behind the prefix that is asked for here.
        let text = EncodedMessage::from_text(packet.text).ok();
        let text = text.map(|text| text.compress(compress));
        let binary = |data| EncodedMessage::binary(data).compress(compress);
        let attachments = packet.attachments.into_iter().map(binary).collect();
        Self(Arc::new(Messages { namespace, text, attachments, size }))
    }

    /// The namespace that it belongs to.
    pub(crate) fn namespace(&self) -> &packet::Namespace {
        &self.0.namespace
    }

    /// How many attachments it has.
    pub(crate) fn attachments(&self) -> usize {
        self.0.attachments.len()
    }

    /// The bytes of its messages.
    pub(crate) fn size(&self) -> usize {
        self.0.size
    }

    /// The text, and the attachments that follow it.
    pub(crate) fn into_messages(self) -> (Option<EncodedMessage>, Vec<EncodedMessage>) {
        match Arc::try_unwrap(self.0) {
            Ok(Messages { text, attachments, .. }) => (text, attachments),
            Err(shared) => (shared.text.clone(), shared.attachments.clone()),
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
        let outbound = |packet| self.outbound(packet, flags.compress);
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

    /// A packet in the form that goes to sessions.
    pub(crate) fn outbound(&self, packet: Encoded, compress: bool) -> Outbound {
        Outbound::new(self.packet_name().clone(), packet, compress)
    }
}
