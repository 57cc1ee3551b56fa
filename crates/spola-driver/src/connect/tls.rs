//! TLS by rustls, with the ring provider.
//!
//! Which certificates are trusted is a feature: `rustls-platform-verifier` asks the operating system,
//! `rustls-webpki-roots` takes Mozilla's list as it was at compile time. With both, the operating
//! system is asked. With neither, a [`Connector`](super::Connector) needs a configuration of the
//! caller's.

use std::io;
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
use std::sync::OnceLock;

use futures_rustls::TlsConnector;
pub use futures_rustls::pki_types;
pub use futures_rustls::rustls;
use pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use spola_websocket::client::Host;
use std::sync::Arc;

use super::MaybeTls;
use crate::Transport;

/// The protocol beneath the opening handshake, as ALPN calls it.
const HTTP_1_1: &[u8] = b"http/1.1";

/// A configuration whose servers say that they speak HTTP: version 2, with the feature `http2`, and
/// 1.1. One that names protocols for ALPN already stays as it is.
#[must_use]
pub fn serving_http(mut config: Arc<ServerConfig>) -> Arc<ServerConfig> {
    if config.alpn_protocols.is_empty() {
        let protocols = &mut Arc::make_mut(&mut config).alpn_protocols;
        if cfg!(feature = "http2") {
            protocols.push(b"h2".to_vec());
        }
        protocols.push(HTTP_1_1.to_vec());
    }
    config
}

/// Shakes hands as the client of `host`.
pub(super) async fn secure<S: Transport>(
    stream: S,
    host: &Host,
    config: Option<&Arc<ClientConfig>>,
) -> io::Result<MaybeTls<S>> {
    let config = match config {
        Some(config) => Arc::clone(config),
        None => trusted()?,
    };
    let stream = TlsConnector::from(config).connect(server_name(host)?, stream).await?;
    match stream.get_ref().1.alpn_protocol() {
        None | Some(HTTP_1_1) => Ok(MaybeTls::Tls(Box::new(stream.into()))),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "TLS agreed on no HTTP/1.1")),
    }
}

/// Trusts the certificates that the operating system trusts.
///
/// # Errors
/// If it cannot be asked.
#[cfg(feature = "rustls-platform-verifier")]
pub fn platform_config() -> Result<ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let config = builder()?.with_platform_verifier()?.with_no_client_auth();
    Ok(speaking_http(config))
}

/// Trusts Mozilla's certificates.
///
/// # Errors
/// None is known.
#[cfg(feature = "rustls-webpki-roots")]
pub fn webpki_config() -> Result<ClientConfig, rustls::Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<rustls::RootCertStore>();
    Ok(speaking_http(builder()?.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
fn speaking_http(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    config
}

/// The configuration of those who bring none: made once, so that its sessions are resumed.
#[cfg(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots"))]
fn trusted() -> io::Result<Arc<ClientConfig>> {
    static TRUSTED: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();
    #[cfg(feature = "rustls-platform-verifier")]
    let made = TRUSTED.get_or_init(|| platform_config().map(Arc::new));
    #[cfg(not(feature = "rustls-platform-verifier"))]
    let made = TRUSTED.get_or_init(|| webpki_config().map(Arc::new));
    made.clone().map_err(io::Error::other)
}

#[cfg(not(any(feature = "rustls-platform-verifier", feature = "rustls-webpki-roots")))]
fn trusted() -> io::Result<Arc<ClientConfig>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "no certificates are trusted"))
}

fn server_name(host: &Host) -> io::Result<ServerName<'static>> {
    match host {
        // The root's dot is no part of it (RFC 6066 §3).
        Host::Name(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error)),
        Host::V4(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::V6(address) => Ok(ServerName::IpAddress((*address).into())),
    }
}
