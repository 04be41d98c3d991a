//! Fitting a body in OpenAI's dialect to a host: top-level fields are changed as bytes, the rest stays.

use bytes::Bytes;
use llmux_core::{Call, Dialect, Envelope, Operation, Result};
use llmux_wire::{chat::Fit, json::edit::Edits};
use serde_json::{Value, json};

use super::{
    Compatible, messages,
    table::{MaxTokens, Quirks, ReasoningControl, Structured, ToolChoice},
};
use crate::shape;

/// A body that the host takes.
pub(super) struct Adapted {
    pub(super) body: Bytes,
    /// What follows it.
    pub(super) more: Vec<Bytes>,
    /// Usage was asked for on the gateway's account.
    pub(super) hides_usage: bool,
}

/// Fits a body to the host: the client's own, or one that was written anew.
pub(super) fn adapt(
    provider: &Compatible,
    call: &Call<'_>,
    body: &Bytes,
    envelope: &Envelope,
    fit: &mut Fit<'_>,
) -> Result<Adapted> {
    let quirks = &provider.host.quirks;
    let mut change = Change { body, envelope, edits: Edits::new() };
    let stores = change.get("store") == Some(b"true");
    shape::strip(body, envelope, stores || call.dialect != Dialect::OpenAi, &mut change.edits);
    let model = prefixed(quirks, call.model);
    shape::rename(body, envelope, &model, &mut change.edits);
    if call.operation == Operation::Embeddings {
        change.rename_all(quirks.embedding_renames);
    } else {
        change.quirks(quirks, fit)?;
        let written = call.dialect != Dialect::OpenAi;
        messages::adapt(quirks, written, body, envelope, &mut change.edits)?;
    }
    shape::apply(body, envelope, &provider.settings.shaping, &mut change.edits);
    let hides_usage =
        call.stream && call.operation != Operation::Embeddings && change.ask_for_usage(quirks, call);
    shape::force(&provider.settings.shaping, &mut change.edits);
    let (body, more) = shape::changed(&change.edits, body, envelope);
    Ok(Adapted { body, more, hides_usage })
}

pub(super) fn prefixed<'m>(quirks: &Quirks, model: &'m str) -> std::borrow::Cow<'m, str> {
    if quirks.model_prefix.is_empty() || model.contains('/') {
        model.into()
    } else {
        format!("{}{model}", quirks.model_prefix).into()
    }
}

struct Change<'a> {
    body: &'a Bytes,
    envelope: &'a Envelope,
    edits: Edits<'a>,
}

