//! Where requests may go, by what names resolve to.

use llmux_core::{ErrorKind, Origin, Timeouts, Transport};
use llmux_http::{HttpTransport, UrlPolicy};
use llmux_testkit::{Answer, ScriptedUpstream};

use crate::{failed, request, send, transport, whole};

#[tokio::test]
async fn a_public_name_that_leads_into_the_own_network_is_refused() {
    let upstream = ScriptedUpstream::answering([Answer::body("internal")]).await;
    let guarded = HttpTransport::builder()
        .url_policy(UrlPolicy::PublicOnly)
        .resolve("public.example", vec!["1.1.1.1:0".parse().unwrap(), upstream.address()])
        .build()
        .unwrap();
    for host in ["public.example", "localhost", "127.0.0.1", "127.1", "2130706433"] {
        let url = format!("http://{host}:{}", upstream.address().port());
        let error = failed(send(&guarded, &url).await);
        assert_eq!((error.kind(), error.origin()), (ErrorKind::InvalidRequest, Origin::Client), "{host}");
        assert_eq!(error.message(), "the URL leads to an address that is not public");
    }
    assert_eq!(upstream.accepted_connections(), 0);
}

#[tokio::test]
async fn what_the_operator_configured_may_be_anywhere() {
    let upstream = ScriptedUpstream::answering([Answer::body("internal")]).await;
    let transport =
        HttpTransport::builder().resolve("internal.example", vec![upstream.address()]).build().unwrap();
    let reply = send(&transport, "http://internal.example").await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "internal");
    assert_eq!(upstream.requests()[0].header("host"), Some("internal.example"));
}

#[tokio::test]
async fn other_schemes_are_refused() {
    let mut other = request("http://h");
    *other.uri_mut() = "ftp://h/x".parse().unwrap();
    let error = failed(transport().send(other, Timeouts::default()).await);
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}
