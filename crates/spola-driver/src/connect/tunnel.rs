//! The talk with a proxy, over a stream.

use spola_websocket::client::Host;
use spola_websocket::client::proxy::{Progress, Proxy, ProxyError};

use super::ConnectorError;
use crate::Transport;
use crate::greeting::{read_more, write};

/// Talks the proxy at the other end of `stream` into a tunnel to `host` and `port`.
pub(super) async fn tunnel<S: Transport>(
    stream: &mut S,
    proxy: &Proxy,
    host: &Host,
    port: u16,
) -> Result<(), ConnectorError> {
    let (bytes, mut negotiation) = proxy.start(host, port);
    write(stream, &bytes).await?;
    let mut input = Vec::new();
    loop {
        match negotiation.read(&input).map_err(ConnectorError::Proxy)? {
            Progress::NeedsInput => read_more(stream, &mut input).await?,
            Progress::Reply { consumed, reply } => {
                input.drain(..consumed);
                write(stream, &reply).await?;
            }
            Progress::Open { consumed } if consumed == input.len() => return Ok(()),
            // No target speaks before it is spoken to.
            Progress::Open { .. } => return Err(ConnectorError::Proxy(ProxyError::Malformed)),
        }
    }
}
