//! Broadcasts under way: one connection asks, and all receive.

use std::collections::VecDeque;

use crate::Failure;

/// Which deliveries are still to come. Every connection receives every broadcast, in order.
pub(super) struct Casts {
    /// Deliveries each connection has had.
    delivered: Vec<usize>,
    /// Deliveries missing of each broadcast under way, the oldest first.
    missing: VecDeque<usize>,
    /// Broadcasts that have reached everybody.
    complete: usize,
}

impl Casts {
    pub(super) fn new(connections: usize) -> Self {
        Self { delivered: vec![0; connections], missing: VecDeque::new(), complete: 0 }
    }

    /// One more is under way.
    pub(super) fn begin(&mut self) {
        self.missing.push_back(self.delivered.len());
    }

    /// A connection has received `count` more. How many broadcasts are complete by that.
    ///
    /// # Errors
    /// If there were not so many.
    pub(super) fn deliver(&mut self, connection: usize, count: usize) -> Result<usize, Failure> {
        let delivered = self.delivered.get_mut(connection).ok_or("an unknown connection")?;
        for _ in 0..count {
            let missing = self.missing.get_mut(*delivered - self.complete);
            *missing.ok_or("more deliveries than broadcasts")? -= 1;
            *delivered += 1;
        }
        let before = self.complete;
        while self.missing.front() == Some(&0) {
            self.missing.pop_front();
            self.complete += 1;
        }
        Ok(self.complete - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_is_complete_when_the_last_has_it() {
        let mut casts = Casts::new(3);
        casts.begin();
        casts.begin();
        assert_eq!(casts.deliver(0, 2).unwrap(), 0);
        assert_eq!(casts.deliver(1, 1).unwrap(), 0);
        assert_eq!(casts.deliver(2, 2).unwrap(), 1);
        assert_eq!(casts.deliver(1, 1).unwrap(), 1);
        assert!(casts.deliver(1, 1).is_err());
    }
}
