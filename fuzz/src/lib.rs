//! What the fuzz targets check. Each target in `fuzz_targets/` is one line that calls in here, so
//! that the seeds can also be replayed by an ordinary test.
//!
//! The memory bounds are checked by counting what is allocated, so this library brings its own
//! allocator.
#![forbid(unsafe_code)]

pub mod deflate;
pub mod differential;
pub mod engineio;
pub mod frame_header;
pub mod inflate;
pub mod negotiation;
#[path = "../../crates/spola-websocket/tests/common/oracle.rs"]
#[allow(missing_docs)]
pub mod oracle;
pub mod request;
pub mod response;
pub mod session;
pub mod socketio;
pub mod utf8;

/// Counts the bytes that are allocated.
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Bytes allocated at present.
fn allocated() -> usize {
    ALLOCATOR.current_usage()
}

/// Cuts the first byte off as a number; 0 if there is none.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    match bytes.split_first() {
        Some((&first, rest)) => (usize::from(first), rest),
        None => (0, bytes),
    }
}
