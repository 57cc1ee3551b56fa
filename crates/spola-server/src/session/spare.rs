//! An empty list of commands for each thread: a session that rests has none, and one that wakes up
//! allocates none.

use std::cell::Cell;

use super::Command;

/// Commands that the list has room for at most.
const KEPT: usize = 64;

thread_local! {
    static SPARE: Cell<Vec<Command>> = const { Cell::new(Vec::new()) };
}

/// A list without commands; perhaps with room for some.
pub(super) fn take() -> Vec<Command> {
    SPARE.take()
}

/// Keeps the room of a list without commands.
pub(super) fn give(commands: Vec<Command>) {
    if commands.is_empty() && (1..=KEPT).contains(&commands.capacity()) {
        SPARE.set(commands);
    }
}
