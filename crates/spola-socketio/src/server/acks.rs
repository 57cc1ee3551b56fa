use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use spola_socketio_packet::AckId;

/// Names a stay in a namespace, so that deadlines of an earlier stay are not taken for its own.
pub(crate) type StayId = u64;

/// The acknowledgements awaited in one namespace.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    deadlines: BTreeMap<AckId, Option<Instant>>,
}

impl Acks {
    pub(crate) fn len(&self) -> usize {
        self.deadlines.len()
    }

    pub(crate) fn contains(&self, ack: AckId) -> bool {
        self.deadlines.contains_key(&ack)
    }

    pub(crate) fn insert(&mut self, ack: AckId, deadline: Option<Instant>) {
        self.deadlines.insert(ack, deadline);
    }

    /// Forgets an acknowledgement, and says when it was due if it was awaited.
    pub(crate) fn remove(&mut self, ack: AckId) -> Option<Option<Instant>> {
        let deadline = self.deadlines.remove(&ack)?;
        if self.deadlines.is_empty() {
            // An empty map keeps a node; a fresh one owns nothing.
            self.deadlines = BTreeMap::new();
        }
        Some(deadline)
    }

    /// All that are awaited, in order of id, and when each is due.
    pub(crate) fn into_all(self) -> impl Iterator<Item = (AckId, Option<Instant>)> {
        self.deadlines.into_iter()
    }
}

/// The deadlines of all namespaces of a connection, earliest first.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    queue: BTreeSet<(Instant, StayId, AckId)>,
}

impl Deadlines {
    pub(crate) fn first(&self) -> Option<Instant> {
        self.queue.first().map(|(deadline, ..)| *deadline)
    }

    pub(crate) fn insert(&mut self, deadline: Option<Instant>, stay: StayId, ack: AckId) {
        if let Some(deadline) = deadline {
            self.queue.insert((deadline, stay, ack));
        }
    }

    pub(crate) fn remove(&mut self, deadline: Option<Instant>, stay: StayId, ack: AckId) {
        if let Some(deadline) = deadline {
            self.queue.remove(&(deadline, stay, ack));
            self.shrink();
        }
    }

    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<(StayId, AckId)> {
        if self.first()? > now {
            return None;
        }
        let (_, stay, ack) = self.queue.pop_first()?;
        self.shrink();
        Some((stay, ack))
    }

    pub(crate) fn clear(&mut self) {
        self.queue = BTreeSet::new();
    }

    fn shrink(&mut self) {
        if self.queue.is_empty() {
            self.clear();
        }
    }
}
