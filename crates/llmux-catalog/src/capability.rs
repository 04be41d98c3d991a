//! Which capabilities are known to be there, and which to be missing.

use llmux_core::Capability;

/// Each capability, its letter in the built-in text, and LiteLLM's key.
const NAMES: &[(Capability, char, &str)] = &[
    (Capability::Tools, 't', "supports_function_calling"),
    (Capability::ParallelTools, 'T', "supports_parallel_function_calling"),
    (Capability::ToolChoice, 'c', "supports_tool_choice"),
    (Capability::ResponseSchema, 's', "supports_response_schema"),
    (Capability::SystemMessages, 'y', "supports_system_messages"),
    (Capability::Vision, 'v', "supports_vision"),
    (Capability::Pdf, 'p', "supports_pdf_input"),
    (Capability::AudioInput, 'a', "supports_audio_input"),
    (Capability::AudioOutput, 'A', "supports_audio_output"),
    (Capability::VideoInput, 'm', "supports_video_input"),
    (Capability::PromptCaching, 'k', "supports_prompt_caching"),
    (Capability::Reasoning, 'r', "supports_reasoning"),
    (Capability::WebSearch, 'w', "supports_web_search"),
    (Capability::Prefill, 'f', "supports_assistant_prefill"),
    (Capability::ComputerUse, 'u', "supports_computer_use"),
    (Capability::Streaming, 'S', "supports_native_streaming"),
    (Capability::UrlContext, 'l', "supports_url_context"),
    (Capability::EmbedImages, 'e', "supports_embedding_image_input"),
];

/// What is known of a model's capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    there: u32,
    missing: u32,
}

impl Capabilities {
    /// Whether a capability is there; `None` when nobody said.
    #[must_use]
    pub fn get(self, capability: Capability) -> Option<bool> {
        let bit = bit(capability);
        if self.there & bit > 0 {
            return Some(true);
        }
        (self.missing & bit > 0).then_some(false)
    }

    /// Says whether a capability is there.
    pub fn set(&mut self, capability: Capability, there: bool) {
        let bit = bit(capability);
        let (to, from) =
            if there { (&mut self.there, &mut self.missing) } else { (&mut self.missing, &mut self.there) };
        *to |= bit;
        *from &= !bit;
    }

    /// Takes over what the other one knows.
    pub(crate) fn replace(&mut self, by: Self) {
        for (capability, _, known) in by.known() {
            self.set(capability, known);
        }
    }

    /// Every capability of which something is known, with LiteLLM's key.
    pub fn known(self) -> impl Iterator<Item = (Capability, &'static str, bool)> {
        NAMES.iter().filter_map(move |(capability, _, key)| Some((*capability, *key, self.get(*capability)?)))
    }

    /// All of LiteLLM's keys, and what is known.
    pub fn all(self) -> impl Iterator<Item = (&'static str, Option<bool>)> {
        NAMES.iter().map(move |(capability, _, key)| (*key, self.get(*capability)))
    }

    /// Takes letters of the built-in text.
    pub(crate) fn set_letters(&mut self, letters: &str, there: bool) -> Option<()> {
        for letter in letters.chars() {
            let (capability, ..) = NAMES.iter().find(|(_, known, _)| *known == letter)?;
            self.set(*capability, there);
        }
        Some(())
    }

    /// The letters, in the built-in text, of those that are there or missing.
    pub(crate) fn letters(self, there: bool) -> String {
        let named = NAMES.iter().filter(|(capability, ..)| self.get(*capability) == Some(there));
        named.map(|(_, letter, _)| *letter).collect()
    }
}

/// The capability that one of LiteLLM's keys tells of.
pub(crate) fn from_litellm(key: &str) -> Option<Capability> {
    NAMES.iter().find(|(.., known)| *known == key).map(|(capability, ..)| *capability)
}

fn bit(capability: Capability) -> u32 {
    let at = NAMES.iter().position(|(known, ..)| *known == capability).unwrap_or(31);
    1_u32.checked_shl(u32::try_from(at).unwrap_or(31)).unwrap_or_default()
}
