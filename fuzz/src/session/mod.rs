//! A connection from its first byte to its last: what comes in, in whatever pieces, what the
//! application does meanwhile, and how time passes.
//!
//! - [`Session`] is the script, read from the fuzzer's bytes; [`Session::to_bytes`] writes one.
//! - [`Session::check`] plays it with the input in one piece and in pieces: each time the connection
//!   must tell and write the same. Read in chunks, the same messages must come together.
//! - What it writes is read back by a reader of the target's own.
//! - The memory it holds is bounded by what has arrived, and in chunks by one read.

mod chunks;
mod input;
mod memory;
mod play;
mod script;
mod trace;
mod written;

use memory::Depth;
use play::Delivery;

pub use input::{Frame, Payload};
pub use script::{Compression, Limits, Session, Step};

/// Which end of the connection is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Expects masked frames.
    Server,
    /// Masks its own.
    Client,
}

impl Session {
    /// Checks one script.
    ///
    /// # Panics
    /// When a rule is broken.
    pub fn check(&self, role: Role) {
        let whole = play::play(self, role, Delivery::Whole);
        assert_eq!(play::play(self, role, Delivery::Pieces(self.piece())), whole);
        for size in [self.piece(), usize::MAX] {
            play::play(self, role, Delivery::Chunks(size)).check_chunks(&whole);
            play::play(self, role, Delivery::Mixed(size));
        }
        memory::check(self, role, Depth::Messages);
        memory::check(self, role, Depth::Chunks);
    }
}
