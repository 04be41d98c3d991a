//! Encrypted connections.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use llmux_gateway::server::{Server, ServerOptions, TlsFiles};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::stage::{Stage, options};

/// Writes a new certificate for `localhost`.
fn issue(dir: &Path) -> CertificateDer<'static> {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), issued.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), issued.signing_key.serialize_pem()).unwrap();
    issued.cert.der().clone()
}

fn with_tls(dir: &TempDir) -> ServerOptions {
    let mut options = options();
    options.tls = Some(TlsFiles::new(dir.path().join("cert.pem"), dir.path().join("key.pem")));
    options
}

/// Connects with trust in `certificate` alone.
async fn connect(
    stage: &Stage,
    certificate: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(stage.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

fn ask() -> Request<Empty<Bytes>> {
    Request::get("https://localhost/peer").header("host", "localhost").body(Empty::new()).unwrap()
}

#[tokio::test]
async fn both_versions_of_http_are_negotiated() {
    let dir = TempDir::new().unwrap();
    let certificate = issue(dir.path());
    let stage = Stage::start(with_tls(&dir));

    let stream = connect(&stage, &certificate, "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(ask()).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(answer.ends_with(b" secure"), "{answer:?}");

    let stream = connect(&stage, &certificate, "http/1.1").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(ask()).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(answer.ends_with(b" secure"), "{answer:?}");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_after_a_reload() {
    let dir = TempDir::new().unwrap();
    let old = issue(dir.path());
    let server = Server::bind(with_tls(&dir)).unwrap();
    let certificates = server.certificates().unwrap();
    let stage = Stage::serve(server);
    let new = issue(dir.path());
    connect(&stage, &old, "h2").await.unwrap();
    certificates.reload().unwrap();
    connect(&stage, &new, "h2").await.unwrap();
    assert!(connect(&stage, &old, "h2").await.is_err());

    fs::write(dir.path().join("cert.pem"), "not a certificate").unwrap();
    assert!(certificates.reload().is_err());
    connect(&stage, &new, "h2").await.unwrap();
}

#[tokio::test]
async fn a_client_that_never_shakes_hands_is_dropped() {
    let dir = TempDir::new().unwrap();
    issue(dir.path());
    let mut options = with_tls(&dir);
    options.header_timeout = Duration::from_millis(30);
    let stage = Stage::start(options);
    assert_eq!(stage.connect().await.read_to_end().await, "");
}

#[test]
fn a_certificate_file_at_fault_is_named() {
    let dir = TempDir::new().unwrap();
    let fault = |options: ServerOptions| Server::bind(options).unwrap_err().message().to_owned();
    let message = fault(with_tls(&dir));
    assert!(message.contains("cert.pem: the certificate cannot be read"), "{message}");

    issue(dir.path());
    fs::write(dir.path().join("key.pem"), "nothing").unwrap();
    let message = fault(with_tls(&dir));
    assert!(message.contains("key.pem: the private key cannot be read"), "{message}");

    issue(dir.path());
    let other = TempDir::new().unwrap();
    issue(other.path());
    fs::copy(other.path().join("key.pem"), dir.path().join("key.pem")).unwrap();
    let message = fault(with_tls(&dir));
    assert!(message.contains("key.pem: the private key does not belong to the certificate"), "{message}");
}
