//! One client's session: the handle that everybody holds, and the task that owns the rest.

mod admission;
mod alarm;
mod asker;
mod candidate;
mod commands;
mod dispatch;
mod holdings;
mod load;
mod outgoing;
mod reject;
mod relay;
mod running;
mod sending;
mod streams;
mod task;
mod transport;
mod waiting;
mod wake;
mod wire;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use spola_engineio::request::SessionStatus;
use spola_engineio::server::{PollResponse, PostOutcome};
use spola_engineio::{Revision, Sid, Transport};

use crate::config::Config;
use crate::handshake::Handshake;
use crate::meters::Meters;
use crate::statistics::Statistics;
use crate::wakers::Wakers;
use commands::Commands;
use holdings::Holdings;
use load::{Amount, Load};
use waiting::{OPENING, Waiting};

pub(crate) use asker::Asker;
pub(crate) use commands::{Ask, Command, SocketNumber};
pub(crate) use reject::Reject;
pub(crate) use task::{Beginning, SessionTask};
pub(crate) use waiting::Asked;
pub(crate) use wire::{Switch, Wire};

/// The Engine.IO type of a message, which every Socket.IO packet is encoded behind.
pub(crate) const PACKET_PREFIX: &str = "4";

/// How others reach a session: one push, one wake.
pub(crate) struct SessionHandle {
    sid: Sid,
    handshake: Arc<Handshake>,
    config: Arc<Config>,
    meters: Arc<Meters>,
    revision: Revision,
    inbox: Mutex<Inbox>,
    /// What the inbox knows of the load, for a look without the lock.
    load: Load,
    holdings: Holdings,
    /// A command is in the inbox before which the client is not listened to any more.
    ending: AtomicBool,
    /// The task is awake, and has taken all commands: written under the lock of the inbox. What comes in
    /// meanwhile it finds before it rests.
    quiet: AtomicBool,
    /// Reading the WebSocket was woken, and has not been tried since.
    readable: AtomicBool,
    /// A socket of it has listeners of its own of what it is sent, or had.
    outgoing: AtomicBool,
    /// How many sockets it had so far.
    sockets: AtomicU32,
}

struct Inbox {
    commands: Commands,
    weight: usize,
    overflowed: bool,
    status: Option<SessionStatus>,
    attention: Attention,
    /// What held the task up may be gone, and it has not looked since.
    nudged: bool,
    waker: Option<Waker>,
    next_request: u64,
    polls: Waiting<PollResponse>,
    posts: Waiting<PostOutcome>,
    /// What the commands will send.
    queued: Amount,
    /// What the task had still to send when it last told, and what it took since.
    unsent: Amount,
    /// A packet that comes now goes out now.
    writable: bool,
    /// Those who wait until the load is low.
    waiting: Wakers,
}

/// Whether the task will look at the inbox by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attention {
    /// It runs, and looks once more before it rests.
    Awake,
    /// It rests, and must be woken.
    Asleep,
    /// It has ended: nobody looks any more.
    Gone,
}

/// The limits on rooms.
pub(crate) struct RoomLimits {
    pub(crate) rooms: usize,
    pub(crate) name_len: usize,
    pub(crate) foreign_ids: bool,
}

impl SessionHandle {
    pub(crate) fn new(
        sid: Sid,
        handshake: Arc<Handshake>,
        config: Arc<Config>,
        meters: Arc<Meters>,
        status: SessionStatus,
    ) -> Self {
        let mut polls = Waiting::new();
        if status.transport != Transport::WebSocket {
            polls.add(OPENING);
        }
        let inbox = Inbox {
            commands: Commands::default(),
            weight: 0,
            overflowed: false,
            status: Some(status),
            attention: Attention::Awake,
            nudged: false,
            waker: None,
            next_request: OPENING.0,
            polls,
            posts: Waiting::new(),
            queued: Amount::default(),
            unsent: Amount::default(),
            writable: false,
            waiting: Wakers::default(),
        };
        let revision = status.revision;
        Self {
            sid,
            handshake,
            config,
            meters,
            revision,
            inbox: Mutex::new(inbox),
            load: Load::default(),
            holdings: Holdings::default(),
            ending: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
            readable: AtomicBool::new(false),
            outgoing: AtomicBool::new(false),
            sockets: AtomicU32::new(0),
        }
    }

