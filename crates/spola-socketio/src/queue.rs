use std::collections::VecDeque;

/// A first-in first-out queue whose only element costs no allocation, and which owns no memory
/// once it is empty.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    first: Option<T>,
    rest: VecDeque<T>,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None, rest: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.is_empty() {
            self.first = Some(item);
        } else {
            self.rest.push_back(item);
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        // Asked first: taking what is not there would copy the room for it.
        if self.first.is_some() {
            return self.first.take();
        }
        let item = self.rest.pop_front()?;
        if self.rest.is_empty() {
            self.rest = VecDeque::new();
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn what_comes_first_goes_first() {
        let mut queue = Queue::new();
        let mut popped = Vec::new();
        // Pushes two and pops one, until both parts of the queue have been in every state.
        for n in 0..10 {
            queue.push(2 * n);
            queue.push(2 * n + 1);
            popped.extend(queue.pop());
        }
        popped.extend(std::iter::from_fn(|| queue.pop()));
        assert_eq!(popped, (0..20).collect::<Vec<_>>());
        assert_eq!(queue.rest.capacity(), 0);
    }
}
