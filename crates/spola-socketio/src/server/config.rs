use std::time::Duration;

use spola_socketio_packet::Limits;

use super::Revision;

/// What a connection grants its client. The defaults are safe, and official clients do not
/// notice them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Time for the client to join its first namespace; 45 s. Zero switches the timer off.
    pub connect_timeout: Duration,
    /// CONNECTs that may wait for an answer; 16. Those beyond are refused.
    pub max_pending_connects: u32,
    /// Namespaces joined or asked for at a time; 64. A CONNECT beyond is refused.
    pub max_namespaces: u32,
    /// Acknowledgements awaited per namespace; 8192.
    pub max_outstanding_acks: u32,
    /// How long an acknowledgement is awaited when the caller names no time; 60 s.
    pub ack_timeout: Duration,
    /// Time for the attachments of a packet to arrive; 30 s. Zero switches the timer off.
    pub binary_timeout: Duration,
    /// What one packet may hold, coming in; the number of attachments also going out.
    pub packets: Limits,
    /// The protocol that the client speaks; revision 5.
    pub revision: Revision,
    /// Put before each packet that the connection writes itself: `""`, or Engine.IO's `"4"`.
    pub prefix: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(45),
            max_pending_connects: 16,
            max_namespaces: 64,
            max_outstanding_acks: 8192,
            ack_timeout: Duration::from_secs(60),
            binary_timeout: Duration::from_secs(30),
            packets: Limits::default(),
            revision: Revision::V5,
            prefix: "",
        }
    }
}
