//! The transport against a scripted provider on real sockets.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod answers;
mod cancellation;
mod conformance;
mod destinations;
mod faults;
mod fetching;
mod limits;
mod pool;
mod proxies;
mod tls;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use llmux_core::{Error, Result, Timeouts, Transport, TransportReply};
use llmux_http::HttpTransport;

/// A transport with the defaults.
fn transport() -> HttpTransport {
    HttpTransport::builder().build().unwrap()
}

/// A request as providers make it, with things in it that no error may show.
fn request(url: &str) -> Request<Bytes> {
    Request::post(format!("{url}/v1/chat/completions?key=query-secret"))
        .header("authorization", "Bearer header-secret")
        .header("content-type", "application/json")
        .body(Bytes::from_static(b"{}"))
        .unwrap()
}

/// Sends a request without limits.
async fn send(transport: &HttpTransport, url: &str) -> Result<TransportReply> {
    transport.send(request(url), Timeouts::default()).await
}

/// The whole body, or the error that ended it.
async fn whole(reply: TransportReply) -> Result<Bytes> {
    Ok(reply.body.collect().await?.to_bytes())
}

/// The next piece of a body.
async fn piece(reply: &mut TransportReply) -> Result<Bytes> {
    let frame = reply.body.frame().await.expect("the body goes on")?;
    Ok(frame.into_data().expect("no trailers"))
}

/// The error of a request that got no answer, after checking that it shows no secret.
fn failed(reply: Result<TransportReply>) -> Error {
    let error = reply.err().expect("the exchange fails");
    shows_no_secret(&error);
    error
}

fn shows_no_secret(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret"), "{shown}");
}
