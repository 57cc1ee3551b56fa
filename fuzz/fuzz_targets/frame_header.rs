//! See [`spola_fuzz::frame_header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::frame_header::check(bytes));
