//! A connection from its first byte to its last: what comes in, in whatever pieces, what the
//! application does meanwhile, and how time passes.
//!
//! - [`Session`] is the script, read from the fuzzer's bytes; [`Session::to_bytes`] writes one.
//! - [`Session::check`] plays it with the input in one piece, in pieces, and through the door for
//!   large payloads: each time the connection must tell and write the same.
//! - What it writes is read back by a reader of the target's own.
//! - The memory it holds is bounded by what has arrived.

mod input;
mod memory;
mod play;
mod script;
mod written;

pub use input::{Frame, Payload};
pub use script::{Limits, Session, Step};

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
        let whole = play::play(self, role, play::Delivery::Whole);
        for delivery in [play::Delivery::Pieces(self.piece()), play::Delivery::Straight] {
            assert_eq!(play::play(self, role, delivery), whole, "{delivery:?}");
        }
        memory::check(self, role);
    }
}
