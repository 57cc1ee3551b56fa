//! See [`spola_fuzz::session`].
#![no_main]

use spola_fuzz::session::{Role, Session};

libfuzzer_sys::fuzz_target!(|session: Session| session.check(Role::Server));
