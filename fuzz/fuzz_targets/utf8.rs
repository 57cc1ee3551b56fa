//! See [`spola_fuzz::utf8`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::utf8::check(bytes));
