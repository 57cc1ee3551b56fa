//! See [`spola_fuzz::socketio::text`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spola_fuzz::socketio::text::check(bytes));
