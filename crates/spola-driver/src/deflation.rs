//! Compression, if it was compiled in.

use spola_websocket::Connection;

/// What a handshake agreed on; nothing, without the feature `deflate`.
#[cfg(feature = "deflate")]
pub type Deflation = Option<spola_websocket::deflate::Agreement>;
/// What a handshake agreed on; nothing, without the feature `deflate`.
#[cfg(not(feature = "deflate"))]
pub type Deflation = ();

/// The connection that compresses as was agreed.
pub fn deflating(connection: Connection, agreed: &Deflation) -> Connection {
    #[cfg(feature = "deflate")]
    if let Some(agreement) = agreed {
        return connection.with_deflate(agreement);
    }
    #[cfg(not(feature = "deflate"))]
    let () = agreed;
    connection
}
