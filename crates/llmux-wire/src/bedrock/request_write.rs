//! A Converse request, for a provider.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    additional::{Additional, write_additional},
    content_write::write_cache,
    extra::write_extra,
    tool_write::write_tools,
    turns::Conversation,
};
use crate::{
    anthropic::schema::close_objects,
    chat::{ChatRequest, Fit, ResponseFormat},
};

/// What stands for OpenAI's `json_object`, which the API has no parameter for.
const JSON_OBJECT: &str =
    "Answer with a single JSON object and nothing else, without a code fence around it.";

/// Writes a request for `model`, which itself goes to the path. Fields stand in a fixed order.
///
/// # Errors
/// A 400 that names what Converse cannot carry, unless the deployment drops it.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    build(request, model, fit).map(|fields| Value::Object(fields).to_string().into())
}

/// The fields of a request.
pub(super) fn build(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Map<String, Value>> {
    let mut additional = write_additional(request, model, fit)?;
    let mut conversation = Conversation::of(request, fit)?;
    if request.format == Some(ResponseFormat::JsonObject) {
        conversation.system.push(json!({ "text": JSON_OBJECT }));
    }
    let mut system = std::mem::take(&mut conversation.system);
    let mut messages = conversation.into_messages();
    if let Some(mark) = request.cache {
        // A mark on the whole request is one behind its last block.
        let last = messages.last_mut().and_then(|message| message.get_mut("content")?.as_array_mut());
        last.unwrap_or(&mut system).push(write_cache(mark));
    }
    let mut out = Map::new();
    out.insert("messages".into(), messages.into());
    if !system.is_empty() {
        out.insert("system".into(), system.into());
    }
    let inference = write_inference(request, &additional, fit);
    if !inference.is_empty() {
        out.insert("inferenceConfig".into(), inference.into());
    }
    write_tools(request, model, additional.fields.contains_key("tool_choice"), &mut out, fit)?;
    let output = write_output(request, additional.effort.take());
    if !output.is_empty() {
        out.insert("outputConfig".into(), output.into());
    }
    write_tier(request, &mut out, fit)?;
    if request.user.is_some() {
        fit.drop("user");
    }
    if request.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) {
        fit.drop("metadata");
    }
    write_extra(request, model, &mut additional.fields, &mut out, fit)?;
    if !additional.fields.is_empty() {
        out.insert("additionalModelRequestFields".into(), additional.fields.into());
    }
    Ok(out)
}

/// The limit includes what is thought, so it must be more than the budget. A limit that is not is one for the text
/// alone.
fn write_inference(request: &ChatRequest, additional: &Additional, fit: &mut Fit<'_>) -> Map<String, Value> {
    let sampling = &request.sampling;
    let limit = sampling.max_tokens.map(|limit| match additional.budget {
        Some(budget) if budget >= limit => limit.saturating_add(budget),
        _ => limit,
    });
    // Stop texts of nothing but white space are refused.
    let stop: Vec<_> = sampling.stop.iter().filter(|text| !text.trim().is_empty()).cloned().collect();
    if stop.len() < sampling.stop.len() {
        fit.drop("stop");
    }
    let fields = [
        ("maxTokens", limit.map(Value::from)),
        ("temperature", sampling.temperature.clone().map(Value::Number)),
        ("topP", sampling.top_p.clone().map(Value::Number)),
        ("stopSequences", Some(stop).filter(|stop| !stop.is_empty()).map(Value::from)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn write_output(request: &ChatRequest, effort: Option<String>) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(ResponseFormat::JsonSchema { name, description, schema, .. }) = &request.format {
        let mut schema = schema.clone();
        if request.source != Dialect::BedrockConverse {
            close_objects(&mut schema);
        }
        let mut inner = Map::new();
        inner.insert("schema".into(), schema.to_string().into());
        inner.extend(name.as_ref().map(|name| ("name".to_owned(), name.as_str().into())));
        inner.extend(description.as_ref().map(|text| ("description".to_owned(), text.as_str().into())));
        let format = json!({ "type": "json_schema", "structure": { "jsonSchema": inner } });
        config.insert("textFormat".into(), format);
    }
    config.extend(effort.map(|effort| ("effort".to_owned(), effort.into())));
    config
}

/// Bedrock's classes have OpenAI's words; `auto` leaves the choice to the provider, as saying nothing does.
fn write_tier(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let tier = match request.service_tier.as_deref() {
        None | Some("auto") => return Ok(()),
        Some("standard_only") => "default",
        Some(tier @ ("default" | "flex" | "priority" | "reserved")) => tier,
        Some(_) => return fit.refuse("service_tier"),
    };
    out.insert("serviceTier".into(), json!({ "type": tier }));
    Ok(())
}