    /// What the client speaks.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn sid(&self) -> Sid {
        self.sid
    }

    pub(crate) fn handshake(&self) -> &Arc<Handshake> {
        &self.handshake
    }

    /// What its server counts.
    pub(crate) fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Adds what it holds, and what waits to be sent, as its task last told.
    pub(crate) fn add_to(&self, statistics: &mut Statistics) {
        let Amount { bytes, packets } = self.load.amount();
        statistics.queued_bytes += bytes;
        statistics.queued_packets += packets;
        statistics.parked_polls += self.lock().polls.len();
        self.holdings.add_to(statistics);
    }

    fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    pub(crate) fn room_limits(&self) -> RoomLimits {
        let Config { max_rooms, max_room_name, foreign_ids_as_rooms, .. } = *self.config;
        RoomLimits { rooms: max_rooms, name_len: max_room_name, foreign_ids: foreign_ids_as_rooms }
    }

    pub(crate) fn max_waiting_events(&self) -> usize {
        self.config.max_waiting_events
    }

    pub(crate) fn status(&self) -> Option<SessionStatus> {
        self.lock().status
    }

    /// A name for a socket of this session.
    pub(crate) fn name_socket(&self) -> SocketNumber {
        SocketNumber(self.sockets.fetch_add(1, Ordering::Relaxed))
    }

    /// A socket of it listens to what it is sent: to all that is sent from now on.
    pub(crate) fn note_outgoing(&self) {
        self.outgoing.store(true, Ordering::Relaxed);
    }

    /// Has the inbox brought near: nobody waits for what is read here.
    pub(crate) fn touch(&self) {
        std::hint::black_box(self.inbox.is_poisoned());
    }

    fn has_outgoing(&self) -> bool {
        self.outgoing.load(Ordering::Relaxed)
    }

    /// Hands a command to the task. Dropped if the session has ended: what waits for an answer
    /// sees its sender go.
    pub(crate) fn push(&self, command: Command) {
        // Whoever needs to know whether it was taken uses the verbs of `sending.rs`.
        let _ = self.push_into(self.lock(), command);
    }

    /// What has come in, if anything has, and whether it was more than the limit on outgoing bytes.
    /// The task is awake, and will look once more before it rests.
    fn take(&self) -> Option<(Commands, bool)> {
        if self.quiet.load(Ordering::Relaxed) {
            return None;
        }
        let mut inbox = self.lock();
        inbox.attention = Attention::Awake;
        self.quiet.store(true, Ordering::Relaxed);
        if inbox.commands.is_empty() {
            return None;
        }
        inbox.weight = 0;
        self.ending.store(false, Ordering::Relaxed);
        let queued = std::mem::take(&mut inbox.queued);
        inbox.unsent.add(queued);
        Some((std::mem::take(&mut inbox.commands), inbox.overflowed))
    }

    /// Whether there is a command before which the client is not listened to any more.
    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// The task tells how far it has come with what it took.
    fn tell(&self, unsent: Amount, writable: bool) {
        self.tell_load(self.lock(), unsent, writable);
    }

    /// The task has ended. What was still asked of it is dropped.
    fn retire(&self) {
        let (commands, waker, waiting) = {
            let mut inbox = self.lock();
            inbox.attention = Attention::Gone;
            let requests = inbox.polls.end().into_iter().chain(inbox.posts.end());
            let waiting = inbox.waiting.take().chain(requests);
            (std::mem::take(&mut inbox.commands), inbox.waker.take(), waiting)
        };
        // Who keeps a socket of the session does not keep its task.
        drop((commands, waker));
        waiting.for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
