//! See [`spola_fuzz::socketio::connection`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::socketio::connection::check(bytes));
