//! See [`spola_fuzz::deflate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::deflate::check(bytes));
