//! Gemini's `usageMetadata`.
//!
//! `promptTokenCount` includes cached tokens; what tools of Google's put into the prompt stands beside it, and
//! thoughts stand beside `candidatesTokenCount`. The details by modality are part of the totals.

use llmux_core::Usage;
use serde_json::{Map, Value, json};

/// Reads a usage object. Figures that are missing count as zero.
#[must_use]
pub fn read_usage(value: &Value) -> Usage {
    let figure = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    let of = |details: &str, modality: &str| modality_count(value.get(details), modality);
    let prompt = figure("promptTokenCount");
    let cached = figure("cachedContentTokenCount").min(prompt);
    let fresh = prompt.saturating_sub(cached);
    let uncached = |modality: &str| {
        let cached = of("cacheTokensDetails", modality);
        of("promptTokensDetails", modality).saturating_sub(cached)
    };
    let mut usage = Usage::default();
    usage.cache_read_audio = of("cacheTokensDetails", "AUDIO").min(cached);
    usage.cache_read = cached.saturating_sub(usage.cache_read_audio);
    usage.input_audio = uncached("AUDIO").min(fresh);
    usage.input_image = uncached("IMAGE").min(fresh.saturating_sub(usage.input_audio));
    let text = fresh.saturating_sub(usage.input_audio).saturating_sub(usage.input_image);
    usage.input = text.saturating_add(figure("toolUsePromptTokenCount"));
    let answer = figure("candidatesTokenCount");
    usage.output_audio = of("candidatesTokensDetails", "AUDIO").min(answer);
    usage.output_image =
        of("candidatesTokensDetails", "IMAGE").min(answer.saturating_sub(usage.output_audio));
    usage.output = answer.saturating_sub(usage.output_audio).saturating_sub(usage.output_image);
    usage.reasoning = figure("thoughtsTokenCount");
    usage
}

/// Reads the usage of a whole answer or of a frame, searches included; `None` if it reports none.
pub(super) fn read_reported(answer: &Value) -> Option<Usage> {
    let mut usage = read_usage(answer.get("usageMetadata").filter(|usage| usage.is_object())?);
    let candidates = answer.get("candidates").and_then(Value::as_array);
    let queries = |candidate: &Value| {
        candidate.pointer("/groundingMetadata/webSearchQueries").and_then(Value::as_array).map_or(0, Vec::len)
    };
    usage.web_searches = candidates.into_iter().flatten().map(queries).sum::<usize>() as u64;
    Some(usage)
}

fn modality_count(details: Option<&Value>, modality: &str) -> u64 {
    let of = |detail: &Value| detail.get("modality").is_some_and(|name| name == modality);
    let counts = details.and_then(Value::as_array).into_iter().flatten().filter(|detail| of(detail));
    counts.filter_map(|detail| detail.get("tokenCount")?.as_u64()).sum()
}

/// Writes a usage object. Cache writes, which Gemini does not tell apart, count as prompt.
#[must_use]
pub fn write_usage(usage: &Usage) -> Value {
    let mut out = Map::new();
    out.insert("promptTokenCount".into(), usage.prompt_total().into());
    let answer = usage.completion_total().saturating_sub(usage.reasoning);
    out.insert("candidatesTokenCount".into(), answer.into());
    out.insert("totalTokenCount".into(), usage.total().into());
    for (name, count) in
        [("cachedContentTokenCount", usage.cached()), ("thoughtsTokenCount", usage.reasoning)]
    {
        if count > 0 {
            out.insert(name.into(), count.into());
        }
    }
    let audio = usage.input_audio.saturating_add(usage.cache_read_audio);
    let prompt = [("AUDIO", audio), ("IMAGE", usage.input_image)];
    put_details("promptTokensDetails", usage.prompt_total(), &prompt, &mut out);
    let made = [("AUDIO", usage.output_audio), ("IMAGE", usage.output_image)];
    put_details("candidatesTokensDetails", answer, &made, &mut out);
    if usage.cache_read_audio > 0 {
        put_details("cacheTokensDetails", usage.cached(), &[("AUDIO", usage.cache_read_audio)], &mut out);
    }
    out.into()
}

/// Adds the details by modality where there is more than text.
fn put_details(name: &str, total: u64, parts: &[(&str, u64)], out: &mut Map<String, Value>) {
    let other: u64 = parts.iter().map(|(_, count)| *count).sum();
    if other == 0 {
        return;
    }
    let text = [("TEXT", total.saturating_sub(other))];
    let all = text.iter().chain(parts).filter(|(_, count)| *count > 0);
    let details: Vec<_> =
        all.map(|(modality, count)| json!({ "modality": modality, "tokenCount": count })).collect();
    out.insert(name.into(), details.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_do_not_overlap() {
        let usage = read_usage(&json!({
            "promptTokenCount": 100, "cachedContentTokenCount": 40, "toolUsePromptTokenCount": 7,
            "candidatesTokenCount": 20, "thoughtsTokenCount": 9,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 70}, {"modality": "AUDIO", "tokenCount": 30}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        }));
        assert_eq!((usage.input, usage.cache_read, usage.input_audio), (47, 30, 20));
        assert_eq!(usage.cache_read_audio, 10);
        assert_eq!((usage.output, usage.reasoning, usage.prompt_total()), (20, 9, 107));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.input_audio, usage.input_image) = (5, 4, 3, 2);
        (usage.output, usage.reasoning, usage.output_audio) = (9, 8, 7);
        (usage.cache_read_audio, usage.output_image) = (1, 2);
        let written = write_usage(&usage);
        assert_eq!(read_usage(&written), usage);
        assert_eq!(written["totalTokenCount"], 41);
    }

    #[test]
    fn searches_are_counted_by_their_queries() {
        let grounding = json!({"webSearchQueries": ["a", "b"]});
        let answer = json!({"usageMetadata": {}, "candidates": [{"groundingMetadata": grounding}]});
        assert_eq!(read_reported(&answer).unwrap().web_searches, 2);
    }
}
