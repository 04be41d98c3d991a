//! TLS and HTTP/2.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use llmux_core::ErrorKind;
use llmux_http::{Builder, HttpTransport};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{failed, send, whole};

const HOST: &str = "provider.example";

/// A provider behind TLS, with a certificate of its own making, that answers with the HTTP version it was
/// asked in.
pub(crate) struct TlsUpstream {
    address: SocketAddr,
    ca: tempfile::NamedTempFile,
    connections: Arc<AtomicUsize>,
}

impl TlsUpstream {
    pub(crate) async fn start(protocols: &[&str]) -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&connections)));
        Self { address, ca, connections }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.ca.path().to_owned()
    }

    fn client(&self) -> Builder {
        HttpTransport::builder().resolve(HOST, vec![self.address])
    }

    fn url(&self) -> String {
        format!("https://{HOST}:{}", self.address.port())
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, connections: Arc<AtomicUsize>) {
    while let Ok((socket, _)) = listener.accept().await {
        let Ok(stream) = acceptor.accept(socket).await else { continue };
        connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| async move {
                let version = format!("{:?}", request.version());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(version))))
            });
            // Clients may go away as they like.
            let _served =
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

#[tokio::test]
async fn an_extra_root_is_trusted() {
    let upstream = TlsUpstream::start(&["http/1.1"]).await;
    let transport = upstream.client().ca_file(upstream.ca_file()).unwrap().build().unwrap();
    let reply = send(&transport, &upstream.url()).await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "HTTP/1.1");
}

#[tokio::test]
async fn an_unknown_root_is_not_trusted() {
    let upstream = TlsUpstream::start(&["http/1.1"]).await;
    let error = failed(send(&upstream.client().build().unwrap(), &upstream.url()).await);
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().contains("TLS: invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let upstream = TlsUpstream::start(&["http/1.1"]).await;
    let transport = upstream
        .client()
        .resolve("other.example", vec![upstream.address()])
        .ca_file(upstream.ca_file())
        .unwrap()
        .build()
        .unwrap();
    let error = failed(send(&transport, "https://other.example").await);
    assert_eq!(error.kind(), ErrorKind::Connection);
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered_and_one_connection_carries_all_requests() {
    let upstream = TlsUpstream::start(&["h2", "http/1.1"]).await;
    let transport = upstream.client().ca_file(upstream.ca_file()).unwrap().build().unwrap();
    for _ in 0..3 {
        let reply = send(&transport, &upstream.url()).await.unwrap();
        assert_eq!(whole(reply).await.unwrap(), "HTTP/2.0");
    }
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn http2_can_be_switched_off() {
    let upstream = TlsUpstream::start(&["h2", "http/1.1"]).await;
    let transport = upstream.client().ca_file(upstream.ca_file()).unwrap().http2(false).build().unwrap();
    let reply = send(&transport, &upstream.url()).await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "HTTP/1.1");
}

#[test]
fn a_file_without_certificates_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in [empty.path(), Path::new("/nowhere/ca.pem")] {
        let error = HttpTransport::builder().ca_file(path).err().unwrap();
        assert!(error.message().contains(&path.display().to_string()), "{error}");
    }
}
