//! Sources that an answer rests on: `citations`.

use llmux_core::Dialect;
use serde_json::{Value, json};

use crate::chat::Citation;

/// Reads a citation. Cohere counts characters of the text it stands in.
pub(super) fn read_citation(value: &Value) -> Citation {
    let source = value.pointer("/sources/0");
    let document = source.and_then(|source| source.get("document").or_else(|| source.get("tool_output")));
    let word = |names: &[&str]| {
        let text = names.iter().find_map(|name| document?.get(*name)?.as_str());
        text.map(str::to_owned)
    };
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    Citation {
        url: word(&["url"]),
        title: word(&["title"]),
        cited_text: word(&["text", "snippet"]),
        span: number("start").zip(number("end")),
        raw: Some((Dialect::Cohere, value.clone())),
    }
}

/// Whether a citation is about the answer, and not about a thought or a plan.
pub(super) fn is_of_text(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "TEXT_CONTENT")
}

/// Writes a citation; `text` is what its characters are counted in.
pub(super) fn write_citation(citation: &Citation, text: &str) -> Value {
    if let Some((Dialect::Cohere, value)) = &citation.raw {
        return value.clone();
    }
    let length = text.chars().count() as u64;
    let (start, end) = citation.span.unwrap_or((length, length));
    let nth = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let cited: String = text.chars().skip(nth(start)).take(nth(end.saturating_sub(start))).collect();
    let mut document = serde_json::Map::new();
    for (name, field) in [("title", &citation.title), ("url", &citation.url), ("text", &citation.cited_text)]
    {
        document.extend(field.as_deref().map(|field| (name.to_owned(), field.into())));
    }
    let id = citation.url.as_deref().or(citation.title.as_deref()).unwrap_or("document");
    let source = json!({ "type": "document", "id": id, "document": document });
    json!({ "start": start, "end": end, "text": cited, "sources": [source], "type": "TEXT_CONTENT" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_keeps_its_place_and_its_document() {
        let value = json!({"start": 4, "end": 7, "text": "two", "type": "TEXT_CONTENT", "sources": [
            {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "title": "t", "text": "one two"}},
        ]});
        let citation = read_citation(&value);
        assert_eq!((citation.span, citation.title.as_deref()), (Some((4, 7)), Some("t")));
        assert_eq!(citation.cited_text.as_deref(), Some("one two"));
        assert_eq!(write_citation(&citation, "one two"), value);
    }

    #[test]
    fn a_citation_of_another_dialect_becomes_a_document() {
        let citation =
            Citation { url: Some("https://a.b".into()), span: Some((0, 2)), ..Citation::default() };
        let written = write_citation(&citation, "äöü");
        assert_eq!(written["text"], "äö");
        assert_eq!(written["sources"][0]["document"], json!({"url": "https://a.b"}));
    }
}
