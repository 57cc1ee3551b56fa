//! See [`spola_fuzz::differential`].
#![no_main]

use spola_fuzz::differential::Stream;

libfuzzer_sys::fuzz_target!(|stream: Stream| stream.check());
