//! The table of sessions.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use spola_engineio::Sid;

use crate::session::{Command, SessionHandle};

/// Every live session, by its secret id.
#[derive(Default)]
pub(crate) struct Sessions {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    live: HashMap<Sid, Arc<SessionHandle>>,
    /// Tasks that have not ended: a closed session's handlers may still run.
    tasks: usize,
    closing: bool,
    drained: Vec<Waker>,
}

/// The server lets nobody in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closing;

impl Sessions {
    pub(crate) fn insert(&self, session: Arc<SessionHandle>) -> Result<(), Closing> {
        let mut table = self.lock();
        if table.closing {
            return Err(Closing);
        }
        table.live.insert(session.sid(), session);
        table.tasks += 1;
        Ok(())
    }

    pub(crate) fn find(&self, sid: &Sid) -> Option<Arc<SessionHandle>> {
        self.lock().live.get(sid).cloned()
    }

    /// A session has closed: nobody finds it any more.
    pub(crate) fn remove(&self, sid: &Sid) {
        self.lock().live.remove(sid);
    }

    /// A session's task, its handlers included, has ended.
    pub(crate) fn task_ended(&self) {
        let mut table = self.lock();
        table.tasks = table.tasks.saturating_sub(1);
        if table.tasks == 0 {
            table.drained.drain(..).for_each(Waker::wake);
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

    pub(crate) async fn drained(&self) {
        poll_fn(|cx| {
            let mut table = self.lock();
            if table.tasks == 0 {
                return Poll::Ready(());
            }
            table.drained.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
