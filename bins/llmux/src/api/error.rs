//! What a server says when it refuses.

use std::fmt;

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// How much of a body that is no error object is worth showing, in characters.
const SHOWN_BODY: usize = 400;

/// Headers in which gateways name the call, for their logs.
const CALL_ID_HEADERS: [&str; 3] = ["x-litellm-call-id", "x-request-id", "request-id"];

/// A request that got no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server could not be reached or the answer broke off.
    #[error("{}", transport(.0))]
    Transport(#[from] reqwest::Error),
    /// The server answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The answer is not what the API promises.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl ApiError {
    /// Passes a successful response on and reads the error out of any other.
    pub(crate) async fn check(response: Response) -> Result<Response, Self> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let header = |name: &&str| response.headers().get(*name)?.to_str().ok().map(str::to_owned);
        let call_id = CALL_ID_HEADERS.iter().find_map(header);
        let body = response.text().await.unwrap_or_default();
        Err(Self::Refused(Box::new(Refusal { status: Some(status), call_id, ..Refusal::from_body(&body) })))
    }

    /// An error that came as an event of a stream.
    pub(crate) fn in_stream(error: &Value) -> Self {
        Self::Refused(Box::new(Refusal::from_value(error)))
    }

    /// A short, stable name for counting: the status, or what kind of failure it was.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Refused(refusal) => match refusal.status {
                Some(status) => status.as_u16().to_string(),
                None => "error in stream".to_owned(),
            },
            Self::Unexpected(_) => "unexpected answer".to_owned(),
            Self::Transport(error) if error.is_timeout() => "timeout".to_owned(),
            Self::Transport(error) if error.is_connect() => "no connection".to_owned(),
            Self::Transport(_) => "broken connection".to_owned(),
        }
    }
}

/// A server's error object: status, type, code, message.
#[derive(Debug, Default, thiserror::Error)]
pub(crate) struct Refusal {
    status: Option<StatusCode>,
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
    message: String,
    call_id: Option<String>,
}

impl Refusal {
    fn from_body(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::from_value(value.get("error").unwrap_or(&value)),
            Err(_) => Self { message: shorten(body), ..Self::default() },
        }
    }

    fn from_value(error: &Value) -> Self {
        let text = |key: &str| match error.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let message =
            error.as_str().map(str::to_owned).or_else(|| text("message")).or_else(|| text("detail"));
        Self {
            status: None,
            kind: text("type"),
            code: text("code"),
            param: text("param"),
            message: message.unwrap_or_else(|| shorten(&error.to_string())),
            call_id: None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            write!(f, "{status}: ")?;
        }
        f.write_str(if self.message.is_empty() { "(no message)" } else { &self.message })?;
        let facts =
            [("type", &self.kind), ("code", &self.code), ("param", &self.param), ("call", &self.call_id)];
        let facts: Vec<_> = facts
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}")))
            .collect();
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        Ok(())
    }
}

fn transport(error: &reqwest::Error) -> String {
    let place = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if error.is_timeout() {
        format!("{place} did not answer in time")
    } else if error.is_connect() {
        format!("cannot reach {place}: {}", root_cause(error))
    } else {
        format!("the exchange with {place} failed: {}", root_cause(error))
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn shorten(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= SHOWN_BODY {
        return text.to_owned();
    }
    text.chars().take(SHOWN_BODY).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_object_shows_type_code_and_parameter() {
        let body = r#"{"error":{"message":"no such model","type":"invalid_request_error","code":"model_not_found","param":"model"}}"#;
        let refusal = Refusal { status: Some(StatusCode::NOT_FOUND), ..Refusal::from_body(body) };
        assert_eq!(
            refusal.to_string(),
            "404 Not Found: no such model (type invalid_request_error, code model_not_found, param model)"
        );
        assert_eq!(ApiError::Refused(Box::new(refusal)).label(), "404");
    }

    #[test]
    fn numbers_strings_and_other_shapes_are_understood() {
        assert_eq!(
            Refusal::from_body(r#"{"error":{"message":"slow","code":429}}"#).to_string(),
            "slow (code 429)"
        );
        assert_eq!(Refusal::from_body(r#"{"error":"plain"}"#).to_string(), "plain");
        assert_eq!(Refusal::from_body(r#"{"detail":"Not Found"}"#).to_string(), "Not Found");
    }

    #[test]
    fn a_page_of_html_is_cut() {
        let shown = Refusal::from_body(&"<p>".repeat(1000)).to_string();
        assert_eq!(shown.chars().count(), SHOWN_BODY + 1);
        assert_eq!(Refusal::from_body("").to_string(), "(no message)");
    }
}
