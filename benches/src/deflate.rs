//! The load's side of permessage-deflate (RFC 7692): messages compressed before the run, replies
//! inflated to be checked.

use clap::ValueEnum;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::Failure;

/// The end of a compressed message that is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// A reply that inflates to more is no echo.
const MAX_MESSAGE: usize = 1 << 20;

/// Whether messages may refer to those before them, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Takeover {
    /// Each message is compressed by itself.
    Off,
    /// The context is kept from message to message.
    On,
}

impl Takeover {
    /// What the client offers.
    pub(crate) fn offer(self) -> &'static str {
        match self {
            Self::Off => {
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
            }
            Self::On => "permessage-deflate",
        }
    }
}

pub(crate) struct Deflater {
    stream: Compress,
    takeover: Takeover,
}

impl Deflater {
    pub(crate) fn new(takeover: Takeover) -> Self {
        Self { stream: Compress::new(Compression::default(), false), takeover }
    }

    /// A message's compressed payload.
    pub(crate) fn message(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.takeover == Takeover::Off {
            self.stream.reset();
        }
        let mut output = Vec::with_capacity(text.len() + 64);
        let before = self.stream.total_in();
        loop {
            let taken = usize::try_from(self.stream.total_in() - before)?;
            let rest = text.get(taken..).unwrap_or_default();
            let status = self.stream.compress_vec(rest, &mut output, FlushCompress::Sync)?;
            if status == Status::BufError || output.len() < output.capacity() {
                break;
            }
            output.reserve(text.len() + 64);
        }
        if !output.ends_with(&TAIL) {
            return Err("a compressed message lacks the end of its flush".into());
        }
        output.truncate(output.len() - TAIL.len());
        Ok(output)
    }
}

/// Collects a compressed message, then inflates it.
pub(crate) struct Inflater {
    stream: Decompress,
    takeover: Takeover,
    payload: Vec<u8>,
    text: Vec<u8>,
}

impl Inflater {
    pub(crate) fn new(takeover: Takeover) -> Self {
        let stream = Decompress::new(false);
        Self { stream, takeover, payload: Vec::new(), text: Vec::new() }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.payload.extend_from_slice(piece);
    }

    /// The message whose payload was pushed.
    pub(crate) fn finish(&mut self) -> Result<&[u8], Failure> {
        self.payload.extend_from_slice(&TAIL);
        self.text.clear();
        let before = self.stream.total_in();
        loop {
            let taken = usize::try_from(self.stream.total_in() - before)?;
            let rest = self.payload.get(taken..).unwrap_or_default();
            self.text.reserve(64 << 10);
            let (room, start) = (self.text.capacity(), self.text.len());
            let status = self.stream.decompress_vec(rest, &mut self.text, FlushDecompress::Sync)?;
            let stuck = status != Status::Ok || self.text.len() == start;
            if stuck || self.text.len() < room {
                break;
            }
            if self.text.len() > MAX_MESSAGE {
                return Err("a reply inflates without end".into());
            }
        }
        self.payload.clear();
        if self.takeover == Takeover::Off {
            self.stream.reset(false);
        }
        Ok(&self.text)
    }
}

/// A cycle of texts as a connection sends them: the payloads of the first time, and those of every
/// later time, when each text's context is the end of the cycle before.
///
/// With context takeover the second time's payloads serve for all later ones: what lies within the
/// window before a text is the same then, since texts repeat.
pub(crate) fn cycle(texts: &[Vec<u8>], takeover: Takeover) -> Result<Cycle, Failure> {
    let mut deflater = Deflater::new(takeover);
    let mut once = || texts.iter().map(|text| deflater.message(text)).collect();
    let (first, later): (Result<_, Failure>, _) = (once(), once());
    Ok(Cycle { first: first?, later: later? })
}

pub(crate) struct Cycle {
    pub(crate) first: Vec<Vec<u8>>,
    pub(crate) later: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_cycle_inflates_again_and_again() {
        for takeover in [Takeover::Off, Takeover::On] {
            let texts = json::messages(1024);
            let Cycle { first, later } = cycle(&texts, takeover).unwrap();
            let mut inflater = Inflater::new(takeover);
            for round in [&first, &later, &later, &later] {
                for (payload, text) in round.iter().zip(&texts) {
                    inflater.push(payload);
                    assert!(inflater.finish().unwrap() == text, "{takeover:?}");
                }
            }
        }
    }

    #[test]
    fn a_kept_context_makes_payloads_smaller() {
        let texts = json::messages(1024);
        let len = |takeover| cycle(&texts, takeover).unwrap().later.concat().len();
        assert!(len(Takeover::On) < len(Takeover::Off));
        assert!(len(Takeover::Off) < texts.concat().len() / 2);
    }
}
