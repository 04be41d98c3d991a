//! Cross-origin requests.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use llmux_config::Cors;
use llmux_gateway::cors::CorsPolicy;

const PAGE: HeaderValue = HeaderValue::from_static("https://chat.example");
const OTHER: HeaderValue = HeaderValue::from_static("https://evil.example");

/// A section with `origins`, changed by `change`.
fn policy(origins: &[&str], change: impl FnOnce(&mut Cors)) -> CorsPolicy {
    let mut section = Cors::default();
    section.allow_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    change(&mut section);
    CorsPolicy::new(&section).unwrap()
}

fn question(origin: HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
    let asked = HeaderValue::from_static("authorization,content-type,x-stainless-lang");
    headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, asked);
    headers
}

fn preflight(policy: &CorsPolicy, origin: HeaderValue) -> HeaderMap {
    let response = policy.preflight(&Method::OPTIONS, &question(origin)).unwrap();
    assert_eq!(response.status(), 204);
    response.headers().clone()
}

fn applied(policy: &CorsPolicy, origin: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    policy.apply(origin, &mut headers);
    headers
}

fn varies_by_origin(headers: &HeaderMap) -> bool {
    headers.get_all(header::VARY).iter().any(|value| value == "origin")
}

#[test]
fn by_default_any_page_may_call_without_cookies_and_read_all_headers() {
    let policy = CorsPolicy::default();
    let headers = preflight(&policy, PAGE);
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-allow-headers"], "authorization,content-type,x-stainless-lang");
    assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    assert!(!headers.contains_key("access-control-allow-credentials"));

    let headers = applied(&policy, Some(&PAGE));
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-expose-headers"], "*");
    assert!(!varies_by_origin(&headers));
}

#[test]
fn callers_that_are_no_browsers_get_no_extra_headers() {
    let headers = applied(&CorsPolicy::any(), None);
    assert_eq!(headers.len(), 1);
}

#[test]
fn only_listed_origins_are_permitted_and_caches_are_told() {
    let policy = policy(&["HTTPS://chat.example/"], |_| {});
    let headers = applied(&policy, Some(&PAGE));
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert!(varies_by_origin(&headers));
    assert!(headers.get_all(header::VARY).iter().any(|value| value == "accept"));
    for headers in [applied(&policy, Some(&OTHER)), preflight(&policy, OTHER), applied(&policy, None)] {
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert!(!headers.contains_key("access-control-allow-methods"));
        assert!(varies_by_origin(&headers));
    }
}

#[test]
fn any_origin_with_credentials_is_answered_by_name() {
    let policy = policy(&["*"], |section| section.allow_credentials = true);
    for headers in [applied(&policy, Some(&PAGE)), preflight(&policy, PAGE)] {
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert!(varies_by_origin(&headers));
    }
    let exposed = applied(&policy, Some(&PAGE))["access-control-expose-headers"].clone();
    let exposed = exposed.to_str().unwrap();
    assert!(exposed.contains("retry-after") && exposed.contains("x-litellm-call-id"), "{exposed}");
    assert!(!exposed.contains('*'));
    // No browser's origin: repeated, it would permit everybody.
    let nobody = applied(&policy, Some(&HeaderValue::from_static("*")));
    assert!(!nobody.contains_key("access-control-allow-origin"));
}

#[test]
fn methods_headers_exposure_and_age_come_from_the_configuration() {
    let policy = policy(&["https://chat.example"], |section| {
        section.allow_methods = vec!["GET".to_owned(), "POST".to_owned()];
        section.allow_headers = vec!["authorization".to_owned()];
        section.expose_headers = vec!["x-mine".to_owned()];
        section.max_age = Some(Duration::from_secs(600));
    });
    let headers = preflight(&policy, PAGE);
    assert_eq!(headers["access-control-allow-methods"], "GET, POST");
    assert_eq!(headers["access-control-allow-headers"], "authorization");
    assert_eq!(headers["access-control-max-age"], "600");
    let exposed = applied(&policy, Some(&PAGE))["access-control-expose-headers"].clone();
    assert!(exposed.to_str().unwrap().ends_with(", x-mine"));
}

#[test]
fn other_requests_are_not_taken_for_the_question_of_a_browser() {
    let policy = CorsPolicy::any();
    let mut plain = question(PAGE);
    plain.remove(header::ACCESS_CONTROL_REQUEST_METHOD);
    assert!(policy.preflight(&Method::OPTIONS, &plain).is_none());
    assert!(policy.preflight(&Method::POST, &question(PAGE)).is_none());
    plain = question(PAGE);
    plain.remove(header::ORIGIN);
    assert!(policy.preflight(&Method::OPTIONS, &plain).is_none());
}

#[test]
fn without_permissions_no_page_may_call() {
    let policy = CorsPolicy::none();
    for headers in [applied(&policy, Some(&PAGE)), preflight(&policy, PAGE)] {
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[test]
fn a_setting_that_cannot_stand_in_a_header_is_named() {
    let mut section = Cors::default();
    section.allow_headers = vec!["x-a\nb".to_owned()];
    let error = CorsPolicy::new(&section).unwrap_err();
    assert!(error.message().contains("server.cors.allow_headers"), "{error}");
}
