/// A name that no namespace can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// It does not start with `/`.
    #[error("a namespace starts with a slash")]
    NoSlash,
    /// It is longer than [`Namespace::MAX_LEN`](crate::Namespace::MAX_LEN); holds its bytes.
    #[error("a namespace of {0} bytes exceeds 255")]
    TooLong(usize),
    /// It has a comma, which ends the name on the wire.
    #[error("a namespace has no comma")]
    Comma,
    /// It has a control character.
    #[error("a namespace has no control characters")]
    ControlCharacter,
}

/// A text that is not the JSON it has to be. Positions are not kept: nothing is explained to
/// the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON, cut short, followed by something else, or with a number beyond the range of a
    /// double.
    #[error("malformed JSON")]
    Malformed,
    /// Nested more deeply than [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("JSON nested too deeply")]
    TooDeep,
}

/// A message that is no Socket.IO packet, or one beyond a limit. Whoever gets one closes the
/// connection; nothing is sent to explain (Socket.IO 5, malformed packets).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is none of the format that a [`Parser`](crate::Parser) reads.
    #[error("malformed packet")]
    Malformed,
    /// The message is empty or does not start with a digit `0`–`6`.
    #[error("unknown packet type")]
    UnknownType,
    /// A binary packet whose attachment count is missing, zero or not plain digits.
    #[error("illegal attachment count")]
    AttachmentCount,
    /// More attachments announced than [`Limits::max_attachments`](crate::Limits).
    #[error("too many attachments")]
    TooManyAttachments,
    /// A packet that does not say to which namespace it belongs (in MessagePack, which names the
    /// root as well).
    #[error("packet without namespace")]
    MissingNamespace,
    /// The namespace has no valid name.
    #[error("invalid namespace: {0}")]
    Namespace(#[from] NamespaceError),
    /// An acknowledgement id above [`AckId::MAX`](crate::AckId::MAX).
    #[error("acknowledgement id out of range")]
    AckId,
    /// An acknowledgement that does not say of what.
    #[error("acknowledgement without id")]
    MissingAckId,
    /// An event without data.
    #[error("packet without payload")]
    MissingPayload,
    /// The payload is not acceptable JSON.
    #[error("invalid payload: {0}")]
    Json(#[from] JsonError),
    /// The payload is JSON, but not of the kind that the packet's type asks for.
    #[error("payload of the wrong kind")]
    PayloadKind,
    /// The event's name is reserved ([`is_reserved_event`](crate::is_reserved_event)).
    #[error("reserved event name")]
    ReservedEvent,
    /// The event's name is longer than [`Limits::max_event_name`](crate::Limits).
    #[error("event name too long")]
    EventNameTooLong,
    /// The data of a CONNECT is longer than [`Limits::max_auth_bytes`](crate::Limits).
    #[error("CONNECT data too large")]
    AuthTooLarge,
    /// The packet is longer than [`Limits::max_binary_bytes`](crate::Limits) with its
    /// attachments, or all that its placeholders name, or its text than 4 GiB.
    #[error("packet too large")]
    TooLarge,
    /// A placeholder names no attachment of its packet.
    #[error("illegal placeholder")]
    Placeholder,
    /// A text message where an attachment was due.
    #[error("text message where an attachment was due")]
    UnexpectedText,
    /// A binary message while no attachment was due.
    #[error("binary message while no attachment was due")]
    UnexpectedBinary,
}

/// An event or acknowledgement that cannot be sent: the caller's mistake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event's name is reserved ([`is_reserved_event`](crate::is_reserved_event)).
    #[error("a reserved event name cannot be sent")]
    ReservedEvent,
    /// The event's name is longer than 1024 bytes.
    #[error("an event name of {0} bytes exceeds 1024")]
    EventNameTooLong(usize),
    /// A value has no JSON form (a map whose keys are not strings, say).
    #[error("arguments have no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

/// Arguments that are not of the type they were read as.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ArgsError(#[from] serde_json::Error);
