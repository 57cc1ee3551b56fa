//! The stays of those who have gone, and may come back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use bytestring::ByteString;
use spola_engineio::Sid;
use spola_socketio_packet::Value;

use super::budget::Budget;
use crate::dynamic::Lease;
use crate::extensions::Extensions;
use crate::reject_reason::RejectReason;
use crate::socket_id::SocketId;

/// A client's time in a namespace, over however many connections.
#[derive(Clone, Copy)]
pub(crate) struct Stay {
    /// The secret by which it may be asked for.
    pub(crate) pid: Sid,
    /// How far the log had come when it began.
    pub(crate) since: u64,
}

/// What is left of a socket whose client has gone. What it owns is the application's, and may do
/// anything when it is dropped: that never happens under a lock.
pub(crate) struct Left {
    pub(crate) stay: Stay,
    pub(crate) id: SocketId,
    /// In order of name, without its own.
    pub(crate) rooms: Vec<ByteString>,
    pub(crate) data: Value,
    pub(crate) extensions: Arc<Extensions>,
    pub(crate) at: Instant,
    /// Keeps a dynamic namespace.
    pub(crate) _lease: Option<Lease>,
}

impl Left {
    pub(super) fn is_in(&self, room: &ByteString) -> bool {
        *self.id.as_str() == **room || self.rooms.binary_search(room).is_ok()
    }
}

/// Stays, the longest left first.
pub(super) struct Stays {
    budget: Arc<Budget>,
    kept: BTreeMap<u64, Kept>,
    numbers: HashMap<Sid, u64>,
    /// The public ids.
    ids: HashSet<SocketId>,
    next: u64,
}

struct Kept {
    left: Left,
    /// Whether it can be asked for at present.
    open: bool,
}

impl Stays {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        let (kept, numbers, ids) = (BTreeMap::new(), HashMap::new(), HashSet::new());
        Self { budget, kept, numbers, ids, next: 0 }
    }

    /// Keeps what is left of a socket, not open yet. What is forgotten for it is returned.
    pub(super) fn keep(&mut self, left: Left) -> Vec<Left> {
        self.next += 1;
        self.numbers.insert(left.stay.pid, self.next);
        self.ids.insert(left.id);
        self.kept.insert(self.next, Kept { left, open: false });
        self.budget.sessions.add(1);
        let mut forgotten = Vec::new();
        while self.budget.sessions.is_over()
            && let Some(first) = self.take_first()
        {
            self.budget.meters.reject(RejectReason::RecoverySessions);
            forgotten.push(first);
        }
        forgotten
    }

    /// From now on it can be asked for.
    pub(super) fn open(&mut self, pid: Sid) {
        if let Some(kept) = self.get_mut(pid) {
            kept.open = true;
        }
    }

    /// One that can be asked for, and from now on cannot.
    pub(super) fn close(&mut self, pid: Sid) -> Option<&Left> {
        let kept = self.get_mut(pid)?;
        std::mem::replace(&mut kept.open, false).then_some(&kept.left)
    }

    pub(super) fn take(&mut self, pid: Sid) -> Option<Left> {
        let kept = self.kept.remove(self.numbers.get(&pid)?)?;
        Some(self.forget(kept))
    }

    /// Takes out those who left too long ago.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Left> {
        let longest = self.budget.settings.max_disconnection_duration;
        let mut expired = Vec::new();
        while let Some((_, first)) = self.kept.first_key_value()
            && now.saturating_duration_since(first.left.at) > longest
        {
            expired.extend(self.take_first());
        }
        if self.kept.is_empty() {
            (self.numbers, self.ids) = (HashMap::new(), HashSet::new());
        }
        expired
    }

    /// Whether somebody of this public id may come back.
    pub(super) fn has(&self, id: SocketId) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn get_mut(&mut self, pid: Sid) -> Option<&mut Kept> {
        self.kept.get_mut(self.numbers.get(&pid)?)
    }

    fn take_first(&mut self) -> Option<Left> {
        let (_, kept) = self.kept.pop_first()?;
        Some(self.forget(kept))
    }

    fn forget(&mut self, kept: Kept) -> Left {
        self.numbers.remove(&kept.left.stay.pid);
        self.ids.remove(&kept.left.id);
        self.budget.sessions.subtract(1);
        kept.left
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        self.budget.sessions.subtract(self.kept.len());
    }
}
