//! See [`spola_fuzz::engineio::packet`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::engineio::packet::check(bytes));
