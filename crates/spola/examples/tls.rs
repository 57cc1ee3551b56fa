//! Socket.IO within TLS, over HTTP/1.1 and HTTP/2 on one port:
//! `cargo run -p spola --features rustls,http2 --example tls -- chain.pem key.pem`.

use std::error::Error;
use std::sync::Arc;

use spola::websocket::tls::pki_types::pem::PemObject as _;
use spola::websocket::tls::pki_types::{CertificateDer, PrivateKeyDer};
use spola::websocket::tls::rustls::ServerConfig;
use spola::websocket::tls::rustls::crypto::ring::default_provider;
use spola::{ConnectionLimits, Data, Io, Reply};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(chain), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tls CHAIN.pem KEY.pem".into());
    };
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    // Without protocols for ALPN in it, both versions of HTTP are offered.
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let io = Io::new();
    io.namespace("/").on("echo", async |Data(text): Data<String>| Reply(text));
    let mut limits = ConnectionLimits::default();
    limits.http2_websockets = true;
    let listener = TcpListener::bind("127.0.0.1:3443").await?;
    println!("https://{}", listener.local_addr()?);
    spola::serve_tls(listener, Arc::new(config), io).limits(limits).await?;
    Ok(())
}
