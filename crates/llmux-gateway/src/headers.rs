//! Headers about a request and its answer, under LiteLLM's names.

use std::{borrow::Cow, fmt, io::Write, sync::LazyLock, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use llmux_core::{Bill, DeploymentId, Dialect, Money, RequestContext};
use llmux_router::{Deployment, Explanation};
use llmux_telemetry::Scrubber;

/// The request's identifier.
pub(crate) const CALL_ID: HeaderName = HeaderName::from_static("x-litellm-call-id");
/// The deployment that answered or failed last.
const MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
/// The model group.
const MODEL_GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
/// The base URL that was asked, without query.
const API_BASE: HeaderName = HeaderName::from_static("x-litellm-model-api-base");
/// The provider that was asked.
const PROVIDER: HeaderName = HeaderName::from_static("x-llmux-provider");
/// Attempts beyond the first.
const RETRIES: HeaderName = HeaderName::from_static("x-litellm-attempted-retries");
/// Attempts beyond the first that would have been made.
const MAX_RETRIES: HeaderName = HeaderName::from_static("x-litellm-max-retries");
/// Other models that were tried.
const FALLBACKS: HeaderName = HeaderName::from_static("x-litellm-attempted-fallbacks");
/// Asks how a deployment was chosen.
pub(crate) const EXPLAIN: HeaderName = HeaderName::from_static("x-llmux-explain");
/// How a deployment was chosen.
pub(crate) const ROUTE: HeaderName = HeaderName::from_static("x-llmux-route");
/// Milliseconds from the request line to the head of the answer.
const DURATION: HeaderName = HeaderName::from_static("x-litellm-response-duration-ms");
/// Request fields that were left out.
const DROPPED: HeaderName = HeaderName::from_static("x-llmux-dropped-params");
/// What the answer is billed, in US dollars; its twin under our own name; and the parts that it has.
static COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
static COST_TWIN: HeaderName = HeaderName::from_static("x-llmux-response-cost");
static COST_INPUT: HeaderName = HeaderName::from_static("x-litellm-response-cost-input");
static COST_OUTPUT: HeaderName = HeaderName::from_static("x-litellm-response-cost-output");
static COST_CACHE_READ: HeaderName = HeaderName::from_static("x-litellm-response-cost-cache-read");
static COST_CACHE_WRITE: HeaderName = HeaderName::from_static("x-litellm-response-cost-cache-creation");
static COST_REASONING: HeaderName = HeaderName::from_static("x-litellm-response-cost-reasoning");
static COST_TOOLS: HeaderName = HeaderName::from_static("x-litellm-response-cost-tool-usage");
/// The bill before discount and margin, and these.
static COST_ORIGINAL: HeaderName = HeaderName::from_static("x-litellm-response-cost-original");
static COST_DISCOUNT: HeaderName = HeaderName::from_static("x-litellm-response-cost-discount-amount");
static COST_MARGIN: HeaderName = HeaderName::from_static("x-litellm-response-cost-margin-amount");
/// The version of this program.
const VERSION: HeaderName = HeaderName::from_static("x-litellm-version");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What upstream headers are prefixed with.
const UPSTREAM_PREFIX: &str = "llm_provider-";

/// Headers of an upstream answer that say nothing about it as a whole, or that are nobody else's business.
fn is_private(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::CONTENT_LENGTH
            | header::CONTENT_ENCODING
            | header::TRANSFER_ENCODING
            | header::SET_COOKIE
            | header::AUTHORIZATION
            | header::PROXY_AUTHORIZATION
            | header::UPGRADE
            | header::TRAILER
            | header::TE
    ) || matches!(name.as_str(), "keep-alive" | "x-api-key" | "api-key" | "x-goog-api-key")
}

/// Whether the usage of an answer that passes untouched is known: `tracked` or `unknown`.
pub(crate) const USAGE: HeaderName = HeaderName::from_static("x-llmux-usage");

/// Names the request beside the provider's own name for it.
pub(crate) fn call(cx: &RequestContext, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(cx.id.as_str()) {
        headers.insert(CALL_ID, id);
    }
    headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
}

/// Names who is asked, where no deployment is.
pub(crate) fn ask(provider: &str, base_url: &str, headers: &mut HeaderMap) {
    for (name, text) in [(PROVIDER, provider), (API_BASE, without_query(base_url))] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
}

