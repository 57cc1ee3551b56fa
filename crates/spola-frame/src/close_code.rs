use core::fmt;

/// A status code of the closing handshake (RFC 6455 §7.4, with the codes registered since).
///
/// A value made by [`new`](Self::new) may travel in a Close frame. Three constants are for
/// reporting only, [`NO_STATUS`](Self::NO_STATUS), [`ABNORMAL`](Self::ABNORMAL) and
/// [`TLS_HANDSHAKE`](Self::TLS_HANDSHAKE): they stand for closes without a status on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The endpoint goes away: a server shuts down, a page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The peer sent a kind of data that is not accepted here.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Reporting only: the Close frame held no status.
    pub const NO_STATUS: Self = Self(1005);
    /// Reporting only: the connection ended without a Close frame.
    pub const ABNORMAL: Self = Self(1006);
    /// Data did not fit its type: text that is not UTF-8, a compressed message that does not inflate.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A rule of the endpoint's own was broken.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message was too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// A client misses an extension that the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self(1010);
    /// The server met a condition it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// Too busy: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A gateway got an invalid response from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// Reporting only: the TLS handshake failed.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code of this value, if a Close frame may carry it: 1000–1003, 1007–1014 and 3000–4999.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether a Close frame may carry it: all but the three that are for reporting only.
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        Self::new(self.0).is_some()
    }

    /// The registered name, or the range of an unregistered code.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failure",
            3000..=3999 => "registered by a library or framework",
            _ => "private use",
        }
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.description())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn only_codes_that_may_travel_are_made_from_numbers() {
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            let made = CloseCode::new(code).unwrap();
            assert_eq!(made.get(), code);
            assert!(made.may_be_sent());
        }
        for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert_eq!(CloseCode::new(code), None, "{code}");
        }
        for code in [CloseCode::NO_STATUS, CloseCode::ABNORMAL, CloseCode::TLS_HANDSHAKE] {
            assert!(!code.may_be_sent());
        }
    }

    #[test]
    fn codes_read_as_number_and_name() {
        assert_eq!(CloseCode::PROTOCOL_ERROR.to_string(), "1002 (protocol error)");
        assert_eq!(CloseCode::new(4001).unwrap().to_string(), "4001 (private use)");
    }
}
