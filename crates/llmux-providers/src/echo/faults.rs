//! Latency and faults that a deployment asks for.

use std::time::Duration;

use http::StatusCode;
use llmux_core::{Options, Result};
use serde_json::Value;

use crate::target::setting;

/// What goes wrong, and how slowly. Times are given in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The wait before the answer begins.
    pub(super) first_byte: Duration,
    /// The wait between two pieces of a stream.
    pub(super) between: Duration,
    /// An error status to answer with.
    pub(super) status: Option<StatusCode>,
    /// The wait that the error asks for.
    pub(super) retry_after: Option<Duration>,
    /// After so many pieces the connection breaks off.
    pub(super) cut_after: Option<usize>,
    /// What is answered instead of the user's words.
    pub(super) text: Option<String>,
}

impl Faults {
    /// Reads the provider's options: `first_byte_ms`, `between_ms`, `status`, `retry_after_ms`, `cut_after`, `text`.
    /// LiteLLM's names of exceptions in place of a text stand for their status.
    pub(super) fn read(options: &Options) -> Result<Self> {
        let number = |name: &str| match options.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| setting(&format!("echo.{name}"), "must be a whole number of zero or more")),
        };
        let status = number("status")?
            .map(|code| {
                u16::try_from(code)
                    .ok()
                    .filter(|code| (400..600).contains(code))
                    .and_then(|code| StatusCode::from_u16(code).ok())
                    .ok_or_else(|| setting("echo.status", "must be an error status, 400 to 599"))
            })
            .transpose()?;
        let text = options.get("text").and_then(Value::as_str);
        let raised = text.and_then(exception);
        Ok(Self {
            text: text.filter(|_| raised.is_none()).map(str::to_owned),
            first_byte: Duration::from_millis(number("first_byte_ms")?.unwrap_or_default()),
            between: Duration::from_millis(number("between_ms")?.unwrap_or_default()),
            status: status.or(raised),
            retry_after: number("retry_after_ms")?.map(Duration::from_millis),
            cut_after: number("cut_after")?.map(|pieces| usize::try_from(pieces).unwrap_or(usize::MAX)),
        })
    }
}

/// The status of an exception that LiteLLM's `mock_response` can raise by name.
fn exception(name: &str) -> Option<StatusCode> {
    Some(match name {
        "litellm.RateLimitError" => StatusCode::TOO_MANY_REQUESTS,
        "litellm.InternalServerError" => StatusCode::INTERNAL_SERVER_ERROR,
        "litellm.ContextWindowExceededError" | "litellm.ContentPolicyViolationError" => {
            StatusCode::BAD_REQUEST
        }
        _ => return None,
    })
}
