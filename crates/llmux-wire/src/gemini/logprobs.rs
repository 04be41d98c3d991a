//! Log probabilities: Google's two lists and OpenAI's list of tokens with their alternatives.

use serde_json::{Map, Value, json};

/// Reads the figures of a candidate, in OpenAI's shape.
pub(super) fn read_logprobs(candidate: &Value) -> Option<Value> {
    let result = candidate.get("logprobsResult")?;
    let chosen = result.get("chosenCandidates")?.as_array()?;
    let tops = result.get("topCandidates").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut tops = tops.iter();
    let content: Vec<_> = chosen
        .iter()
        .map(|token| {
            let top = tops.next().and_then(|step| step.get("candidates")).and_then(Value::as_array);
            let mut out = read_token(token);
            out.insert(
                "top_logprobs".into(),
                top.into_iter().flatten().map(read_token).collect::<Vec<_>>().into(),
            );
            Value::Object(out)
        })
        .collect();
    Some(json!({ "content": content, "refusal": null }))
}

fn read_token(token: &Value) -> Map<String, Value> {
    let text = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let mut out = Map::new();
    out.insert("token".into(), text.into());
    out.insert("logprob".into(), token.get("logProbability").cloned().unwrap_or_else(|| 0.into()));
    out.insert("bytes".into(), text.bytes().collect::<Vec<_>>().into());
    out
}

/// Writes figures in OpenAI's shape for a candidate; `None` where there are none.
pub(super) fn write_logprobs(figures: &Value) -> Option<Value> {
    let tokens = figures.get("content")?.as_array().filter(|tokens| !tokens.is_empty())?;
    let top = |token: &Value| -> Value {
        let alternatives = token.get("top_logprobs").and_then(Value::as_array);
        json!({ "candidates": alternatives.into_iter().flatten().map(write_token).collect::<Vec<_>>() })
    };
    Some(json!({
        "topCandidates": tokens.iter().map(top).collect::<Vec<_>>(),
        "chosenCandidates": tokens.iter().map(write_token).collect::<Vec<_>>(),
    }))
}

fn write_token(token: &Value) -> Value {
    json!({ "token": token.get("token"), "logProbability": token.get("logprob") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_survive_the_way_there_and_back() {
        let token = |text: &str, figure: f64| json!({"token": text, "logProbability": figure});
        let result = json!({
            "topCandidates": [{"candidates": [token("é", -0.5), token("e", -1.5)]}],
            "chosenCandidates": [token("é", -0.5)]});
        let read = read_logprobs(&json!({"logprobsResult": result})).unwrap();
        assert_eq!(read["content"][0]["bytes"], json!([195, 169]));
        assert_eq!(read["content"][0]["top_logprobs"][1]["logprob"], -1.5);
        assert_eq!(write_logprobs(&read).unwrap(), result);
        assert_eq!(read_logprobs(&json!({})), None);
        assert_eq!(write_logprobs(&json!({"content": []})), None);
    }
}
