//! The rules of [`Provider`].

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use llmux_core::{Call, FailedReply, Origin, Outgoing, Provider};
use serde_json::Value;

/// Checks a provider that was bound with the key `secret`, on calls that it can carry:
///
/// - preparing is pure: the same call gives the same request;
/// - requests go below the base URL and carry JSON; the key stands in no URL and no debug output;
/// - a failed answer keeps its status and the time to wait, whatever its body is.
///
/// # Panics
/// When a rule is broken.
pub fn provider(provider: &dyn Provider, secret: &str, calls: &[Call<'_>]) {
    assert!(!provider.name().is_empty(), "a provider has a name");
    let base = provider.base_url();
    assert!(!base.contains(['?', '@']) && !base.contains(secret), "the base URL is shown: {base}");
    for call in calls {
        prepares(provider, secret, call);
    }
    for status in [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529] {
        classifies(provider, StatusCode::from_u16(status).expect("a status"));
    }
}

fn prepares(provider: &dyn Provider, secret: &str, call: &Call<'_>) {
    let name = provider.name();
    let prepare = || provider.prepare(call).unwrap_or_else(|error| panic!("{name}: {error}, for {call:?}"));
    let (first, second) = (prepare(), prepare());
    assert_eq!(first.streamed, second.streamed);
    assert_eq!(first.dropped, second.dropped);
    let (first, second) = match (first.outgoing, second.outgoing) {
        (Outgoing::Send(first), Outgoing::Send(second)) => (first, second),
        (Outgoing::Answered(_), Outgoing::Answered(_)) => return,
        _ => panic!("{name}: one call was sent and answered"),
    };
    assert_eq!(parts(&first), parts(&second), "{name}: the same call gives the same request");

    let url = first.uri().to_string();
    assert!(url.starts_with(provider.base_url()), "{name}: {url} is not below {}", provider.base_url());
    serde_json::from_slice::<Value>(first.body()).unwrap_or_else(|error| panic!("{name}: no JSON: {error}"));
    let shown = format!("{url} {:?}", first.headers());
    assert!(!shown.contains(secret), "{name}: mark headers with the key as sensitive: {shown}");
}

fn parts(request: &Request<Bytes>) -> (&http::Method, &http::Uri, &HeaderMap, &Bytes) {
    (request.method(), request.uri(), request.headers(), request.body())
}

fn classifies(provider: &dyn Provider, status: StatusCode) {
    let name = provider.name();
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    for body in [
        r#"{"error": {"message": "no", "type": "some_error", "code": null, "param": null}}"#,
        r#"{"type": "error", "error": {"type": "some_error", "message": "no"}}"#,
        r#"{"error": "no"}"#,
        r#"{"detail": [1]}"#,
        "<html><body>Service Unavailable</body></html>",
        "{\"error\": {\"mess",
        "",
    ] {
        let body = Bytes::from_static(body.as_bytes());
        let error = provider.classify(&FailedReply::new(status, &headers, &body));
        assert_eq!(error.origin(), Origin::Upstream, "{name}: {status} {body:?}");
        assert_eq!(error.status(), status, "{name}: the status is kept: {body:?}");
        assert!(!error.message().trim().is_empty(), "{name}: an error says something: {status} {body:?}");
        let wait = error.retry_after();
        assert_eq!(wait, Some(Duration::from_secs(2)), "{name}: the time to wait is kept: {status}");
    }
}
