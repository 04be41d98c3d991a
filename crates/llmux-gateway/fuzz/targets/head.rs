//! The head of a request: its method and path lead somewhere, and browsers get consistent answers. Lines of input:
//! method, path, origin, requested headers.
#![no_main]

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, header};
use libfuzzer_sys::fuzz_target;
use llmux_gateway::{Endpoint, cors::CorsPolicy, dispatch};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path) = (line(), line());
    if let (Ok(method), Ok(path)) = (Method::from_bytes(method), std::str::from_utf8(path)) {
        leads_somewhere(&method, path);
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
    for name in [header::ORIGIN, header::ACCESS_CONTROL_REQUEST_HEADERS] {
        let Ok(value) = HeaderValue::from_bytes(line()) else { return };
        headers.insert(name, value);
    }
    answers_browsers(&headers);
});

fn leads_somewhere(method: &Method, path: &str) {
    let model = |model: &Option<Cow<'_, str>>| model.as_ref().is_none_or(|model| !model.is_empty());
    match dispatch(method, path) {
        Endpoint::Model(_, _, name) => assert!(model(&name) && *method == Method::POST),
        Endpoint::WrongMethod(allowed) => {
            for allowed in allowed.split(", ") {
                let allowed = Method::from_bytes(allowed.as_bytes()).expect("a method");
                assert_ne!(allowed, *method, "the method that is allowed is the one that was used");
                assert!(!matches!(dispatch(&allowed, path), Endpoint::WrongMethod(_) | Endpoint::Unknown));
            }
        }
        _ => {}
    }
}

fn answers_browsers(headers: &HeaderMap) {
    let origin = &headers[header::ORIGIN];
    for (credentials, listed) in [(false, "*"), (true, "*"), (true, "https://chat.example")] {
        let mut section = llmux_config::Cors::default();
        section.allow_origins = vec![listed.to_owned()];
        section.allow_credentials = credentials;
        let policy = CorsPolicy::new(&section).expect("a valid section");
        let asked = policy.preflight(&Method::OPTIONS, headers).expect("a question");
        let mut answered = HeaderMap::new();
        policy.apply(Some(origin), &mut answered);
        let allowed = answered.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(asked.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed);
        assert!(!credentials || allowed.is_none_or(|allowed| allowed != "*"), "with credentials nobody is anybody");
        if listed != "*" && allowed.is_some() {
            assert!(origin.as_bytes().eq_ignore_ascii_case(listed.as_bytes()), "another origin was let in");
        }
    }
}
