//! What happens to a parameter that the target dialect cannot carry.

use llmux_core::{Dialect, Error, Result, Shaping};

use crate::responses::RESPONSES_ONLY;

/// Parameters of OpenAI's and Anthropic's that change nothing about the answer.
const HINTS: [&str; 8] = [
    "context_management",
    "output_config",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];
/// Parameters of OpenAI's and Anthropic's that ask for something that most other dialects do not have.
const WITHOUT_FORM: [&str; 8] = [
    "audio",
    "container",
    "function_call",
    "functions",
    "inference_geo",
    "mcp_servers",
    "moderation",
    "verbosity",
];

/// Whether all names of a dialect are its own: a field of it that has no neutral form means nothing elsewhere.
pub(crate) fn is_closed(dialect: Dialect) -> bool {
    rules_of(dialect).is_some()
}

/// The fields of a closed dialect that only steer its own provider.
fn rules_of(dialect: Dialect) -> Option<&'static [&'static str]> {
    match dialect {
        Dialect::Gemini => Some(&["safetySettings", "labels"]),
        Dialect::Cohere => Some(&["safety_mode", "citation_options", "priority"]),
        Dialect::BedrockConverse => {
            Some(&["requestMetadata", "performanceConfig", "additionalModelResponseFieldPaths"])
        }
        Dialect::Ollama => Some(&["keep_alive", "options"]),
        _ => None,
    }
}

/// Collects what does not fit while a request is written in another dialect.
#[derive(Debug)]
pub struct Fit<'a> {
    target: &'a str,
    shaping: &'a Shaping,
    drop_params: bool,
    dropped: Vec<String>,
}

impl<'a> Fit<'a> {
    /// `target` names the provider in errors.
    #[must_use]
    pub fn new(target: &'a str, shaping: &'a Shaping) -> Self {
        Self { target, shaping, drop_params: shaping.drop_params, dropped: Vec::new() }
    }

    /// Drops what does not fit if this request asks for it, whatever the deployment's settings say.
    #[must_use]
    pub fn dropping(mut self, drop: bool) -> Self {
        self.drop_params |= drop;
        self
    }

    /// Whether the deployment's settings let this parameter through although it is not known to fit.
    #[must_use]
    pub fn allows(&self, param: &str) -> bool {
        self.shaping.allowed_params.iter().any(|allowed| allowed == param)
    }

    /// The parameter cannot be carried: left out if the deployment drops such parameters, else refused.
    ///
    /// # Errors
    /// A 400 that names the parameter and how to drop it.
    pub fn refuse(&mut self, param: &str) -> Result<()> {
        if self.drop_params {
            self.dropped.push(param.to_owned());
            return Ok(());
        }
        Err(Error::unsupported(
            param,
            format!(
                "{} does not support the parameter `{param}`; leave it out, or set `drop_params: true` to have \
                 such parameters dropped",
                self.target
            ),
        ))
    }

    /// A field of a dialect whose names mean nothing elsewhere, see [`is_closed`]: rules for the provider's own
    /// filters, labels and memory are left out, anything else is as [`refuse`](Self::refuse) has it.
    ///
    /// # Errors
    /// As for [`refuse`](Self::refuse).
    pub(crate) fn foreign(&mut self, source: Dialect, name: &str) -> Result<()> {
        if rules_of(source).is_some_and(|rules| rules.contains(&name)) {
            self.drop(name);
            return Ok(());
        }
        self.refuse(name)
    }

    /// Whether a field without neutral form goes on to a provider of the dialect `own`. Fields that no dialect of
    /// the client's knows are meant for the provider; hints are left out, and what asks for more is refused.
    ///
    /// # Errors
    /// As for [`refuse`](Self::refuse).
    pub(crate) fn carries(&mut self, source: Dialect, own: Dialect, name: &str) -> Result<bool> {
        if source == own || self.allows(name) {
            return Ok(true);
        }
        if is_closed(source) {
            return self.foreign(source, name).map(|()| false);
        }
        let responses = source == Dialect::OpenAiResponses && RESPONSES_ONLY.contains(&name);
        if responses || WITHOUT_FORM.contains(&name) {
            return self.refuse(name).map(|()| false);
        }
        if HINTS.contains(&name) {
            self.drop(name);
            return Ok(false);
        }
        Ok(true)
    }

    /// Something that changes nothing important was left out.
    pub fn drop(&mut self, param: &str) {
        self.dropped.push(param.to_owned());
    }

    /// The parameters that were left out.
    #[must_use]
    pub fn into_dropped(self) -> Vec<String> {
        self.dropped
    }
}
