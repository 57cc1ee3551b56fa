use std::time::Instant;

use crate::config::Config;

/// The server's side of the heartbeat: it pings, the client answers (Engine.IO v4, §8.1).
///
/// A moment too far for the clock is `None`: it never comes.
#[derive(Debug)]
pub(super) enum Heartbeat {
    /// The next ping is to come.
    Idle { ping_at: Option<Instant> },
    /// A ping is out, or about to go out.
    Awaiting { pong_by: Option<Instant>, sent: bool, extended: bool },
    /// The session closes.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Nothing,
    PingDue,
    TimedOut,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, config: &Config) -> Self {
        Self::Idle { ping_at: now.checked_add(config.ping_interval) }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Tick {
        match *self {
            Self::Idle { ping_at: Some(at) } if at <= now => {
                let pong_by = now.checked_add(config.ping_timeout);
                *self = Self::Awaiting { pong_by, sent: false, extended: false };
                Tick::PingDue
            }
            Self::Awaiting { pong_by: Some(by), .. } if by <= now => Tick::TimedOut,
            Self::Idle { .. } | Self::Awaiting { .. } | Self::Stopped => Tick::Nothing,
        }
    }

    /// A pong that answers no ping changes nothing: it could hold off the next one forever.
    pub(super) fn handle_pong(&mut self, now: Instant, config: &Config) {
        if let Self::Awaiting { sent: true, .. } = self {
            *self = Self::new(now, config);
        }
    }

    /// Any other packet: a client that is busy sending may be late with its pong, once.
    pub(super) fn handle_traffic(&mut self, now: Instant, config: &Config) {
        if let Self::Awaiting { pong_by, extended, .. } = self
            && !*extended
        {
            *extended = true;
            *pong_by = now.checked_add(config.ping_timeout);
        }
    }

    pub(super) const fn ping_due(&self) -> bool {
        matches!(self, Self::Awaiting { sent: false, .. })
    }

    /// Whether a ping is to go out; it then has.
    pub(super) const fn take_ping(&mut self) -> bool {
        if let Self::Awaiting { sent, .. } = self {
            return !std::mem::replace(sent, true);
        }
        false
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Idle { ping_at } => ping_at,
            Self::Awaiting { pong_by, .. } => pong_by,
            Self::Stopped => None,
        }
    }
}
