use std::time::Instant;

use spola_engineio_packet::WebSocketMessage;

use crate::{config::Config, revision::Revision};

const PING: WebSocketMessage = WebSocketMessage::from_static("2");
const PONG: WebSocketMessage = WebSocketMessage::from_static("3");

/// The server's side of the heartbeat. In revision 4 it pings and the client answers (§8.1), in revision
/// 3 the other way round (§11.5).
///
/// A moment too far for the clock is `None`: it never comes.
#[derive(Debug)]
pub(super) enum Heartbeat {
    /// The next ping is to come.
    Idle { ping_at: Option<Instant> },
    /// A ping is out, or about to go out.
    Awaiting { pong_by: Option<Instant>, sent: bool, extended: bool },
    /// The client pings, and may be owed a pong. Pings that come before it went out share it.
    Pinged { ping_by: Option<Instant>, pong_due: bool },
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
    pub(super) fn new(revision: Revision, now: Instant, config: &Config) -> Self {
        match revision {
            Revision::V4 => Self::idle(now, config),
            Revision::V3 => Self::Pinged { ping_by: ping_deadline(now, config), pong_due: false },
        }
    }

    fn idle(now: Instant, config: &Config) -> Self {
        Self::Idle { ping_at: now.checked_add(config.ping_interval) }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config) -> Tick {
        match *self {
            Self::Idle { ping_at: Some(at) } if at <= now => {
                let pong_by = now.checked_add(config.ping_timeout);
                *self = Self::Awaiting { pong_by, sent: false, extended: false };
                Tick::PingDue
            }
            Self::Awaiting { pong_by: Some(by), .. } | Self::Pinged { ping_by: Some(by), .. }
                if by <= now =>
            {
                Tick::TimedOut
            }
            Self::Idle { .. } | Self::Awaiting { .. } | Self::Pinged { .. } | Self::Stopped => {
                Tick::Nothing
            }
        }
    }

    /// A pong that answers no ping changes nothing: it could hold off the next one forever.
    pub(super) fn handle_pong(&mut self, now: Instant, config: &Config) {
        if let Self::Awaiting { sent: true, .. } = self {
            *self = Self::idle(now, config);
        }
    }

    /// The client's ping, in revision 3: nothing else shows there that it lives.
    pub(super) fn handle_ping(&mut self, now: Instant, config: &Config) {
        if let Self::Pinged { ping_by, pong_due } = self {
            *ping_by = ping_deadline(now, config);
            *pong_due = true;
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

    /// Whether a ping or pong is to go out.
    pub(super) const fn packet_due(&self) -> bool {
        matches!(self, Self::Awaiting { sent: false, .. } | Self::Pinged { pong_due: true, .. })
    }

    /// The ping or pong that is to go out; it then has.
    pub(super) fn take_packet(&mut self) -> Option<WebSocketMessage> {
        match self {
            Self::Awaiting { sent, .. } => (!std::mem::replace(sent, true)).then_some(PING),
            Self::Pinged { pong_due, .. } => std::mem::take(pong_due).then_some(PONG),
            Self::Idle { .. } | Self::Stopped => None,
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match *self {
            Self::Idle { ping_at } => ping_at,
            Self::Awaiting { pong_by, .. } => pong_by,
            Self::Pinged { ping_by, .. } => ping_by,
            Self::Stopped => None,
        }
    }
}

fn ping_deadline(now: Instant, config: &Config) -> Option<Instant> {
    now.checked_add(config.ping_interval.checked_add(config.ping_timeout)?)
}
