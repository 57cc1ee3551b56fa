//! What a connection may take before it has said anything of worth.

use std::time::Duration;

/// Limits on the connections of a server, with safe defaults. A time too long for the clock means never.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Connections that have not yet come to a request's end of head. One more, and the oldest of
    /// them is closed. Default 4096.
    pub max_newcomers: usize,
    /// Time for a TLS handshake. Default 10 s.
    pub tls_timeout: Duration,
    /// Time to complete a request's head, and the most that a connection is kept idle. Default 10 s.
    pub head_timeout: Duration,
    /// Bytes of a request's head: line and header fields. Default 16 KiB; less than 8 KiB counts as
    /// 8 KiB.
    pub max_head_len: usize,
    /// Header fields of a request. Default 100.
    pub max_headers: usize,
    /// Time in which a peer takes nothing, while something is to be written. Default 30 s.
    pub write_timeout: Duration,
    /// Requests, WebSockets among them, that an HTTP/2 connection carries at once. Default 100.
    pub max_streams: u32,
    /// Whether WebSockets may be opened within HTTP/2 (RFC 8441). Browsers then open them on the
    /// connection that brought the page. Default: no; they open one of HTTP/1.1.
    pub http2_websockets: bool,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_newcomers: 4096,
            tls_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            max_head_len: 16 << 10,
            max_headers: 100,
            write_timeout: Duration::from_secs(30),
            max_streams: 100,
            http2_websockets: false,
        }
    }
}
