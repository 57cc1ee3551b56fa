//! See [`spola_fuzz::response`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::response::check(bytes));
