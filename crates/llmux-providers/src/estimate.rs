//! Counting tokens without the model's tokenizer.

use llmux_core::{Call, Exchange, Result};
use llmux_wire::chat::{ChatRequest, Content, Media, Part, Tool};

use crate::speak;

/// Characters per token of mixed English text and code, as OpenAI's help pages give it.
const CHARACTERS_PER_TOKEN: u64 = 4;
/// What each message costs beside its text, by OpenAI's cookbook on counting chat tokens.
const PER_MESSAGE: u64 = 3;
/// An image at default resolution, by Anthropic's vision guide for a picture of about one megapixel.
const PER_IMAGE: u64 = 1_600;

/// Answers a request to count tokens with the estimate.
pub(crate) fn answer(call: &Call<'_>) -> Result<Exchange> {
    let request = speak::read_count(call)?;
    Ok(speak::counted(call.dialect, tokens(&request)))
}

/// An estimate of a conversation's tokens: characters through four, plus a fixed cost per message and image.
pub(crate) fn tokens(request: &ChatRequest) -> u64 {
    let messages: u64 = request
        .messages
        .iter()
        .map(|message| PER_MESSAGE + message.parts.iter().map(part).sum::<u64>())
        .sum();
    let tools: u64 = request.tools.iter().map(tool).sum();
    messages.saturating_add(tools).max(1)
}

fn text(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARACTERS_PER_TOKEN)
}

fn part(part: &Part) -> u64 {
    match &part.content {
        Content::Text { text: words, .. }
        | Content::Refusal(words)
        | Content::Reasoning { text: words, .. } => text(words),
        Content::Image { .. } => PER_IMAGE,
        Content::File { source: Media::Text { text: words, .. }, .. } => text(words),
        Content::File { source: Media::Base64 { data, .. }, .. } => data.len() as u64 / CHARACTERS_PER_TOKEN,
        Content::ToolCall(call) => text(&call.name).saturating_add(text(&call.arguments)),
        Content::ToolResult { parts, .. } => parts.iter().map(self::part).sum::<u64>(),
        Content::Opaque { value, .. } => text(&value.to_string()),
        _ => 0,
    }
}

fn tool(tool: &Tool) -> u64 {
    match tool {
        Tool::Function { name, description, parameters, .. } => {
            let described = description.as_deref().map_or(0, text);
            let schema = parameters.as_ref().map_or(0, |schema| text(&schema.to_string()));
            text(name).saturating_add(described).saturating_add(schema)
        }
        Tool::Opaque { value, .. } => text(&value.to_string()),
    }
}
