//! Engine.IO: packets and payloads of both revisions, and a session.

pub mod packet;
pub mod session;
