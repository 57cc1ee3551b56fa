use std::{num::NonZeroUsize, time::Duration};

/// The limits of one connection. The defaults are safe against any peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Payload bytes of one received message, summed over its fragments; more closes with 1009, as
    /// soon as a header announces it. A compressed message counts inflated. Messages read in chunks
    /// have no such limit, nor the two below. Default: 1 000 000.
    pub max_message_size: usize,
    /// Frames one received message may consist of, empty ones included; more closes with 1008.
    /// Default: 1024.
    pub max_fragments: u32,
    /// From the first byte of a message to its last; longer closes with 1008. `None`: no limit.
    /// Default: 30 s.
    pub message_timeout: Option<Duration>,
    /// Sustained rate of received control frames; more closes with 1008. 0: no limit. Default: 50.
    pub control_frames_per_second: u32,
    /// Control frames that may come at once, ahead of the sustained rate. Default: 200.
    pub control_frames_burst: u32,
    /// How long the peer may take to answer our Close frame and, for a client, to hang up after the
    /// closing handshake. Default: 5 s.
    pub close_timeout: Duration,
    /// After so long without a byte from the peer, a Ping is sent. `None`: never. Default: `None`.
    pub keep_alive: Option<Duration>,
    /// How long the peer may stay silent after such a Ping; longer closes with 1011. Default: 20 s.
    pub pong_timeout: Duration,
    /// After so long without a message in either direction the connection is closed with 1001; pings
    /// and pongs do not count. `None`: never. Default: `None`.
    pub idle_timeout: Option<Duration>,
    /// Messages of more bytes leave in frames of this size, so that a pong or a Close frame can go
    /// between them. `None`: every message is one frame. Default: 256 KiB.
    pub fragment_size: Option<NonZeroUsize>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_size: 1_000_000,
            max_fragments: 1024,
            message_timeout: Some(Duration::from_secs(30)),
            control_frames_per_second: 50,
            control_frames_burst: 200,
            close_timeout: Duration::from_secs(5),
            keep_alive: None,
            pong_timeout: Duration::from_secs(20),
            idle_timeout: None,
            fragment_size: NonZeroUsize::new(256 * 1024),
        }
    }
}

/// What a connection looks at again and again, without what it only needs to begin with.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) max_message_size: usize,
    pub(crate) max_fragments: u32,
    pub(crate) message_timeout: Option<Duration>,
    pub(crate) control_frames_per_second: u32,
    pub(crate) control_frames_burst: u32,
    pub(crate) close_timeout: Duration,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            max_message_size: config.max_message_size,
            max_fragments: config.max_fragments,
            message_timeout: config.message_timeout,
            control_frames_per_second: config.control_frames_per_second,
            control_frames_burst: config.control_frames_burst,
            close_timeout: config.close_timeout,
        }
    }
}