/// Names the request, in the words of the dialect's SDKs, and the program.
pub(crate) fn identify(cx: &RequestContext, headers: &mut HeaderMap) {
    name_request(cx, headers);
    headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
}

/// Names the request, in the words of the dialect's SDKs.
pub(crate) fn name_request(cx: &RequestContext, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(cx.id.as_str()) {
        let sdk = match cx.sdk {
            Dialect::Anthropic => REQUEST_ID,
            Dialect::BedrockConverse => X_AMZN_REQUEST_ID,
            _ => X_REQUEST_ID,
        };
        headers.insert(sdk, id.clone());
        headers.insert(CALL_ID, id);
    }
}

/// What was tried, beside who was asked last.
#[derive(Clone, Copy)]
pub(crate) struct Tries<'a> {
    /// The model that the client asked for.
    pub(crate) model: &'a str,
    pub(crate) retries: u32,
    pub(crate) max_retries: u32,
    pub(crate) fallbacks: u32,
}

/// Room for the headers that an answer has of its own.
const OWN: usize = 14;

/// What most answers of a deployment have in common.
pub(crate) fn labels(deployment: &Deployment) -> HeaderMap {
    let texts = [
        (MODEL_ID, deployment.id().as_str()),
        (MODEL_GROUP, deployment.group().as_str()),
        (PROVIDER, deployment.provider().name()),
        (API_BASE, without_query(deployment.provider().base_url())),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(RETRIES, HeaderValue::from_static("0"));
    headers.insert(FALLBACKS, HeaderValue::from_static("0"));
    headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    headers
}

/// The headers of an answer, which name who gave it, and after what.
pub(crate) fn attributed(deployment: &Deployment, tries: Tries<'_>) -> HeaderMap {
    let mut headers = deployment.labels().clone();
    headers.reserve(OWN);
    if let Some(most) = number(tries.max_retries.into()) {
        headers.insert(MAX_RETRIES, most);
    }
    if tries.retries > 0 {
        headers.insert(RETRIES, HeaderValue::from(tries.retries));
    }
    if tries.fallbacks > 0 {
        headers.insert(FALLBACKS, HeaderValue::from(tries.fallbacks));
        // The group is still the one that was asked for.
        if let Ok(group) = HeaderValue::from_str(tries.model) {
            headers.insert(MODEL_GROUP, group);
        }
    }
    headers
}

/// Says how the deployment was chosen that answered.
pub(crate) fn explain(mut explanation: Explanation, chosen: Option<DeploymentId>, headers: &mut HeaderMap) {
    explanation.answered(chosen.as_ref());
    if let Ok(value) = HeaderValue::from_str(&explanation.to_string()) {
        headers.insert(ROUTE, value);
    }
}

/// Says how long it took.
pub(crate) fn time(elapsed: Duration, headers: &mut HeaderMap) {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if let Some(milliseconds) = number(milliseconds) {
        headers.insert(DURATION, milliseconds);
    }
}

/// Says what the answer is billed, and what for. Of the parts only those that cost something are told.
pub(crate) fn bill(bill: &Bill, headers: &mut HeaderMap) {
    if let Some(total) = amount(bill.total) {
        headers.insert(&COST, total.clone());
        headers.insert(&COST_TWIN, total);
    }
    let changed = !(bill.discount.is_zero() && bill.margin.is_zero());
    let parts = [
        (&COST_INPUT, bill.cost.prompt()),
        (&COST_OUTPUT, bill.cost.completion()),
        (&COST_CACHE_READ, bill.cost.cache_read),
        (&COST_CACHE_WRITE, bill.cost.cache_write),
        (&COST_REASONING, bill.cost.reasoning),
        (&COST_TOOLS, bill.cost.tools),
        (&COST_ORIGINAL, if changed { bill.original } else { Money::ZERO }),
        (&COST_DISCOUNT, bill.discount),
        (&COST_MARGIN, bill.margin),
    ];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_zero()) {
        if let Some(value) = amount(part) {
            headers.insert(name, value);
        }
    }
}

fn amount(money: Money) -> Option<HeaderValue> {
    let mut room = [0; 48];
    written(&mut room, format_args!("{money}"))
}

fn number(number: u64) -> Option<HeaderValue> {
    written(&mut [0; 20], format_args!("{number}"))
}

/// A short text as a header, written without a detour over the heap.
fn written(room: &mut [u8], text: fmt::Arguments<'_>) -> Option<HeaderValue> {
    let mut rest = &mut *room;
    rest.write_fmt(text).ok()?;
    let left = rest.len();
    HeaderValue::from_bytes(room.get(..room.len().checked_sub(left)?)?).ok()
}

