use std::time::Duration;

/// The limits of one connection. The defaults are safe against any peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Payload bytes of one received message, summed over its fragments; more closes with 1009, as
    /// soon as a header announces it. Default: 1 000 000.
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
        }
    }
}
