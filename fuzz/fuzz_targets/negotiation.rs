//! See [`spola_fuzz::negotiation`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::negotiation::check(bytes));
