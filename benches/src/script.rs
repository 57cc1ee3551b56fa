//! What each connection sends: prebuilt frames, once a beginning and then a cycle for ever.

/// Frames in a row. A message's number and a byte's position both stay below the end of the first
/// cycle, and go back by one cycle when they reach it.
pub(crate) struct Script {
    /// The beginning, a cycle, and `in_flight` frames more, so that any turn's lie side by side.
    bytes: Vec<u8>,
    /// Where each frame of `bytes` ends.
    ends: Vec<usize>,
    /// Frames of the beginning and a cycle.
    wrap: usize,
    /// Frames of a cycle.
    cycle: usize,
}

impl Script {
    /// At most `in_flight` frames are asked for at a time.
    pub(crate) fn new(beginning: &[Vec<u8>], cycle: &[Vec<u8>], in_flight: usize) -> Self {
        let wrap = beginning.len() + cycle.len();
        let frames = beginning.iter().chain(cycle.iter().cycle()).take(wrap + in_flight);
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for frame in frames {
            bytes.extend_from_slice(frame);
            ends.push(bytes.len());
        }
        Self { bytes, ends, wrap, cycle: cycle.len() }
    }

    /// Bytes of `count` frames from number `first` on.
    pub(crate) fn len_of(&self, first: usize, count: usize) -> usize {
        self.end(first + count) - self.end(first)
    }

    /// The number of the frame that follows `count` from `first` on.
    pub(crate) fn after(&self, first: usize, count: usize) -> usize {
        let next = first + count;
        if next < self.wrap {
            next
        } else {
            self.wrap - self.cycle + (next - self.wrap) % self.cycle
        }
    }

    /// `len` bytes from `position` on.
    pub(crate) fn bytes(&self, position: usize, len: usize) -> &[u8] {
        self.bytes.get(position..position + len).unwrap_or_default()
    }

    /// Where the next byte is once `len` from `position` on were sent.
    pub(crate) fn after_bytes(&self, position: usize, len: usize) -> usize {
        let (next, wrap) = (position + len, self.end(self.wrap));
        let back = self.end(self.wrap - self.cycle);
        if next < wrap { next } else { back + (next - wrap) % (wrap - back) }
    }

    /// Where the first `count` frames end.
    fn end(&self, count: usize) -> usize {
        let last = count.checked_sub(1).and_then(|last| self.ends.get(last));
        last.copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_any_size_make_one_row() {
        let frame = |n: u8| vec![n; usize::from(n)];
        let (beginning, cycle) = (vec![frame(9)], vec![frame(1), frame(2), frame(3)]);
        let all: Vec<_> = beginning.iter().chain(cycle.iter().cycle()).take(60).cloned().collect();
        for counts in [vec![1; 12], vec![2; 9], vec![3, 1, 2, 3, 3], vec![5; 5]] {
            let script = Script::new(&beginning, &cycle, 5);
            let (mut frame, mut position, mut sent) = (0, 0, Vec::new());
            let total: usize = counts.iter().sum();
            for count in counts {
                let len = script.len_of(frame, count);
                // A write may take a part only.
                for part in [len / 2, len - len / 2] {
                    sent.extend_from_slice(script.bytes(position, part));
                    position = script.after_bytes(position, part);
                }
                frame = script.after(frame, count);
            }
            assert_eq!(sent, all[..total].concat());
        }
    }
}
