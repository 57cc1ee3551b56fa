//! See [`spola_fuzz::inflate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::inflate::check(bytes));
