//! WebSockets within TLS, of both sides, over real sockets of this machine and under both executors.
#![cfg(feature = "rustls")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use async_net::TcpListener;
use futures_rustls::TlsAcceptor;
use rcgen::CertifiedKey;
use spola_async_std::websocket::tls::pki_types::PrivateKeyDer;
use spola_async_std::websocket::tls::rustls::crypto::ring;
use spola_async_std::websocket::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use spola_async_std::websocket::{CloseCode, Connector, ConnectorError, MaybeTls, Message, accept};

/// A server for `localhost`, and a client that trusts it.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let server = server.with_safe_default_protocol_versions().expect("versions");
    let server = server.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a root");
    let client = ClientConfig::builder_with_provider(provider);
    let client = client.with_safe_default_protocol_versions().expect("versions");
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server.expect("a configuration")), Arc::new(client))
}

async fn echo(listener: &TcpListener, config: Arc<ServerConfig>) {
    let (stream, _) = listener.accept().await.expect("a client");
    let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else {
        return;
    };
    let mut socket = accept(stream).await.expect("accepted");
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.expect("sent");
    }
}

async fn converse() {
    let (server, client) = configs();
    let (_, stranger) = configs();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let url = format!("wss://localhost:{}/", listener.local_addr().expect("bound").port());
    let call = async {
        let (mut socket, _) = Connector::default().tls(client).connect(&url).await.expect("open");
        assert!(matches!(socket.stream(), MaybeTls::Tls(_)));
        for message in [Message::from("hello"), Message::Binary(vec![7; 500_000].into())] {
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.recv().await.expect("sound"), Some(message));
        }
        socket.close(CloseCode::NORMAL, "").await.expect("closed");
    };
    smol::future::zip(echo(&listener, Arc::clone(&server)), call).await;
    let call = async {
        let failed = Connector::default().tls(stranger).connect(&url).await;
        assert!(matches!(failed, Err(ConnectorError::Tls(_))), "{failed:?}");
    };
    smol::future::zip(echo(&listener, server), call).await;
}

#[test]
fn messages_come_back_through_tls_that_is_trusted() {
    async_std::task::block_on(converse());
    smol::block_on(converse());
}
