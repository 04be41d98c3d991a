//! Which headers go on, in either direction.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use llmux_telemetry::Scrubber;

use crate::headers::scrubbed;

/// What a header's name begins with that is to be handed on without this beginning.
const PASS: &str = "x-pass-";

/// Headers that belong to one connection, by RFC 9110 and those before it.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Whether `connection` declares a header to be its own.
fn is_named(name: &HeaderName, headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(name.as_str()))
}

/// Headers of a client that tell of its way to the gateway, or that the transport sets anew.
fn is_of_the_way(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::HOST
            | header::CONTENT_LENGTH
            | header::EXPECT
            | header::COOKIE
            | header::ORIGIN
            | header::REFERER
            | header::FORWARDED
            | header::VIA
            | header::ACCEPT_ENCODING
    ) || name.as_str().starts_with("x-forwarded-")
        || name.as_str() == "x-real-ip"
}

/// Of a client's headers those that say what the body is and which answer is wanted, and those that it hands on by name.
pub(super) fn of_the_body(client: &HeaderMap) -> HeaderMap {
    const KEPT: [HeaderName; 4] =
        [header::ACCEPT, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::RANGE];
    let kept = client.iter().filter(|(name, _)| KEPT.contains(name) || name.as_str().starts_with(PASS));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The headers that go to the provider: the client's, without keys, which `holds_key` knows, and whatever else is the
/// gateway's business.
pub(super) fn outgoing(client: &HeaderMap, holds_key: &dyn Fn(&HeaderName) -> bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(client.len());
    let goes = |name: &HeaderName| {
        let text = name.as_str();
        let own = text.starts_with("x-litellm-") || text.starts_with("x-llmux-");
        !own && !is_hop_by_hop(name) && !is_of_the_way(name) && !holds_key(name)
    };
    for (name, value) in client.iter().filter(|(name, _)| goes(name) && !is_named(name, client)) {
        match name.as_str().strip_prefix(PASS).map(|name| HeaderName::from_bytes(name.as_bytes())) {
            Some(Ok(name)) if goes(&name) => _ = headers.insert(name, value.clone()),
            Some(_) => {}
            None => _ = headers.append(name.clone(), value.clone()),
        }
    }
    // Answers are observed as they pass.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

/// Headers of an answer that speak for the provider's host, not for the gateway.
fn is_of_the_host(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::SET_COOKIE
            | header::ALT_SVC
            | header::STRICT_TRANSPORT_SECURITY
            | header::SERVER
            | header::DATE
    ) || name.as_str().starts_with("access-control-")
}

/// The headers that go to the client. Those of a failed answer are scrubbed, and so is its body, whose length is then
/// not known beforehand.
pub(super) fn returned(upstream: &HeaderMap, scrubber: Option<&Scrubber>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(upstream.len().saturating_add(8));
    for (name, value) in upstream {
        if !is_hop_by_hop(name) && !is_of_the_host(name) && !is_named(name, upstream) {
            headers.append(name.clone(), value.clone());
        }
    }
    let Some(scrubber) = scrubber else { return headers };
    headers.remove(header::CONTENT_LENGTH);
    scrubbed(&headers, scrubber)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn keys_and_the_gateways_own_headers_stay_behind() {
        let access = Access::new(Some(&"sk-g".into()), Some(HeaderName::from_static("x-mine")));
        let kept =
            [("anthropic-beta", "b"), ("content-type", "audio/mpeg"), ("user-agent", "u"), ("x-own", "1")];
        let dropped = [
            ("authorization", "Bearer sk-g"),
            ("x-api-key", "sk-g"),
            ("api-key", "sk-g"),
            ("x-goog-api-key", "sk-g"),
            ("x-mine", "sk-g"),
            ("x-litellm-call-id", "c"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("host", "gateway"),
            ("cookie", "c"),
            ("x-forwarded-for", "10.0.0.1"),
            ("content-length", "3"),
            ("x-pass-authorization", "Bearer mine"),
            ("x-pass-host", "evil.example"),
            ("x-pass-x-litellm-call-id", "c"),
        ];
        let mut client = map(&kept);
        client.extend(map(&dropped));
        client.insert("x-pass-openai-beta", HeaderValue::from_static("v2"));
        let mut expected = map(&kept);
        expected.extend(map(&[("openai-beta", "v2"), ("accept-encoding", "identity")]));
        assert_eq!(outgoing(&client, &|name| access.holds_key(name)), expected);
        let mut few = map(&[("content-type", "audio/mpeg"), ("accept-encoding", "identity")]);
        few.insert("openai-beta", HeaderValue::from_static("v2"));
        assert_eq!(outgoing(&of_the_body(&client), &|name| access.holds_key(name)), few);
    }

    #[test]
    fn answers_keep_their_headers_but_those_of_connection_and_host() {
        let kept = [
            ("content-type", "a/b"),
            ("request-id", "r"),
            ("content-length", "3"),
            ("x-ratelimit-limit", "1"),
        ];
        let mut upstream = map(&kept);
        upstream.extend(map(&[
            ("connection", "close"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "c"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3"),
        ]));
        assert_eq!(returned(&upstream, None), map(&kept));
        let scrubbed = returned(&upstream, Some(&Scrubber::new().unwrap()));
        assert!(scrubbed.get("content-length").is_none() && scrubbed["request-id"] == "r");
    }
}
