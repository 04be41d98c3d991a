//! Failed answers of any shape: a status for the client, and a body that its SDK can read. The first two bytes are
//! the status, the first line is the wait that is asked for.
#![no_main]

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use libfuzzer_sys::fuzz_target;
use llmux_core::Error;
use llmux_wire::{anthropic, gemini, openai};
use llmux_wire_fuzz::json;

fuzz_target!(|data: &[u8]| {
    let [high, low, rest @ ..] = data else { return };
    let Ok(status) = StatusCode::from_u16(u16::from_be_bytes([*high, *low]) % 900 + 100) else { return };
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
    if let Ok(wait) = HeaderValue::from_bytes(lines.next().unwrap_or_default()) {
        headers.insert(RETRY_AFTER, wait);
    }
    let body = lines.next().unwrap_or_default();
    check(&openai::read_error(status, &headers, body, "acme"));
    check(&anthropic::read_error(status, &headers, body, "acme"));
    check(&gemini::read_error(status, &headers, body, "acme"));
});

fn check(error: &Error) {
    assert!(error.status().as_u16() >= 400 && !error.message().is_empty());
    assert!(json(&openai::write_error(error))["error"]["message"].is_string());
    assert!(json(&anthropic::write_error(error))["error"]["type"].is_string());
    assert!(json(&gemini::write_error(error))["error"]["status"].is_string());
}
