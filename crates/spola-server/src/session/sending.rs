//! The verbs of sending, from any thread: into the inbox of a session, or not.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::load::Amount;
use super::{Ask, Attention, Command, Commands, Inbox, SessionHandle, SocketNumber};
use crate::ack::AckError;
use crate::config::{AtHardCap, Config};
use crate::emit::EmitError;
use crate::outbound::Outbound;
use crate::reject_reason::RejectReason;

impl SessionHandle {
    /// Queues a packet of a socket, unless the session is over, or the packet too much; a volatile one is
    /// dropped if it would have to wait, and that counts as a full queue.
    pub(crate) fn send(
        &self,
        socket: SocketNumber,
        packet: Outbound,
        volatile: bool,
    ) -> Result<(), EmitError> {
        let inbox = if volatile { self.writable() } else { Some(self.lock()) };
        let inbox = inbox.ok_or(EmitError::Full)?;
        if self.refuses(&inbox, &packet) {
            return Err(EmitError::Full);
        }
        self.push_into(inbox, Command::Emit(socket, packet))
    }

    /// Queues a question. Whoever asks is told if it was dropped, and in any case when the session is
    /// over.
    pub(crate) fn ask(&self, ask: Ask, volatile: bool) {
        let inbox = if volatile { self.writable() } else { Some(self.lock()) };
        match inbox.filter(|inbox| !self.refuses(inbox, &ask.event)) {
            None => ask.asker.tell(Err(AckError::Dropped)),
            Some(inbox) => drop(self.push_into(inbox, Command::Ask(Box::new(ask)))),
        }
    }

    /// Queues a packet if the queue is not full.
    pub(crate) fn try_send(&self, socket: SocketNumber, packet: Outbound) -> Result<(), EmitError> {
        let inbox = self.lock();
        if inbox.amount().is_high(&self.config) && inbox.attention != Attention::Gone {
            return Err(EmitError::Full);
        }
        self.push_into(inbox, Command::Emit(socket, packet))
    }

    /// Ready once little enough waits to be sent, or nothing ever will again. Who gives up before says
    /// so, by the `place` it got.
    pub(crate) fn poll_low(&self, place: &mut Option<u64>, cx: &Context<'_>) -> Poll<()> {
        let mut inbox = self.lock();
        let is_low = inbox.amount().is_low(&self.config) && !inbox.overflowed;
        if is_low || inbox.attention == Attention::Gone {
            return Poll::Ready(());
        }
        inbox.waiting.register(place, cx);
        Poll::Pending
    }

    /// Somebody waits no more.
    pub(crate) fn stop_waiting(&self, place: u64) {
        let waker = self.lock().waiting.leave(place);
        drop(waker);
    }

    /// Bytes of packets that wait to be sent, wherever on their way they are.
    pub(crate) fn buffered_amount(&self) -> usize {
        self.load.amount().bytes
    }

    /// Whether `try_send` would take a packet, as far as one can tell from outside.
    pub(crate) fn has_room(&self) -> bool {
        !self.load.amount().is_high(&self.config)
    }

    /// The inbox, if a packet sent now would go out now.
    fn writable(&self) -> Option<MutexGuard<'_, Inbox>> {
        if !self.load.is_writable() {
            return None;
        }
        Some(self.lock()).filter(|inbox| inbox.writable)
    }

    /// Whether a packet is turned down, for it would pass the hard cap.
    fn refuses(&self, inbox: &Inbox, packet: &Outbound) -> bool {
        if self.config.at_hard_cap == AtHardCap::Disconnect || inbox.attention == Attention::Gone {
            return false;
        }
        let Config { outgoing_hard_cap: cap, engine, .. } = &*self.config;
        let (packet, waiting) = (Amount::of(packet), inbox.amount());
        let weight = inbox.weight + Commands::WEIGHT + packet.bytes;
        let bytes = weight.saturating_add(inbox.unsent.bytes);
        let refused = *cap > 0
            && (bytes > *cap || waiting.packets + packet.packets > engine.max_queued_packets);
        if refused {
            self.meters.reject(RejectReason::OutgoingHardCap);
        }
        refused
    }

    /// One push, and one wake if the task sleeps.
    pub(super) fn push_into(
        &self,
        mut inbox: MutexGuard<'_, Inbox>,
        command: Command,
    ) -> Result<(), EmitError> {
        if inbox.attention == Attention::Gone || inbox.overflowed {
            let overflowed = inbox.overflowed;
            // Whoever waits for the command's answer is woken without the lock.
            drop(inbox);
            return Err(if overflowed { EmitError::Full } else { EmitError::Disconnected });
        }
        let amount = command.amount();
        inbox.weight += Commands::WEIGHT + amount.bytes;
        if amount.packets > 0 {
            inbox.queued.add(amount);
            inbox.writable = false;
            self.load.tell(inbox.amount(), false);
        }
        let Config { outgoing_hard_cap: cap, at_hard_cap, .. } = *self.config;
        // A client that is kept may send requests, however much waits for it.
        let counts = amount.packets > 0 || at_hard_cap == AtHardCap::Disconnect;
        let weight = inbox.weight.saturating_add(inbox.unsent.bytes);
        inbox.overflowed = counts && cap > 0 && weight > cap;
        if command.is_end() {
            self.ending.store(true, Ordering::Relaxed);
        }
        inbox.commands.push(command);
        self.quiet.store(false, Ordering::Relaxed);
        self.rouse(inbox);
        Ok(())
    }

    /// The task tells what it has still to send.
    pub(super) fn tell_load(
        &self,
        mut inbox: MutexGuard<'_, Inbox>,
        unsent: Amount,
        writable: bool,
    ) {
        inbox.unsent = unsent;
        inbox.writable = writable && inbox.queued.packets == 0;
        let amount = inbox.amount();
        self.load.tell(amount, inbox.writable);
        if inbox.waiting.is_empty() || !amount.is_low(&self.config) {
            return;
        }
        let waiting = inbox.waiting.take();
        drop(inbox);
        waiting.for_each(Waker::wake);
    }
}

impl Inbox {
    fn amount(&self) -> Amount {
        let mut amount = self.unsent;
        amount.add(self.queued);
        amount
    }
}
