//! The server at the wire: bytes in, bytes out, on a clock that moves only when told.

mod errors;
mod harness;
mod heartbeat;
mod polling;
mod upgrade;
