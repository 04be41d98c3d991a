//! Sources that an answer rests on: `groundingMetadata`.

use llmux_core::Dialect;
use serde_json::{Value, json};

use crate::chat::Citation;

/// Reads a candidate's sources. Gemini counts bytes of its text, so `text` is what they are counted in; a
/// support whose place in it is unclear has none.
pub(super) fn read_citations(candidate: &Value, text: &str) -> Vec<Citation> {
    let Some(metadata) = candidate.get("groundingMetadata") else { return Vec::new() };
    let list =
        |name: &str| metadata.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (chunks, supports) = (list("groundingChunks"), list("groundingSupports"));
    if supports.is_empty() {
        return chunks.iter().map(|chunk| citation(chunk, None, text)).collect();
    }
    let mut citations = Vec::new();
    for support in supports {
        let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
        let cited = indices
            .into_iter()
            .flatten()
            .filter_map(|index| chunks.get(usize::try_from(index.as_u64()?).ok()?));
        citations.extend(cited.map(|chunk| citation(chunk, support.get("segment"), text)));
    }
    citations
}

fn citation(chunk: &Value, segment: Option<&Value>, text: &str) -> Citation {
    let source =
        ["web", "retrievedContext", "maps"].iter().find_map(|kind| chunk.get(*kind)).unwrap_or(chunk);
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut raw = chunk.clone();
    if let (Some(fields), Some(segment)) = (raw.as_object_mut(), segment) {
        fields.insert("segment".into(), segment.clone());
    }
    Citation {
        url: word(source, "uri"),
        title: word(source, "title"),
        cited_text: word(source, "text"),
        span: segment.and_then(|segment| span(segment, text)),
        raw: Some((Dialect::Gemini, raw)),
    }
}

/// The characters that a segment's bytes are.
fn span(segment: &Value, text: &str) -> Option<(u64, u64)> {
    let offset = |name: &str| usize::try_from(segment.get(name).map_or(Some(0), Value::as_u64)?).ok();
    let characters = |end: usize| text.get(..end).map(|text| text.chars().count() as u64);
    Some((characters(offset("startIndex")?)?, characters(offset("endIndex")?)?))
}

/// Writes sources; `None` if there are none. `text` is what their characters are counted in.
pub(super) fn write_grounding(citations: &[Citation], text: &str) -> Option<Value> {
    if citations.is_empty() {
        return None;
    }
    let (mut chunks, mut supports) = (Vec::new(), Vec::new());
    for (at, citation) in citations.iter().enumerate() {
        let url = citation.url.as_deref().unwrap_or_default();
        chunks.push(json!({ "web": { "uri": url, "title": citation.title.as_deref().unwrap_or_default() } }));
        let Some((start, end)) = citation.span else { continue };
        let (start, end) = (byte_offset(text, start), byte_offset(text, end));
        let cited = text.get(start..end).unwrap_or_default();
        let segment = json!({ "startIndex": start, "endIndex": end, "text": cited });
        supports.push(json!({ "segment": segment, "groundingChunkIndices": [at] }));
    }
    Some(json!({ "groundingChunks": chunks, "groundingSupports": supports }))
}

fn byte_offset(text: &str, character: u64) -> usize {
    let nth = usize::try_from(character).unwrap_or(usize::MAX);
    text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_characters_and_go_back() {
        let chunk = json!({"web": {"uri": "https://a.example", "title": "A"}});
        let support = json!({"segment": {"startIndex": 2, "endIndex": 4, "text": "bc"}, "groundingChunkIndices": [0, 7]});
        let candidate =
            json!({"groundingMetadata": {"groundingChunks": [chunk], "groundingSupports": [support]}});
        let citations = read_citations(&candidate, "\u{e9}bc");
        assert_eq!((citations.len(), citations[0].span), (1, Some((1, 3))));
        assert_eq!(citations[0].url.as_deref(), Some("https://a.example"));
        let written = write_grounding(&citations, "\u{e9}bc").unwrap();
        let segment = json!({"startIndex": 2, "endIndex": 4, "text": "bc"});
        assert_eq!(written["groundingSupports"][0]["segment"], segment);
    }

    #[test]
    fn sources_without_supports_have_no_place() {
        let candidate =
            json!({"groundingMetadata": {"groundingChunks": [{"retrievedContext": {"text": "t"}}]}});
        let citations = read_citations(&candidate, "x");
        assert_eq!((citations[0].cited_text.as_deref(), citations[0].span), (Some("t"), None));
    }
}
