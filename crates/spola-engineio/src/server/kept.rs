use bytes::Bytes;
use spola_engineio_packet::{WebSocketMessage, event_stream};

use super::queue::{BURST, Queue};

/// What a kept packet weighs by itself, in bytes.
const PACKET_LEN: usize = 64;

/// The packets of an event stream that were sent and may have to be sent again, by number.
#[derive(Debug)]
pub(super) struct Kept {
    packets: Queue<WebSocketMessage, BURST>,
    weight: usize,
    /// The number of the first one that is kept.
    first: u64,
    /// The number of the next one for the stream: of a kept one after the stream was resumed.
    next: u64,
}

/// A number that the client cannot mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misnumbered {
    /// No packet was sent with it.
    NeverSent,
    /// Packets behind it are not kept any more.
    NotKept,
}

impl Kept {
    pub(super) const fn new() -> Self {
        Self { packets: Queue::new(), weight: 0, first: 1, next: 1 }
    }

    /// The client has everything up to this number. Told late, it says nothing new.
    pub(super) fn acknowledge(&mut self, number: u64) -> Result<(), Misnumbered> {
        if number >= self.end() {
            return Err(Misnumbered::NeverSent);
        }
        while self.first <= number {
            self.drop_first();
        }
        self.next = self.next.max(self.first);
        Ok(())
    }

    /// A new stream goes on behind this number.
    pub(super) fn rewind(&mut self, number: u64) -> Result<(), Misnumbered> {
        if number.saturating_add(1) < self.first {
            return Err(Misnumbered::NotKept);
        }
        self.acknowledge(number)?;
        self.next = self.first;
        Ok(())
    }

    /// Whether the stream has all that was sent before it.
    pub(super) fn is_sent(&self) -> bool {
        self.next == self.end()
    }

    /// The event of a packet that has to be sent again, if there is one.
    pub(super) fn send_again(&mut self) -> Option<Bytes> {
        let index = usize::try_from(self.next.checked_sub(self.first)?).ok()?;
        let packet = self.packets.get(index)?.clone();
        let event = event_stream::encode(self.next, packet);
        self.next = self.next.saturating_add(1);
        Some(event)
    }

    /// The event of a packet that is sent for the first time, when no other is left. Older ones are
    /// given up where they weigh more than `limit`.
    pub(super) fn send(&mut self, packet: WebSocketMessage, limit: usize) -> Bytes {
        let event = event_stream::encode(self.next, packet.clone());
        self.weight = self.weight.saturating_add(weight_of(&packet));
        self.packets.push(packet);
        self.next = self.next.saturating_add(1);
        while self.weight > limit && self.packets.len() > 1 {
            self.drop_first();
        }
        event
    }

    fn end(&self) -> u64 {
        self.first.saturating_add(self.packets.len() as u64)
    }

    fn drop_first(&mut self) {
        if let Some(packet) = self.packets.pop() {
            self.weight = self.weight.saturating_sub(weight_of(&packet));
        }
        self.first = self.first.saturating_add(1);
    }
}

fn weight_of(packet: &WebSocketMessage) -> usize {
    packet.len().saturating_add(PACKET_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: u64, limit: usize) -> Kept {
        let mut kept = Kept::new();
        for number in 1..=count {
            let event = kept.send(WebSocketMessage::from_static("4x"), limit);
            assert_eq!(event, format!("id: {number}\ndata: 4x\n\n"));
        }
        kept
    }

    fn again(kept: &mut Kept) -> Vec<String> {
        let events = std::iter::from_fn(|| kept.send_again());
        let ids =
            events.map(|event| String::from_utf8_lossy(&event).lines().next().map(str::to_owned));
        ids.flatten().collect()
    }

    #[test]
    fn what_has_not_arrived_is_sent_again() {
        let mut kept = sent(4, usize::MAX);
        assert!(kept.is_sent());
        assert!(again(&mut kept).is_empty());
        assert_eq!(kept.rewind(2), Ok(()));
        assert!(!kept.is_sent());
        assert_eq!(again(&mut kept), ["id: 3", "id: 4"]);
        assert_eq!(kept.rewind(4), Ok(()));
        assert!(kept.is_sent());
        assert_eq!(kept.weight, 0);
        assert_eq!(kept.send(WebSocketMessage::from_static("4"), 0), "id: 5\ndata: 4\n\n");
    }

    #[test]
    fn acknowledged_packets_are_given_up() {
        let mut kept = sent(4, usize::MAX);
        assert_eq!(kept.acknowledge(3), Ok(()));
        assert_eq!(kept.acknowledge(1), Ok(()));
        assert_eq!((kept.packets.len(), kept.weight), (1, 2 + PACKET_LEN));
        assert_eq!(kept.rewind(2), Err(Misnumbered::NotKept));
        assert_eq!(kept.rewind(3), Ok(()));
        assert_eq!(again(&mut kept), ["id: 4"]);
    }

    #[test]
    fn an_acknowledgement_spares_what_was_to_be_sent_again() {
        let mut kept = sent(4, usize::MAX);
        assert_eq!(kept.rewind(0), Ok(()));
        assert_eq!(kept.acknowledge(3), Ok(()));
        assert_eq!(again(&mut kept), ["id: 4"]);
    }

    #[test]
    fn numbers_never_sent_are_refused() {
        let mut kept = sent(2, usize::MAX);
        for number in [3, 4, u64::MAX] {
            assert_eq!(kept.acknowledge(number), Err(Misnumbered::NeverSent));
            assert_eq!(kept.rewind(number), Err(Misnumbered::NeverSent));
        }
        assert_eq!(again(&mut kept), Vec::<String>::new());
    }

    #[test]
    fn the_oldest_are_given_up_at_the_limit_and_the_last_is_kept() {
        let limit = 3 * (2 + PACKET_LEN);
        let mut kept = sent(5, limit);
        assert_eq!(kept.weight, limit);
        assert_eq!(kept.rewind(1), Err(Misnumbered::NotKept));
        assert_eq!(kept.rewind(2), Ok(()));
        assert_eq!(again(&mut kept), ["id: 3", "id: 4", "id: 5"]);
        let mut kept = sent(5, 0);
        assert_eq!(kept.rewind(4), Ok(()));
        assert_eq!(again(&mut kept), ["id: 5"]);
    }
}
