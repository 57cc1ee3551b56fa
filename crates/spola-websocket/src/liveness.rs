use std::time::{Duration, Instant};

use crate::Config;

/// Watches for a peer's silence, and for want of messages.
#[derive(Debug)]
pub(crate) struct Liveness {
    keep_alive: Option<Duration>,
    pong_timeout: Duration,
    idle_timeout: Option<Duration>,
    /// When bytes last came; the first moment that was told, before any did.
    heard: Option<Instant>,
    /// When a ping was sent that nothing has come after.
    pinged: Option<Instant>,
    /// The moment from which on no message is known to have passed.
    idle_since: Option<Instant>,
    /// Whether one has passed since the time was last told.
    passed: bool,
}

/// What its absence leads to.
pub(crate) enum Due {
    Ping,
    PongTimeout,
    IdleTimeout,
}

impl Liveness {
    /// `None` if the configuration does not care.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let cares = config.keep_alive.is_some() || config.idle_timeout.is_some();
        cares.then_some(Self {
            keep_alive: config.keep_alive,
            pong_timeout: config.pong_timeout,
            idle_timeout: config.idle_timeout,
            heard: None,
            pinged: None,
            idle_since: None,
            passed: false,
        })
    }

    /// The time is `now`; `heard` says whether bytes have come.
    pub(crate) fn note(&mut self, now: Instant, heard: bool) {
        if heard || self.heard.is_none() {
            self.heard = Some(now);
            self.pinged = None;
        }
        if self.passed || self.idle_since.is_none() {
            self.idle_since = Some(now);
            self.passed = false;
        }
    }

    pub(crate) fn message_passed(&mut self) {
        self.passed = true;
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.ping_or_pong().into_iter().chain(self.idle()).min()
    }

    /// What is due at `now`; a ping is taken to be sent.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due> {
        self.note(now, false);
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.idle()) {
            return Some(Due::IdleTimeout);
        }
        if !is_due(self.ping_or_pong()) {
            return None;
        }
        if self.pinged.is_some() {
            return Some(Due::PongTimeout);
        }
        self.pinged = Some(now);
        Some(Due::Ping)
    }

    /// When a ping is to be sent or, after one, its answer is overdue.
    fn ping_or_pong(&self) -> Option<Instant> {
        let keep_alive = self.keep_alive?;
        match self.pinged {
            Some(pinged) => pinged.checked_add(self.pong_timeout),
            None => self.heard?.checked_add(keep_alive),
        }
    }

    fn idle(&self) -> Option<Instant> {
        self.idle_since?.checked_add(self.idle_timeout?)
    }
}
