//! Citations inside text blocks.

use llmux_core::Dialect;
use serde_json::{Value, json};

use crate::chat::Citation;

/// Reads a citation; kinds that are not known keep at least their own form.
pub(super) fn read_citation(value: Value) -> Citation {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    // A search result that the client sent may name anything as its source.
    let source = text("source").filter(|source| source.starts_with("http"));
    Citation {
        url: text("url").or(source),
        title: text("title").or_else(|| text("document_title")),
        cited_text: text("cited_text"),
        span: None,
        raw: Some((Dialect::Anthropic, value)),
    }
}

/// Writes a citation of an answer. One from another dialect becomes a search result with the same address.
pub(super) fn write_citation(citation: &Citation) -> Value {
    as_it_stood(citation).unwrap_or_else(|| {
        json!({
            "type": "web_search_result_location",
            "url": citation.url.as_deref().unwrap_or_default(),
            "title": citation.title,
            "cited_text": citation.cited_text.as_deref().unwrap_or_default(),
            "encrypted_index": "",
        })
    })
}

/// The citation as Anthropic wrote it, if it did. Only these may be sent back: the API checks what it signed.
pub(super) fn as_it_stood(citation: &Citation) -> Option<Value> {
    match &citation.raw {
        Some((Dialect::Anthropic, value)) => Some(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_title_and_words_are_read_and_the_rest_is_kept() {
        let value = json!({"type": "web_search_result_location", "url": "https://a.example", "title": "A",
            "cited_text": "words", "encrypted_index": "x"});
        let citation = read_citation(value.clone());
        assert_eq!(citation.url.as_deref(), Some("https://a.example"));
        assert_eq!((citation.title.as_deref(), citation.cited_text.as_deref()), (Some("A"), Some("words")));
        assert_eq!(write_citation(&citation), value);
    }

    #[test]
    fn a_citation_of_another_dialect_becomes_a_search_result() {
        let citation = Citation { url: Some("https://b.example".into()), ..Citation::default() };
        assert_eq!(write_citation(&citation)["url"], "https://b.example");
        assert_eq!(as_it_stood(&citation), None);
    }
}
