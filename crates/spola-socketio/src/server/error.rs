/// A command that a connection cannot follow: the caller's mistake, or a race it lost. Nothing
/// has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is over.
    #[error("the connection is closed")]
    Closed,
    /// The client has not joined the namespace, or left it, or was sent off.
    #[error("the namespace is not joined")]
    NotJoined,
    /// The client has not asked to join the namespace, or has had its answer.
    #[error("no CONNECT is waiting in the namespace")]
    NotRequested,
    /// More attachments than the connection's limit, which the client is likely to share.
    #[error("too many attachments")]
    TooManyAttachments,
    /// As many acknowledgements are awaited as the connection's limit allows.
    #[error("too many outstanding acknowledgements")]
    TooManyAcks,
    /// An acknowledgement of this id is awaited already.
    #[error("acknowledgement id in use")]
    AckIdInUse,
}
