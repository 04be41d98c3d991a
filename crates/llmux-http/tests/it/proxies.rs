//! Forward proxies.

use std::sync::{Arc, Mutex};

use llmux_core::ErrorKind;
use llmux_http::{HttpTransport, Proxies};
use llmux_testkit::{Answer, ScriptedUpstream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::{failed, send, tls::TlsUpstream, whole};

#[tokio::test]
async fn plain_requests_are_handed_to_the_proxy_whole() {
    let proxy = ScriptedUpstream::answering([Answer::body("by proxy")]).await;
    let proxies = Proxies::new().http(format!("http://user:pass@{}", proxy.address()));
    let transport = HttpTransport::builder().proxies(proxies).build().unwrap();
    let reply = send(&transport, "http://provider.example:8080").await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "by proxy");
    let seen = &proxy.requests()[0];
    assert_eq!(seen.path, "http://provider.example:8080/v1/chat/completions?key=query-secret");
    assert_eq!(seen.header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
}

#[tokio::test]
async fn hosts_that_are_excepted_are_called_directly() {
    let upstream = ScriptedUpstream::answering([Answer::body("direct")]).await;
    let proxies = Proxies::new().http("http://proxy.invalid:3128").except("127.0.0.0/8");
    let transport = HttpTransport::builder().proxies(proxies).build().unwrap();
    assert_eq!(whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap(), "direct");
    assert_eq!(upstream.requests()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn secure_requests_pass_the_proxy_in_a_tunnel_that_it_cannot_read() {
    let upstream = TlsUpstream::start(&["http/1.1"]).await;
    let tunnel = TunnelProxy::start(upstream.address()).await;
    let proxies = Proxies::new().https(format!("http://user:pass@{}", tunnel.address));
    let transport =
        HttpTransport::builder().proxies(proxies).ca_file(upstream.ca_file()).unwrap().build().unwrap();
    let reply = send(&transport, "https://provider.example").await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "HTTP/1.1");
    let asked = tunnel.asked.lock().unwrap().clone();
    assert!(asked.starts_with("CONNECT provider.example:443 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{asked}");
    assert!(!asked.contains("secret"), "{asked}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_failed_connection() {
    let proxy = ScriptedUpstream::answering([Answer::html_error(407)]).await;
    let proxies = Proxies::new().https(format!("http://user:secret@{}", proxy.address()));
    let transport = HttpTransport::builder().proxies(proxies).build().unwrap();
    let error = failed(send(&transport, "https://provider.example").await);
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.message().contains("proxy authorization required"), "{error}");
}

/// A proxy that takes one tunnel and leads it to one address, whatever it was asked for.
struct TunnelProxy {
    address: std::net::SocketAddr,
    asked: Arc<Mutex<String>>,
}

impl TunnelProxy {
    async fn start(to: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(String::new()));
        let record = Arc::clone(&asked);
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            *record.lock().unwrap() = String::from_utf8(head).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(to).await.unwrap();
            // How the tunnel ends is the test's business.
            let _ended = copy_bidirectional(&mut client, &mut server).await;
        });
        Self { address, asked }
    }
}
