//! The events of a namespace, for those who may have missed them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::budget::Budget;
use super::offset;
use super::stays::Left;
use crate::outbound::Outbound;
use crate::reject_reason::RejectReason;
use crate::rooms::Selection;
use crate::socket_id::SocketId;

/// What an event weighs beside its own bytes.
const ENTRY_LEN: usize = 256;

/// Characters of a log's name: offsets of another log are not taken for its own.
const NAME_LEN: usize = 4;

/// Whom an event is for.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// One client, whoever else is in a room of that name.
    One(SocketId),
    /// A selection, less one socket.
    Many { selection: Selection, but: Option<SocketId> },
}

/// Events, numbered from 1.
pub(super) struct Log {
    budget: Arc<Budget>,
    /// Made of chance when the first client comes.
    name: String,
    entries: VecDeque<Entry>,
    /// The number of the last event.
    last: u64,
    /// The number of the last event that was forgotten for want of room.
    lost: u64,
    /// The number of the last event that is so old that whoever lives has got it.
    aged: u64,
    /// How far the log had come at some moments.
    marks: VecDeque<(Instant, u64)>,
}

struct Entry {
    number: u64,
    event: Outbound,
    audience: Audience,
}

impl Log {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        let (name, entries, marks) = (String::new(), VecDeque::new(), VecDeque::new());
        Self { budget, name, entries, last: 0, lost: 0, aged: 0, marks }
    }

    /// A client comes, the first or another.
    pub(super) fn name_by(&mut self, chance: SocketId) {
        if self.name.is_empty() {
            self.name = chance.as_str().chars().take(NAME_LEN).collect();
        }
    }

    /// The number of the last event: where somebody stands who needs none of those before.
    pub(super) fn position(&self) -> u64 {
        self.last
    }

    /// The offset of the event that comes next. A volatile one has that of the last.
    pub(super) fn next_offset(&self, volatile: bool) -> String {
        offset::encode(&self.name, self.last + u64::from(!volatile))
    }

    /// The number of the event that has this offset.
    pub(super) fn position_at(&self, offset: &str) -> Option<u64> {
        offset::decode(&self.name, offset).filter(|number| *number <= self.last)
    }

    /// Numbers an event, and keeps it if it `matters` to anybody.
    pub(super) fn append(&mut self, event: Outbound, audience: Audience, matters: bool) {
        self.last += 1;
        if !matters {
            return;
        }
        let entry = Entry { number: self.last, event, audience };
        self.budget.packets.add(1);
        self.budget.bytes.add(entry.weight());
        self.entries.push_back(entry);
        while self.budget.packets.is_over() || self.budget.bytes.is_over() {
            let Some(number) = self.forget_first() else { return };
            self.lost = number;
            self.budget.meters.reject(RejectReason::RecoveryPackets);
        }
    }

    /// What somebody who left, and has got all up to `position`, has missed, in order; `None` if that
    /// is not all here any more, or more than may be sent.
    pub(super) fn missed(&self, left: &Left, position: u64) -> Option<Vec<Outbound>> {
        if position.max(self.aged) < self.lost {
            return None;
        }
        let settings = &self.budget.settings;
        let first = self.entries.partition_point(|entry| entry.number <= position);
        let (mut missed, mut bytes) = (Vec::new(), 0_usize);
        for entry in self.entries.range(first..).filter(|entry| entry.audience.has(left)) {
            bytes = bytes.saturating_add(entry.event.size());
            if missed.len() >= settings.max_replayed_packets || bytes > settings.max_replayed_bytes
            {
                return None;
            }
            missed.push(entry.event.clone());
        }
        Some(missed)
    }

    /// Forgets the events that are too old, as far as that is known.
    pub(super) fn expire(&mut self, now: Instant) {
        self.marks.push_back((now, self.last));
        while let Some((at, number)) = self.marks.front()
            && now.saturating_duration_since(*at) >= self.budget.retention
        {
            self.aged = *number;
            self.marks.pop_front();
        }
        while self.entries.front().is_some_and(|entry| entry.number <= self.aged) {
            self.forget_first();
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn forget_first(&mut self) -> Option<u64> {
        let entry = self.entries.pop_front()?;
        self.budget.packets.subtract(1);
        self.budget.bytes.subtract(entry.weight());
        Some(entry.number)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        while self.forget_first().is_some() {}
    }
}

impl Entry {
    fn weight(&self) -> usize {
        let names = match &self.audience {
            Audience::One(_) => 0,
            Audience::Many { selection: Selection { rooms, except }, .. } => {
                rooms.iter().chain(except).map(|room| room.len()).sum()
            }
        };
        self.event.max_size().saturating_add(names + ENTRY_LEN)
    }
}

impl Audience {
    /// Whether somebody who left is among them.
    fn has(&self, left: &Left) -> bool {
        match self {
            Self::One(id) => *id == left.id,
            Self::Many { selection: Selection { rooms, except }, but } => {
                *but != Some(left.id)
                    && (rooms.is_empty() || rooms.iter().any(|room| left.is_in(room)))
                    && !except.iter().any(|room| left.is_in(room))
            }
        }
    }
}
