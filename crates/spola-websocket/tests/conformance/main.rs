//! A conformance set of our own, for what Autobahn leaves untested: tables of what comes in, what
//! must go out and what must be told. Each row runs in one piece and byte by byte, then against
//! tungstenite; where that differs, the row says how and why, so that a new difference is noticed.
//!
//! Every row is a test of its own: `cargo test --test conformance masking` runs a part of them.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod control;
#[cfg(feature = "deflate")]
mod deflate;
mod framing;
mod handshake;
mod messages;
#[cfg(feature = "deflate")]
mod negotiation;
mod requests;
mod responses;
mod row;
mod slow;
mod wire;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut trials: Vec<Trial> = Vec::new();
    for (table, rows) in [
        ("framing", framing::rows()),
        ("messages", messages::rows()),
        ("control", control::rows()),
        ("closing", closing::rows()),
    ] {
        trials.extend(rows.into_iter().map(|row| row.trial(table)));
    }
    trials.extend(requests::trials());
    trials.extend(responses::trials());
    trials.extend(slow::trials());
    #[cfg(feature = "deflate")]
    {
        trials.extend(deflate::rows().into_iter().map(|row| row.trial("deflate")));
        trials.extend(negotiation::trials());
    }
    let arguments = Arguments::from_args();
    let rows = trials.len();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        println!("{} of {rows} rows ran", conclusion.num_passed + conclusion.num_failed);
    }
    conclusion.exit();
}
