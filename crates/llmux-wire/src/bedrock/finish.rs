//! Why an answer ended.

use crate::chat::FinishReason;

/// Reads a reason. Which stop text came up is told only where the request asks the model's own fields for it.
pub(super) fn read_finish(word: &str, sequence: Option<&str>) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence(sequence.map(str::to_owned)),
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_use" => FinishReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        word => FinishReason::Other(word.to_owned()),
    }
}

/// Bedrock's word for a reason. Some hosts say that the model was done when it calls tools.
pub(super) fn write_finish(finish: Option<&FinishReason>, calls: bool) -> &'static str {
    match finish {
        None | Some(FinishReason::Stop) if calls => "tool_use",
        None | Some(FinishReason::Stop | FinishReason::Pause) => "end_turn",
        Some(FinishReason::StopSequence(_)) => "stop_sequence",
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ContextWindow) => "model_context_window_exceeded",
        Some(FinishReason::ToolCalls) => "tool_use",
        Some(FinishReason::ContentFilter) => "content_filtered",
        Some(FinishReason::Other(word)) => match word.as_str() {
            "malformed_model_output" => "malformed_model_output",
            "malformed_tool_use" => "malformed_tool_use",
            _ if calls => "tool_use",
            _ => "end_turn",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_keeps_its_meaning() {
        for word in [
            "end_turn",
            "tool_use",
            "max_tokens",
            "stop_sequence",
            "content_filtered",
            "malformed_model_output",
            "malformed_tool_use",
            "model_context_window_exceeded",
        ] {
            assert_eq!(write_finish(Some(&read_finish(word, None)), false), word);
        }
        assert_eq!(read_finish("guardrail_intervened", None), FinishReason::ContentFilter);
        assert_eq!(write_finish(Some(&FinishReason::Stop), true), "tool_use");
    }
}
