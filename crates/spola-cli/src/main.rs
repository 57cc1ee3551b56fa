//! The program `spola`.
fn main() {}
