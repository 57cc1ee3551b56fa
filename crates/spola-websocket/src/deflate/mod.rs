//! permessage-deflate (RFC 7692): the negotiation and the codec.
//!
//! [`Options`] say what an endpoint wants. Of them, and of what the other end says, becomes an
//! [`Agreement`], or nothing: the handshake does that, or [`Agreement::accept`], [`offer`] and
//! [`Agreement::from_response`] for those who have a handshake of their own.
//!
//! [`Inflater`] and [`Deflater`] turn the payload of a message into its compressed form and back,
//! piece by piece. Both are DEFLATE contexts that can be reused: with context takeover one lives as
//! long as its connection; without, [`take`](Inflater::take) one for a message and
//! [`give`](Inflater::give) it back, so that an idle connection owns none.
//!
//! What a context costs on the heap: an [`Inflater`] 47 KB, a [`Deflater`] 151 KB with window bits 9
//! and 280 KB with 15, of which 131 KB are a table that every [`reset`](Deflater::reset) clears.

mod deflater;
mod inflater;
mod negotiate;
mod parameters;
mod pool;
pub(crate) mod recent;
#[cfg(test)]
mod tests;

pub use deflater::{Deflater, Flush};
pub use inflater::{InflateError, Inflater, Progress};
pub use negotiate::{Agreement, Direction, Options, offer};
pub(crate) use parameters::NAME;

/// What a sync flush ends with, and the sender of a message leaves out (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The most that a buffer grows by at once, ahead of what was produced.
const STEP: usize = 16 * 1024;