/// Names the request fields that were left out.
pub(crate) fn dropped(names: &[String], headers: &mut HeaderMap) {
    if names.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&names.join(",")) {
        headers.insert(DROPPED, value);
    }
}

/// Headers that most providers send, and what they are called behind the prefix: to make a name costs more than to
/// find one.
static PREFIXED: LazyLock<HeaderMap<HeaderName>> = LazyLock::new(|| {
    let common = [
        "content-type",
        "date",
        "server",
        "vary",
        "via",
        "request-id",
        "x-request-id",
        "openai-organization",
        "openai-processing-ms",
        "openai-project",
        "openai-version",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens",
        "anthropic-organization-id",
        "strict-transport-security",
        "x-content-type-options",
        "cf-cache-status",
        "cf-ray",
        "alt-svc",
    ];
    let known = common.into_iter().filter_map(|name| {
        Some((HeaderName::from_static(name), prefixed(&mut String::new(), &HeaderName::from_static(name))?))
    });
    known.collect()
});

fn prefixed(room: &mut String, name: &HeaderName) -> Option<HeaderName> {
    room.clear();
    room.push_str(UPSTREAM_PREFIX);
    room.push_str(name.as_str());
    HeaderName::from_bytes(room.as_bytes()).ok()
}

/// Hands the provider's headers on under a prefix.
pub(crate) fn forward(upstream: &HeaderMap, headers: &mut HeaderMap) {
    let mut room = String::new();
    for (key, value) in upstream.iter().filter(|(key, _)| !is_private(key)) {
        let name = PREFIXED.get(key).cloned().or_else(|| prefixed(&mut room, key));
        if let Some(name) = name {
            headers.append(name, value.clone());
        }
    }
}

/// The headers of a failed answer without keys, which some hosts repeat to say which one they refuse. Successful
/// answers have no reason to, and are not searched.
pub(crate) fn scrubbed(upstream: &HeaderMap, scrubber: &Scrubber) -> HeaderMap {
    let value = |value: &HeaderValue| match scrubber.scrub(value.as_bytes()) {
        Cow::Borrowed(_) => Some(value.clone()),
        Cow::Owned(scrubbed) => HeaderValue::from_bytes(&scrubbed).ok(),
    };
    let mut headers = HeaderMap::with_capacity(upstream.len());
    for (name, given) in upstream {
        if let Some(value) = value(given) {
            headers.append(name.clone(), value);
        }
    }
    headers
}

/// Those of the client's headers that mean something to a provider: `x-*` and `anthropic-beta`, but none for the
/// gateway itself, none of a signature of AWS's, and none that may hold the gateway's key.
pub(crate) fn forwarded(client: &HeaderMap, holds_key: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let meant = |name: &HeaderName| {
        let text = name.as_str();
        let own = ["x-litellm-", "x-llmux-", "x-amz-"].iter().any(|prefix| text.starts_with(prefix));
        (text.starts_with("x-") && !own || text == "anthropic-beta") && !holds_key(name)
    };
    let mut headers = HeaderMap::new();
    for (name, value) in client.iter().filter(|(name, _)| meant(name)) {
        headers.append(name, value.clone());
    }
    headers
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_headers_are_prefixed_and_private_ones_stay_behind() {
        let mut upstream = HeaderMap::new();
        upstream.insert("x-ratelimit-remaining-tokens", HeaderValue::from_static("7"));
        upstream.insert(header::SET_COOKIE, HeaderValue::from_static("secret"));
        upstream.insert(header::CONTENT_LENGTH, HeaderValue::from_static("9"));
        let mut headers = HeaderMap::new();
        forward(&upstream, &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["llm_provider-x-ratelimit-remaining-tokens"], "7");
    }

    #[test]
    fn the_headers_of_a_failed_answer_repeat_no_keys() {
        let mut upstream = HeaderMap::new();
        upstream.insert("x-refused", HeaderValue::from_static("sk-canary_0123 is unknown"));
        upstream.insert("x-region", HeaderValue::from_static("eu"));
        let headers = scrubbed(&upstream, &Scrubber::new().unwrap());
        assert_eq!(
            (&headers["x-refused"], &headers["x-region"]),
            (&"*** is unknown".parse().unwrap(), &"eu".parse().unwrap())
        );
    }
}
