use std::time::Duration;

use spola_websocket::{CloseReason, Kind, Violation};

/// What a script came to.
#[derive(Debug, PartialEq)]
pub(super) struct Trace {
    pub(super) moments: Vec<Moment>,
    pub(super) written: Vec<u8>,
    pub(super) reason: CloseReason,
}

/// What there was to see after a step.
#[derive(Debug, PartialEq)]
pub(super) struct Moment {
    pub(super) heard: Vec<Heard>,
    pub(super) buffered: usize,
    /// From the start.
    pub(super) timeout: Option<Duration>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Closed,
}

impl Trace {
    /// Compares what was read in chunks, `self`, with what was read as `whole` messages: where no
    /// limit was in the way that chunks do not have, the same.
    pub(super) fn check_chunks(&self, whole: &Self) {
        let (ours, theirs) = (self.events(), whole.events());
        let limited = matches!(
            whole.reason,
            CloseReason::Violation(
                Violation::MessageTooBig | Violation::TooManyFragments | Violation::MessageTimeout
            )
        );
        // A part of a message is one for the idle timeout, so silence is noted at other times.
        let silent = [&self.reason, &whole.reason]
            .iter()
            .any(|reason| matches!(reason, CloseReason::IdleTimeout | CloseReason::PongTimeout));
        if limited {
            let len = theirs.len() - 1;
            assert_eq!(ours.get(..len), theirs.get(..len));
        } else if !silent {
            assert_eq!(ours, theirs);
            assert_eq!(self.reason, whole.reason);
            assert!(self.written == whole.written, "other bytes were written");
        }
    }

    fn events(&self) -> Vec<&Heard> {
        self.moments.iter().flat_map(|moment| &moment.heard).collect()
    }
}

/// What the application has sent, with success.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Message(Sent),
    /// A message that was not ended.
    Unfinished(Sent),
    Ping(Vec<u8>),
    Close(Vec<u8>),
}

/// A message.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) kind: Kind,
    pub(super) payload: Vec<u8>,
}
