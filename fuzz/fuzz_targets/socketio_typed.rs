//! See [`spola_fuzz::socketio::typed`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::socketio::typed::check(bytes));
