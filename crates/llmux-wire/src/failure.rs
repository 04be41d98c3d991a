//! Reading a provider's failed answer, whatever shape it has.

use std::time::Duration;

use http::{
    HeaderMap, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use llmux_core::{Error, ErrorKind};
use serde_json::Value;

/// Longest provider message that is passed on, in characters.
const MAX_MESSAGE: usize = 2_000;

/// What a failed answer says, before it is judged.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
}

/// Reads the common shapes: `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`, a list
/// around or inside any of them, or plain text. Markup is reduced to its title.
pub(crate) fn read(body: &[u8]) -> Failure {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => from_value(&value),
        Err(_) => Failure { message: plain_text(body), ..Failure::default() },
    }
}

/// Reads one of the JSON shapes.
pub(crate) fn from_value(value: &Value) -> Failure {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    let inner = |name: &str| value.get(name).filter(|inner| inner.is_object() || inner.is_array());
    let error =
        value.get("error").or_else(|| value.get("errors")).or_else(|| inner("detail")).unwrap_or(value);
    let error = error.as_array().and_then(|list| list.first()).unwrap_or(error);
    let text = |name: &str| error.get(name).and_then(scalar).or_else(|| value.get(name).and_then(scalar));
    let message = match error {
        Value::String(message) => Some(message.clone()),
        _ => ["message", "detail", "msg", "err_msg", "title"].iter().find_map(|name| text(name)),
    };
    let message = message.or_else(|| value.get("detail").map(Value::to_string));
    let code = ["code", "err_code", "status"].iter().find_map(|name| error.get(name).and_then(scalar));
    Failure {
        message: clip(&message.unwrap_or_default()),
        kind: error.get("type").and_then(scalar),
        code,
        param: error.get("param").and_then(scalar),
    }
}

impl Failure {
    /// The error it stands for. `provider` is named where the answer itself says nothing.
    pub(crate) fn into_error(self, status: StatusCode, headers: &HeaderMap, provider: &str) -> Error {
        let kind = self.error_kind(status);
        let message = if self.message.is_empty() {
            format!("{provider} answered with status {} and no message", status.as_u16())
        } else {
            self.message
        };
        let mut error = Error::upstream(kind, message)
            .with_status(status)
            .with_provider(provider)
            .with_retry_after(retry_after(headers));
        // A number in `code` only repeats the status.
        if let Some(code) = self.code.filter(|code| code.parse::<u16>().is_err()) {
            error = error.with_code(code);
        } else if kind == ErrorKind::ContextWindowExceeded {
            error = error.with_code("context_length_exceeded");
        }
        match self.param {
            Some(param) => error.with_param(param),
            None => error,
        }
    }

    fn error_kind(&self, status: StatusCode) -> ErrorKind {
        let by_status = ErrorKind::from_status(status);
        if !matches!(
            by_status,
            ErrorKind::InvalidRequest | ErrorKind::PayloadTooLarge | ErrorKind::RateLimited
        ) {
            return by_status;
        }
        let code = self.code.as_deref().or(self.kind.as_deref()).unwrap_or_default();
        let message = self.message.to_ascii_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        match code {
            "context_length_exceeded" => ErrorKind::ContextWindowExceeded,
            "content_policy_violation" | "content_filter" => ErrorKind::ContentPolicy,
            // OpenAI answers 429 for an empty account: waiting does not help, another account may.
            "insufficient_quota" => ErrorKind::PaymentRequired,
            _ if by_status == ErrorKind::RateLimited => by_status,
            _ if says(&[
                "prompt is too long",
                "maximum context length",
                "context window",
                "context length",
                "too many tokens",
                "input is too long",
            ]) =>
            {
                ErrorKind::ContextWindowExceeded
            }
            _ if says(&["content policy", "content_policy", "content management policy"]) => {
                ErrorKind::ContentPolicy
            }
            _ => by_status,
        }
    }
}

/// The wait that an answer asks for: `retry-after-ms`, or `retry-after` in seconds or as a date. A date is compared
/// with the one that the answer itself carries, so the clocks of provider and gateway need not agree; without one it
/// is left to the router's own backoff. Waits of more than an hour count as none.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let date = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number(RETRY_AFTER.as_str()));
    let wait = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        // A date that has passed asks for no wait.
        None => Some(date(RETRY_AFTER)?.duration_since(date(DATE)?).unwrap_or_default()),
    };
    wait.filter(|delay| *delay <= Duration::from_secs(3_600))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a body that is no JSON says: its first words, or the title of a web page.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.contains("<!doctype") {
        return clip(text.trim());
    }
    let title = lower
        .find("<title>")
        .and_then(|start| text.get(start + "<title>".len()..))
        .and_then(|rest| rest.split('<').next())
        .map(str::trim)
        .filter(|title| !title.is_empty());
    title.map_or_else(
        || "the provider answered with a web page".to_owned(),
        |title| clip(&format!("the provider answered with a web page: {title}")),
    )
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> Error {
        read(body.as_bytes()).into_error(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), "acme")
    }

    #[test]
    fn the_common_shapes_give_their_message() {
        for body in [
            r#"{"error":{"message":"no such thing"}}"#,
            r#"{"error":"no such thing"}"#,
            r#"{"message":"no such thing"}"#,
            r#"{"detail":"no such thing"}"#,
            r#"[{"error":{"message":"no such thing"}}]"#,
            r#"{"detail":{"status":"not_found","message":"no such thing"}}"#,
            r#"{"detail":[{"loc":["body"],"msg":"no such thing"}]}"#,
            r#"{"err_code":"NOT_FOUND","err_msg":"no such thing"}"#,
            r#"{"title":"no such thing","status":404}"#,
            r#"{"object":"error","message":"no such thing","code":404}"#,
            "no such thing",
        ] {
            assert_eq!(error(404, body).message(), "no such thing", "{body}");
        }
    }

    #[test]
    fn a_web_page_is_reduced_to_its_title() {
        let page = "<!DOCTYPE html><html><head><title>503 Down</title></head><body>secret</body></html>";
        assert_eq!(error(503, page).message(), "the provider answered with a web page: 503 Down");
    }

    #[test]
    fn an_empty_answer_names_provider_and_status() {
        assert_eq!(error(500, "").message(), "acme answered with status 500 and no message");
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_apart_from_other_mistakes() {
        let body = r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}"#;
        assert_eq!(error(400, body).kind(), ErrorKind::ContextWindowExceeded);
        assert_eq!(error(400, r#"{"error":{"message":"bad"}}"#).kind(), ErrorKind::InvalidRequest);
    }

    #[test]
    fn an_empty_account_is_not_a_rate_limit() {
        let body = r#"{"error":{"message":"quota","code":"insufficient_quota"}}"#;
        assert_eq!(error(429, body).kind(), ErrorKind::PaymentRequired);
    }

    #[test]
    fn the_wait_is_read_in_seconds_and_milliseconds() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "2".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(2)));
        headers.insert("retry-after-ms", "250".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_date_is_a_wait_from_the_answers_own_date() {
        let wait = |until: &str, now: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", until.parse().unwrap());
            now.map(|now| headers.insert("date", now.parse().unwrap()));
            retry_after(&headers)
        };
        let now = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:27:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("Thu, 22 Oct 2015 07:28:00 GMT", now), None);
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:30 GMT", None), None);
        assert_eq!(wait("soon", now), None);
    }
}
