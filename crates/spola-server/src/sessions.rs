//! The table of sessions.

use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use spola_engineio::Sid;

use crate::by_id::ById;
use crate::session::{Command, SessionHandle};
use crate::statistics::Statistics;

/// Every session, by its secret id.
#[derive(Default)]
pub(crate) struct Sessions {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    live: ById<Sid, Arc<SessionHandle>>,
    /// Sessions that have closed, but whose tasks still write or run handlers.
    ending: ById<Sid, Arc<SessionHandle>>,
    closing: bool,
    drained: Vec<Waker>,
}

/// Why a session was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// The server lets nobody in any more.
    Closing,
    /// It has as many sessions as it may.
    Full,
    /// Another session has the id.
    Taken,
}

impl Sessions {
    /// Adds a session, if that makes no more than `max`.
    pub(crate) fn insert(
        &self,
        session: Arc<SessionHandle>,
        max: Option<usize>,
    ) -> Result<(), NotOpened> {
        let (mut table, sid) = (self.lock(), session.sid());
        if table.closing {
            return Err(NotOpened::Closing);
        }
        if max.is_some_and(|max| table.live.len() >= max) {
            return Err(NotOpened::Full);
        }
        if table.ending.contains_key(&sid) {
            return Err(NotOpened::Taken);
        }
        match table.live.entry(sid) {
            Entry::Occupied(_) => Err(NotOpened::Taken),
            Entry::Vacant(vacant) => {
                vacant.insert(session);
                Ok(())
            }
        }
    }

    pub(crate) fn find(&self, sid: &Sid) -> Option<Arc<SessionHandle>> {
        self.lock().live.get(sid).cloned()
    }

    /// A session has closed: nobody finds it any more.
    pub(crate) fn remove(&self, sid: &Sid) {
        let mut table = self.lock();
        if let Some(session) = table.live.remove(sid) {
            table.ending.insert(*sid, session);
        }
    }

    /// A session's task, its handlers included, has ended.
    pub(crate) fn task_ended(&self, sid: &Sid) {
        let mut table = self.lock();
        table.live.remove(sid);
        table.ending.remove(sid);
        if table.is_empty() {
            let wakers = std::mem::take(&mut table.drained);
            drop(table);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn add_to(&self, statistics: &mut Statistics) {
        let table = self.lock();
        (statistics.sessions, statistics.closing_sessions) = (table.live.len(), table.ending.len());
        for session in table.live.values().chain(table.ending.values()) {
            session.add_to(statistics);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().live.len()
    }

    pub(crate) fn close(&self) {
        let sessions: Vec<_> = {
            let mut table = self.lock();
            table.closing = true;
            table.live.values().cloned().collect()
        };
        for session in sessions {
            session.push(Command::Shutdown);
        }
    }

    /// Ends what [`close`](Self::close) has left.
    pub(crate) fn abort(&self) {
        let sessions: Vec<_> = {
            let table = self.lock();
            table.live.values().chain(table.ending.values()).cloned().collect()
        };
        for session in sessions {
            session.push(Command::Abort);
        }
    }

    pub(crate) async fn drained(&self) {
        poll_fn(|cx| {
            let mut table = self.lock();
            if table.is_empty() {
                return Poll::Ready(());
            }
            if !table.drained.iter().any(|waker| waker.will_wake(cx.waker())) {
                table.drained.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn is_empty(&self) -> bool {
        self.live.is_empty() && self.ending.is_empty()
    }
}
