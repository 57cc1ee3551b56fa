//! WebSockets over pipes in memory, in virtual time.

mod accept;
mod borrowed;
mod chunks;
mod fairness;
mod harness;
mod split;
mod stream;
mod timers;
