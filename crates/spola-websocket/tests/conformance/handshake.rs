//! Handshakes with tungstenite, in memory.

use std::io::{self, Read, Write};

/// How a handshake came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepts,
    Refuses,
    /// It wants more bytes.
    Waits,
}

/// What tungstenite makes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tungstenite {
    Same,
    /// It comes out otherwise, and why.
    Differs(Verdict, &'static str),
}

impl Tungstenite {
    /// Compares our verdict with theirs.
    pub(crate) fn check(self, ours: Verdict, theirs: Verdict) -> Result<(), String> {
        let (expected, why) = match self {
            Self::Same => (ours, "it should do as we do"),
            Self::Differs(verdict, why) => (verdict, why),
        };
        if theirs != expected {
            return Err(format!("tungstenite {theirs:?}, not {expected:?}: {why}"));
        }
        if ours == expected && self != Self::Same {
            return Err(format!("no difference, but the row says: {why}"));
        }
        Ok(())
    }
}

/// A stream that answers what is written with what a function makes of it, and then waits.
pub(crate) struct Answering<F> {
    written: Vec<u8>,
    answer: Option<F>,
    unread: io::Cursor<Vec<u8>>,
}

impl<F: FnOnce(&[u8]) -> Vec<u8>> Answering<F> {
    pub(crate) fn new(answer: F) -> Self {
        Self { written: Vec::new(), answer: Some(answer), unread: io::Cursor::default() }
    }
}

impl<F: FnOnce(&[u8]) -> Vec<u8>> Read for Answering<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(answer) = self.answer.take() {
            self.unread = io::Cursor::new(answer(&self.written));
        }
        match self.unread.read(buf)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }
}

impl<F> Write for Answering<F> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
