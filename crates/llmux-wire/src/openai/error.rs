//! OpenAI's error bodies.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::Error;
use serde_json::{Value, json};

use crate::failure;

/// The body of an error for a client: `{"error": {"message", "type", "param", "code"}}`. `code` is always
/// text: the error's own code, or the status.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    json!({ "error": error_object(error) }).to_string().into()
}

/// The object inside an error body.
pub(crate) fn error_object(error: &Error) -> Value {
    let code = error.code().map_or_else(|| error.status().as_u16().to_string(), str::to_owned);
    json!({
        "message": error.message(),
        "type": error.openai_type(),
        "param": error.param(),
        "code": code,
    })
}

/// Reads a provider's failed answer.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    failure::read(body).into_error(status, headers, provider)
}

/// Reads an error that came inside a stream: its status stands in the body, if anywhere.
pub(crate) fn read_stream_error(value: &Value) -> Error {
    let failure = failure::from_value(value);
    let numeric = failure.code.as_deref().and_then(|code| code.parse::<u16>().ok());
    let by_type = match failure.kind.as_deref().unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" | "tokens" | "requests" => 429,
        "service_unavailable_error" | "overloaded_error" => 503,
        _ => 500,
    };
    let status = numeric.filter(|code| (400..600).contains(code)).unwrap_or(by_type);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    failure.into_error(status, &HeaderMap::new(), "the provider")
}

#[cfg(test)]
mod tests {
    use llmux_core::ErrorKind;

    use super::*;

    #[test]
    fn an_error_body_has_the_four_fields_that_the_sdks_read() {
        let body = write_error(&Error::invalid("n", "must be 1"));
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({"error": {"message": "must be 1", "type": "invalid_request_error", "param": "n", "code": "400"}})
        );
    }

    #[test]
    fn an_error_inside_a_stream_is_judged_by_its_code_or_type() {
        let busy = read_stream_error(&json!({"error": {"message": "busy", "code": 429}}));
        assert_eq!(busy.kind(), ErrorKind::RateLimited);
        let odd = read_stream_error(&json!({"error": {"message": "odd", "type": "server_error"}}));
        assert_eq!(odd.kind(), ErrorKind::ProviderFault);
    }
}
