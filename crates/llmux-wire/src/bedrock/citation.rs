//! Sources that an answer cites.

use llmux_core::Dialect;
use serde_json::{Value, json};

use crate::chat::Citation;

/// Reads a citation.
pub(super) fn read_citation(value: Value) -> Citation {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let source = text("/source").filter(|source| source.starts_with("http"));
    let cited = value
        .get("sourceContent")
        .and_then(Value::as_array)
        .map(|content| content.iter().filter_map(|piece| piece.get("text")?.as_str()).collect::<String>());
    Citation {
        url: text("/location/web/url").or(source),
        title: text("/title").filter(|title| !title.is_empty()),
        cited_text: cited.filter(|cited| !cited.is_empty()),
        span: None,
        raw: Some((Dialect::BedrockConverse, value)),
    }
}

/// Writes a citation of an answer. One from another dialect becomes a page of the web with the same address.
pub(super) fn write_citation(citation: &Citation) -> Value {
    as_it_stood(citation).unwrap_or_else(|| {
        let mut out = json!({ "title": citation.title.as_deref().unwrap_or_default() });
        if let Some(fields) = out.as_object_mut() {
            let cited = citation.cited_text.as_ref().map(|text| json!([{ "text": text }]));
            fields.extend(cited.map(|cited| ("sourceContent".to_owned(), cited)));
            let location = citation.url.as_ref().map(|url| json!({ "web": { "url": url } }));
            fields.extend(location.map(|location| ("location".to_owned(), location)));
        }
        out
    })
}

/// The citation as Bedrock wrote it, if it did. Only these go back to it.
pub(super) fn as_it_stood(citation: &Citation) -> Option<Value> {
    match &citation.raw {
        Some((Dialect::BedrockConverse, value)) => Some(value.clone()),
        _ => None,
    }
}