impl<'a> Change<'a> {
    /// The raw value of a field; `null` counts as absent.
    fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.envelope.get(self.body, name).filter(|raw| *raw != b"null")
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.get(name).and_then(|raw| serde_json::from_slice(raw).ok())
    }

    fn quirks(&mut self, quirks: &Quirks, fit: &mut Fit<'_>) -> Result<()> {
        self.max_tokens(quirks.max_tokens);
        for name in quirks.unsupported {
            self.refuse(name, fit)?;
        }
        if !quirks.many_choices && self.get("n").is_some_and(|n| n != b"1") {
            self.refuse("n", fit)?;
        }
        if !quirks.parallel_tool_calls && self.get("parallel_tool_calls").is_some() {
            // Hosts without the switch make parallel calls or don't; nobody is misled by its absence when it
            // only states the default.
            if self.get("parallel_tool_calls") == Some(b"true") {
                self.edits.remove("parallel_tool_calls");
            } else {
                self.refuse("parallel_tool_calls", fit)?;
            }
        }
        self.tool_choice(quirks, fit)?;
        self.response_format(quirks.structured, fit)?;
        self.reasoning(quirks.reasoning_control, fit)?;
        self.rename_all(quirks.renames);
        Ok(())
    }

    fn refuse(&mut self, name: &'static str, fit: &mut Fit<'_>) -> Result<()> {
        if self.get(name).is_some() && !fit.allows(name) {
            fit.refuse(name)?;
            self.edits.remove(name);
        }
        Ok(())
    }

    fn rename_all(&mut self, renames: &'static [(&'static str, &'static str)]) {
        for (from, to) in renames {
            self.rename(from, to);
        }
    }

    fn rename(&mut self, from: &'static str, to: &'static str) {
        if let Some(raw) = self.get(from) {
            self.edits.remove(from);
            if self.get(to).is_none() {
                self.edits.set_raw(to, raw);
            }
        }
    }

    fn max_tokens(&mut self, name: MaxTokens) {
        match name {
            MaxTokens::Either => {}
            MaxTokens::OldOnly => self.rename("max_completion_tokens", "max_tokens"),
            MaxTokens::NewOnly => self.rename("max_tokens", "max_completion_tokens"),
        }
    }

    fn tool_choice(&mut self, quirks: &Quirks, fit: &mut Fit<'_>) -> Result<()> {
        let Some(raw) = self.get("tool_choice") else { return Ok(()) };
        let named = raw.first() == Some(&b'{');
        let fits = match quirks.tool_choice {
            ToolChoice::Full => true,
            ToolChoice::Words => !named,
            ToolChoice::AutoOnly => raw == b"\"auto\"" || raw == b"\"none\"",
        };
        if !fits {
            return self.refuse("tool_choice", fit);
        }
        if raw == b"\"required\"" && quirks.required_tool_choice != "required" {
            self.edits.set_str("tool_choice", quirks.required_tool_choice);
        }
        Ok(())
    }

    fn response_format(&mut self, structured: Structured, fit: &mut Fit<'_>) -> Result<()> {
        if structured == Structured::JsonSchema {
            return Ok(());
        }
        let format = self.value("response_format");
        let kind = format.as_ref().and_then(|format| format.get("type")).and_then(Value::as_str);
        let fits = match kind {
            Some("json_schema") => structured == Structured::SchemaOnly,
            Some("json_object") => structured == Structured::JsonObject,
            _ => true,
        };
        if fits { Ok(()) } else { self.refuse("response_format", fit) }
    }

    fn reasoning(&mut self, control: ReasoningControl, fit: &mut Fit<'_>) -> Result<()> {
        let Some(Value::String(effort)) = self.value("reasoning_effort") else { return Ok(()) };
        let off = matches!(effort.as_str(), "none" | "minimal");
        let (name, value) = match control {
            ReasoningControl::Effort => return Ok(()),
            ReasoningControl::None => return self.refuse("reasoning_effort", fit),
            ReasoningControl::Thinking => {
                ("thinking", json!({ "type": if off { "disabled" } else { "enabled" } }))
            }
            ReasoningControl::EnableThinking => ("enable_thinking", json!(!off)),
            ReasoningControl::ReasoningObject => ("reasoning", json!({ "effort": effort })),
        };
        self.edits.remove("reasoning_effort");
        // A client that speaks the host's own words knows best.
        if self.get(name).is_none() {
            self.edits.set_value(name, &value);
        }
        Ok(())
    }

    /// Asks for usage at the end of a stream. Tells whether the client did not.
    fn ask_for_usage(&mut self, quirks: &Quirks, call: &Call<'_>) -> bool {
        if !quirks.stream_options {
            self.edits.remove("stream_options");
            return false;
        }
        let options = self.value("stream_options");
        let asked =
            options.as_ref().and_then(|options| options.get("include_usage")) == Some(&Value::Bool(true));
        if asked {
            return call.dialect != Dialect::OpenAi;
        }
        match options {
            Some(Value::Object(mut options)) => {
                options.insert("include_usage".to_owned(), true.into());
                self.edits.set_value("stream_options", &options.into());
            }
            _ => self.edits.set_raw("stream_options", &b"{\"include_usage\":true}"[..]),
        }
        true
    }
}
