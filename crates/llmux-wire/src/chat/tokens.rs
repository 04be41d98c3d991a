//! Counting the tokens of a conversation.

use llmux_core::TokenCounter;

use super::{ChatRequest, Content, Media, Part, Tool};

/// What each message costs beside its text, by OpenAI's cookbook on counting chat tokens.
const PER_MESSAGE: u64 = 3;
/// An image at default resolution, by Anthropic's vision guide for a picture of about one megapixel.
const PER_IMAGE: u64 = 1_600;
/// Characters of base64 for a token of a document.
const BASE64_PER_TOKEN: u64 = 4;

/// The tokens of a conversation with its tools, as `model` would read it: those of its texts, and a fixed number for
/// each message and each image.
#[must_use]
pub fn count(request: &ChatRequest, model: &str, counter: &dyn TokenCounter) -> u64 {
    let counting = Counting { model, counter };
    let messages = request.messages.iter().map(|message| {
        let parts = message.parts.iter().map(|part| counting.part(part));
        parts.fold(PER_MESSAGE, u64::saturating_add)
    });
    let tools = request.tools.iter().map(|tool| counting.tool(tool));
    messages.chain(tools).fold(0, u64::saturating_add).max(1)
}

struct Counting<'a> {
    model: &'a str,
    counter: &'a dyn TokenCounter,
}

impl Counting<'_> {
    fn text(&self, text: &str) -> u64 {
        self.counter.count(self.model, text)
    }

    fn part(&self, part: &Part) -> u64 {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) | Content::Reasoning { text, .. } => {
                self.text(text)
            }
            Content::Image { .. } => PER_IMAGE,
            Content::File { source: Media::Text { text, .. }, .. } => self.text(text),
            Content::File { source: Media::Base64 { data, .. }, .. } => data.len() as u64 / BASE64_PER_TOKEN,
            Content::ToolCall(call) => self.text(&call.name).saturating_add(self.text(&call.arguments)),
            Content::ToolResult { parts, .. } => {
                parts.iter().map(|part| self.part(part)).fold(0, u64::saturating_add)
            }
            Content::Opaque { value, .. } => self.text(&value.to_string()),
            _ => 0,
        }
    }

    fn tool(&self, tool: &Tool) -> u64 {
        match tool {
            Tool::Function { name, description, parameters, .. } => {
                let described = description.as_deref().map_or(0, |text| self.text(text));
                let schema = parameters.as_ref().map_or(0, |schema| self.text(&schema.to_string()));
                self.text(name).saturating_add(described).saturating_add(schema)
            }
            Tool::Opaque { value, .. } => self.text(&value.to_string()),
        }
    }
}
