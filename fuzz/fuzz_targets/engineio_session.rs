//! See [`spola_fuzz::engineio::session`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::engineio::session::check(bytes));
