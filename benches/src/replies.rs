//! What comes back, and whether it is what it must be.

mod alike;
mod framed;

use crate::Failure;
use crate::deflate::Takeover;
use crate::frames::{self, Kind};
use alike::Alike;
use framed::Framed;
pub(crate) use framed::Progress;

/// Every which read is compared byte by byte; of all others, each message's start.
const SAMPLE: usize = 16;

/// The expectation, shared by all connections; each has a [`Progress`].
pub(crate) enum Replies {
    /// Frames or messages of one length and known bytes: as cheap to check as can be.
    Alike(Alike),
    /// Messages in any frames, or compressed in the server's own way.
    Framed(Framed),
}

impl Replies {
    /// The very bytes that were sent: a TCP echo server.
    pub(crate) fn raw(sent: &[Vec<u8>], max_read: usize) -> Self {
        Self::Alike(Alike::new(sent, max_read))
    }

    /// The same messages in unmasked frames (RFC 6455 §5.1); large ones may come in several.
    pub(crate) fn plain(kind: Kind, messages: Vec<Vec<u8>>, max_read: usize) -> Self {
        if messages.iter().any(|message| message.len() > frames::LARGE) {
            Self::Framed(Framed::plain(kind, messages))
        } else {
            Self::Alike(Alike::new(&frames::from_server(kind, &messages), max_read))
        }
    }

    /// The same texts, compressed (RFC 7692).
    pub(crate) fn deflated(messages: Vec<Vec<u8>>, takeover: Takeover) -> Self {
        Self::Framed(Framed::deflated(messages, takeover))
    }

    /// The state of a new connection, the `index`th.
    pub(crate) fn start(&self, index: usize) -> Progress {
        match self {
            Self::Alike(_) => Progress::default(),
            Self::Framed(framed) => framed.start(index),
        }
    }

    /// Checks bytes received on a connection; gives how many replies they completed.
    pub(crate) fn verify(
        &mut self,
        progress: &mut Progress,
        received: &[u8],
    ) -> Result<usize, Failure> {
        match self {
            Self::Alike(alike) => {
                let (position, completed) = alike.verify(progress.position, received)?;
                progress.position = position;
                Ok(completed)
            }
            Self::Framed(framed) => framed.verify(progress, received),
        }
    }
}

fn differs(received: &[u8], expected: &[u8]) -> Failure {
    let at = received.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(received.len());
    let near = |bytes: &[u8]| bytes.iter().skip(at).take(8).copied().collect::<Vec<u8>>();
    format!(
        "a reply differs from its message: {:02x?} where {:02x?} was expected, at byte {at}",
        near(received),
        near(expected)
    )
    .into()
}
