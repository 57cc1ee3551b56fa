//! See [`spola_fuzz::socketio::messagepack`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::socketio::messagepack::check(bytes));
