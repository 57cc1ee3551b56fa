//! How much waits to be sent to a client, for everybody to see.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::config::Config;
use crate::outbound::Outbound;

/// Packets, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub(super) bytes: usize,
    pub(super) packets: usize,
}

impl Amount {
    pub(super) fn of(event: &Outbound) -> Self {
        Self { bytes: event.size(), packets: 1 + event.attachments() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
    }

    /// Whether whoever can wait had better. Where nothing waits there is room, whatever the marks.
    pub(super) fn is_high(self, config: &Config) -> bool {
        let is_high =
            self.bytes >= config.high_water_mark || self.packets >= config.high_water_packets;
        is_high && (self.bytes > 0 || self.packets > 0)
    }

    /// Whether those who waited may go on: never where they would have to wait again, however the
    /// marks lie.
    pub(super) fn is_low(self, config: &Config) -> bool {
        let is_low =
            self.bytes <= config.low_water_mark && self.packets <= config.high_water_packets / 2;
        is_low && !self.is_high(config)
    }
}

/// The session's load as it was last told. It is written under the lock of the inbox, and read
/// without any: what is read may be outdated the moment after, as it would be with a lock.
#[derive(Default)]
pub(super) struct Load {
    bytes: AtomicUsize,
    packets: AtomicUsize,
    writable: AtomicBool,
}

impl Load {
    pub(super) fn tell(&self, amount: Amount, writable: bool) {
        self.bytes.store(amount.bytes, Ordering::Relaxed);
        self.packets.store(amount.packets, Ordering::Relaxed);
        self.writable.store(writable, Ordering::Relaxed);
    }

    pub(super) fn amount(&self) -> Amount {
        Amount {
            bytes: self.bytes.load(Ordering::Relaxed),
            packets: self.packets.load(Ordering::Relaxed),
        }
    }

    /// Whether a packet sent now would go out now.
    pub(super) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }
}
