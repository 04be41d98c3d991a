//! Why an answer ended.

use llmux_core::{Error, ErrorKind, Result};

use crate::chat::FinishReason;

/// Reads a reason.
///
/// # Errors
/// The provider's failure, where that is the reason; `detail` is what it says about it.
pub(super) fn read_finish(word: &str, detail: Option<&str>) -> Result<FinishReason> {
    Ok(match word {
        "COMPLETE" => FinishReason::Stop,
        "STOP_SEQUENCE" => FinishReason::StopSequence(None),
        "MAX_TOKENS" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "ERROR" => {
            let message = detail.unwrap_or("the model failed while it answered");
            return Err(Error::upstream(ErrorKind::ProviderFault, message));
        }
        "TIMEOUT" => {
            let message = detail.unwrap_or("the model took too long to answer");
            return Err(Error::upstream(ErrorKind::Timeout, message));
        }
        word => FinishReason::Other(word.to_owned()),
    })
}

/// Cohere's word for a reason. It has none for filters: such an answer is complete as far as it goes.
pub(super) fn write_finish(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::StopSequence(_) => "STOP_SEQUENCE",
        FinishReason::Length | FinishReason::ContextWindow => "MAX_TOKENS",
        FinishReason::ToolCalls => "TOOL_CALL",
        FinishReason::Stop | FinishReason::ContentFilter | FinishReason::Pause | FinishReason::Other(_) => {
            "COMPLETE"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_no_reason_to_end() {
        assert_eq!(read_finish("COMPLETE", None).unwrap(), FinishReason::Stop);
        let error = read_finish("ERROR", Some("out of memory")).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::ProviderFault, "out of memory"));
        assert_eq!(read_finish("TIMEOUT", None).unwrap_err().kind(), ErrorKind::Timeout);
    }
}
