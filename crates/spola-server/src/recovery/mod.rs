//! Connection state recovery (§20): a client that comes back soon finds its stay as it was, and gets
//! what it missed.
//!
//! One [`Recovery`] belongs to a namespace: the log of its events and the stays of those who have gone,
//! both in memory, and both bounded by the [`Budget`] of the server. It is the only place that knows
//! how they are kept, so that a cluster's adapter can keep them elsewhere.

mod budget;
mod log;
mod offset;
mod stays;

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use serde::Deserialize;
use spola_driver::Runtime;
use spola_engineio::Sid;
use spola_socketio_packet::Value;

use crate::emit::EmitError;
use crate::extensions::Extensions;
use crate::outbound::Outbound;
use crate::reject_reason::RejectReason;
use crate::socket_id::SocketId;
use log::Log;
use stays::Stays;

pub(crate) use budget::Budget;
pub use budget::ConnectionStateRecovery;
pub(crate) use log::Audience;
pub(crate) use stays::{Left, Stay};

/// Time between two looks at what is too old.
const SWEEP: Duration = Duration::from_secs(60);

/// What a namespace remembers.
pub(crate) struct Recovery {
    budget: Arc<Budget>,
    state: Mutex<State>,
}

struct State {
    log: Log,
    stays: Stays,
    /// Clients that are connected, and may lose their connection.
    connected: usize,
    /// A task looks after what is too old.
    swept: bool,
}

/// A client that wants to come back, and may.
pub(crate) struct Claim {
    pub(crate) id: SocketId,
    pub(crate) data: Value,
    pub(crate) extensions: Arc<Extensions>,
    pid: Sid,
    /// The number of the last event that it has.
    position: u64,
}

impl Recovery {
    pub(crate) fn new(budget: Arc<Budget>) -> Arc<Self> {
        let (log, stays) = (Log::new(Arc::clone(&budget)), Stays::new(Arc::clone(&budget)));
        let state = Mutex::new(State { log, stays, connected: 0, swept: false });
        Arc::new(Self { budget, state })
    }

    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    pub(crate) fn skips_middlewares(&self) -> bool {
        self.budget.settings.skip_middlewares
    }

    /// Delivers an event, `encode`d with its offset, and remembers it if that was done, or if the one
    /// client that it is for may come back. A volatile event is not remembered, but has an offset too:
    /// it says how far its receiver has come.
    ///
    /// All events of the namespace pass here one after the other, so that everybody gets them in the
    /// order of their offsets.
    pub(crate) fn record<T: Default>(
        &self,
        audience: Audience,
        volatile: bool,
        encode: impl FnOnce(&str) -> Outbound,
        deliver: impl FnOnce(Outbound) -> Result<T, EmitError>,
    ) -> Result<T, EmitError> {
        let mut state = self.lock();
        let event = encode(&state.log.next_offset(volatile));
        let delivered = match deliver(event.clone()) {
            Err(EmitError::Disconnected) if state.awaits(&audience) => T::default(),
            delivered => delivered?,
        };
        if !volatile {
            let matters = state.connected > 0 || !state.stays.is_empty();
            state.log.append(event, audience, matters);
        }
        Ok(delivered)
    }

    /// A client comes in anew: `enter` makes its socket a member. It can come back if it gets a `pid`.
    pub(crate) fn begin(
        &self,
        chance: SocketId,
        pid: Option<Sid>,
        enter: impl FnOnce(),
    ) -> Option<Stay> {
        let mut state = self.lock();
        state.log.name_by(chance);
        enter();
        let stay = Stay { pid: pid?, since: state.log.position() };
        state.connected += 1;
        Some(stay)
    }

    /// The stay that a client asks for by what it sent to connect. Until it has come in, or the stay is
    /// [opened](Self::open) again, nobody else can ask for it.
    pub(crate) fn claim(&self, now: Instant, auth: &str) -> Option<Claim> {
        let asked = serde_json::from_str(auth).ok()?;
        let claim = self.claim_asked(now, asked);
        if claim.is_none() {
            self.budget.meters.reject(RejectReason::RecoveryRefused);
        }
        claim
    }

