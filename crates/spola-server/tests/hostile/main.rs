//! What hostile clients send, limit by limit: what comes back, that no more memory is held than the
//! limit allows, that it is counted under its reason, that a bystander on the same server notices nothing,
//! and that nothing is left, as the server's own gauges have it too.
//!
//! A test binary of its own, with one test, for it counts what the whole process allocates. The limits
//! of WebSocket's frames have such a table beside their machine.
#![allow(clippy::unwrap_used, reason = "what a test needs is there, or it fails")]

mod arena;
mod engine;
mod framing;
#[expect(dead_code, unused_imports, reason = "it serves the tests at the wire")]
#[path = "../wire/harness/mod.rs"]
mod harness;
mod http;
mod message_pack;
mod namespaces;
mod outgoing;
mod packets;
mod payloads;
mod recovery;
mod site;
mod sse;

use peak_alloc::PeakAlloc;

use crate::arena::{Arena, Row};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;

#[test]
fn hostile_clients_meet_the_limits_and_nobody_else_does() {
    let tables = [
        http::rows(),
        framing::rows(),
        engine::rows(),
        payloads::rows(),
        sse::rows(),
        packets::rows(),
        message_pack::rows(),
        namespaces::rows(),
        outgoing::rows(),
        recovery::rows(),
    ];
    let mut failures = 0;
    for row in tables.into_iter().flatten() {
        failures += usize::from(!holds(&row));
    }
    assert_eq!(failures, 0, "rows that do not hold");
}

fn holds(row: &Row) -> bool {
    let mut arena = Arena::open(row);
    let (tasks, gauges) = (arena.world.runtime.tasks(), arena.gauges());
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let seen = (row.attack)(&mut arena);
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    let rejects = arena.rejects();
    arena.bystander.echoes();
    arena.advance_seconds(90);
    arena.bystander.echoes();
    arena.log.take();
    let left = (arena.world.runtime.tasks() - tasks, arena.world.io().session_count() - 1);
    let rest = ALLOCATOR.current_usage().saturating_sub(before);
    let now = arena.gauges();
    let changed: Vec<_> = gauges.iter().zip(&now).filter(|(then, now)| then != now).collect();

    let name = format!("{}: {}", row.limit, row.case);
    println!("{name:<70} peak {:>6} KiB, then {:>4}", peak / KIB, rest / KIB);
    let wrong = [
        (seen != row.expect).then(|| format!("saw {seen:?} instead of {:?}", row.expect)),
        (peak > row.peak).then(|| format!("{peak} bytes held, {} allowed", row.peak)),
        (rest > row.rest).then(|| format!("{rest} bytes left, {} allowed", row.rest)),
        (rejects != row.rejects)
            .then(|| format!("counted {rejects:?} instead of {:?}", row.rejects)),
        (!changed.is_empty()).then(|| format!("gauges then and now: {changed:?}")),
        (left != (0, 0)).then(|| format!("tasks and sessions left: {left:?}")),
    ];
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    for problem in &wrong {
        println!("    FAILED: {problem}");
    }
    wrong.is_empty()
}
