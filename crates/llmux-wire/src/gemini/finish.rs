//! Why an answer ended.

use crate::chat::FinishReason;

/// Reads a reason. Gemini says `STOP` when it calls tools too.
pub(super) fn read_finish(word: &str, calls: bool) -> FinishReason {
    match word {
        "STOP" if calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        word => FinishReason::Other(word.to_owned()),
    }
}

/// Gemini's word for a reason.
pub(super) fn write_finish(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop
        | FinishReason::StopSequence(_)
        | FinishReason::ToolCalls
        | FinishReason::Pause => "STOP",
        FinishReason::Length | FinishReason::ContextWindow => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
        FinishReason::Other(_) => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart_and_a_stop_with_calls_is_a_call() {
        assert_eq!(read_finish("STOP", true), FinishReason::ToolCalls);
        for word in ["STOP", "MAX_TOKENS", "SAFETY"] {
            assert_eq!(write_finish(&read_finish(word, false)), word);
        }
        for word in ["RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"] {
            assert_eq!(read_finish(word, false), FinishReason::ContentFilter);
        }
        let malformed = read_finish("MALFORMED_FUNCTION_CALL", false);
        assert_eq!(malformed, FinishReason::Other("MALFORMED_FUNCTION_CALL".into()));
    }
}