    fn claim_asked(&self, now: Instant, Asked { pid, offset }: Asked<'_>) -> Option<Claim> {
        let pid = pid.parse().ok()?;
        let mut state = self.lock();
        let State { log, stays, .. } = &mut *state;
        let position = match offset {
            Some(offset) => log.position_at(offset)?,
            None => 0,
        };
        let left = stays.close(pid)?;
        if now.saturating_duration_since(left.at) > self.budget.settings.max_disconnection_duration
        {
            return None;
        }
        // Never before it came: it is not to see what was none of its business.
        let position = position.max(left.stay.since);
        let (id, data, extensions) = (left.id, left.data.clone(), Arc::clone(&left.extensions));
        Some(Claim { id, data, extensions, pid, position })
    }

    /// A client comes back: `enter` makes its socket a member, in its former rooms. Gives what it
    /// missed; `None` if that is not to be had any more, and neither is the stay.
    pub(crate) fn resume(
        &self,
        claim: &Claim,
        enter: impl FnOnce(&[ByteString]),
    ) -> Option<(Stay, Vec<Outbound>)> {
        let mut state = self.lock();
        let left = state.stays.take(claim.pid);
        let missed = left.as_ref().and_then(|left| state.log.missed(left, claim.position));
        if let (Some(left), Some(_)) = (&left, &missed) {
            enter(&left.rooms);
            state.connected += 1;
        } else {
            self.budget.meters.reject(RejectReason::RecoveryRefused);
        }
        drop(state);
        Some((left?.stay, missed?))
    }

    /// A client has gone: `exit` takes its socket out of the namespace, and gives what there is to
    /// restore. That is kept, and can be asked for once it is [opened](Self::open).
    pub(crate) fn leave(&self, exit: impl FnOnce() -> Option<Left>) {
        let mut state = self.lock();
        state.connected = state.connected.saturating_sub(1);
        let forgotten = exit().map(|left| state.stays.keep(left));
        drop(state);
        let_go(forgotten.unwrap_or_default());
    }

    /// Lets a stay be asked for.
    pub(crate) fn open(&self, pid: Sid) {
        self.lock().stays.open(pid);
    }

    /// Whether the caller has to see to a [`sweep`].
    pub(crate) fn needs_sweep(&self) -> bool {
        !std::mem::replace(&mut self.lock().swept, true)
    }

    /// Forgets what is too old; `false` if nothing is left to look after.
    fn forget_old(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let expired = state.stays.expire(now);
        state.log.expire(now);
        let rest = state.connected > 0 || !state.stays.is_empty() || !state.log.is_empty();
        state.swept = rest;
        drop(state);
        let_go(expired);
        rest
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the one whom an event is for is away.
    fn awaits(&self, audience: &Audience) -> bool {
        matches!(audience, Audience::One(id) if self.stays.has(*id))
    }
}

impl Claim {
    pub(crate) fn pid(&self) -> Sid {
        self.pid
    }
}

/// Whom a client says it was, and the last event that it says it has. Texts with escapes are none of
/// ours.
#[derive(Deserialize)]
struct Asked<'a> {
    pid: &'a str,
    #[serde(borrow)]
    offset: Option<&'a str>,
}

/// Looks after what is too old, for as long as there is anything, and the namespace.
pub(crate) fn sweep(
    recovery: &Arc<Recovery>,
    runtime: Arc<dyn Runtime>,
) -> impl Future<Output = ()> + Send + use<> {
    let period = recovery.budget.settings.max_disconnection_duration;
    let period = period.clamp(Duration::from_secs(1), SWEEP);
    let recovery = Arc::downgrade(recovery);
    async move {
        let mut timer = runtime.timer();
        loop {
            timer.set(Some(runtime.now() + period));
            poll_fn(|cx| timer.poll_expired(cx)).await;
            let rest = recovery.upgrade().is_some_and(|at| at.forget_old(runtime.now()));
            if !rest {
                return;
            }
        }
    }
}

/// What others have left may panic when it is dropped: not at the cost of who happens to do it.
fn let_go(forgotten: Vec<Left>) {
    for left in forgotten {
        if catch_unwind(AssertUnwindSafe(|| drop(left))).is_err() {
            tracing::error!("what was attached to a socket panicked when it was dropped");
        }
    }
}

#[cfg(test)]
mod tests;
