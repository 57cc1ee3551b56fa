//! Compression, if it was compiled in.

use spola_websocket::Connection;

/// What a handshake agreed on.
#[cfg(feature = "deflate")]
pub(crate) type Deflation = Option<spola_websocket::deflate::Agreement>;
#[cfg(not(feature = "deflate"))]
pub(crate) type Deflation = ();

/// The connection that compresses as was agreed.
pub(crate) fn deflating(connection: Connection, agreed: &Deflation) -> Connection {
    #[cfg(feature = "deflate")]
    if let Some(agreement) = agreed {
        return connection.with_deflate(agreement);
    }
    #[cfg(not(feature = "deflate"))]
    let () = agreed;
    connection
}
