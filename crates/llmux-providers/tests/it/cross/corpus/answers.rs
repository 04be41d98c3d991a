//! What models answer.

use llmux_core::Usage;
use llmux_wire::chat::{ChatAnswer, Choice, Citation, Content, FinishReason, Part};
use serde_json::json;

use super::{Answer, call, text};

pub(in super::super) fn all() -> Vec<Answer> {
    [contents(), ends(), usages()].into_iter().flatten().collect()
}

fn answer(feature: &'static str, choices: Vec<Choice>) -> Answer {
    let mut usage = Usage::default();
    (usage.input, usage.output) = (40, 9);
    let answer = ChatAnswer {
        id: "answer-1".into(),
        model: "model-1".into(),
        created: Some(1_699_999_999),
        choices,
        usage: Some(usage),
        ..ChatAnswer::default()
    };
    Answer { feature, answer }
}

fn choice(parts: Vec<Content>, finish: FinishReason) -> Choice {
    Choice { parts: parts.into_iter().map(Part::new).collect(), finish: Some(finish), logprobs: None }
}

fn said(feature: &'static str, parts: Vec<Content>) -> Answer {
    let calls = parts.iter().any(|part| matches!(part, Content::ToolCall(_)));
    let finish = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    answer(feature, vec![choice(parts, finish)])
}

fn contents() -> Vec<Answer> {
    let thought = |signature: Option<&str>| Content::Reasoning {
        text: "Otters hold hands.".into(),
        signature: signature.map(str::to_owned),
    };
    let cited = Content::Text {
        text: "Afloat, in rafts.".into(),
        citations: vec![Citation {
            url: Some("https://otters.example/sleep".into()),
            title: Some("Sleep".into()),
            span: Some((0, 6)),
            ..Citation::default()
        }],
    };
    let harbour =
        |id: &str, name: &str| call(id, "tide_table", &json!({"harbour": name, "deep": {"a": [1]}}));
    let mut probable = said("log probabilities in the answer", vec![text("Afloat")]);
    let figures = json!({"content": [{"token": "Afloat", "logprob": -0.25, "bytes": [65, 102, 108, 111, 97, 116],
        "top_logprobs": [{"token": "Afloat", "logprob": -0.25, "bytes": [65, 102, 108, 111, 97, 116]}]}]});
    probable.answer.choices[0].logprobs = Some(figures);
    let both = ["Afloat.", "Ashore."].map(|words| choice(vec![text(words)], FinishReason::Stop));
    vec![
        said("text in the answer", vec![text("Afloat, holding hands \u{1f9a6}.")]),
        said("call", vec![harbour("call_one", "Husum")]),
        said(
            "words and parallel calls",
            vec![text("Let me look."), harbour("call_one", "Husum"), harbour("call_two", "Emden")],
        ),
        said("call without arguments", vec![call("call_one", "now", &json!({}))]),
        said("reasoning", vec![thought(None), text("Afloat.")]),
        said("signed reasoning", vec![thought(Some("c2lnbmVk")), text("Afloat.")]),
        said("signed reasoning and a call", vec![thought(Some("c2lnbmVk")), harbour("call_one", "Husum")]),
        said("redacted reasoning", vec![Content::RedactedReasoning("c2VhbGVk".into()), text("Afloat.")]),
        said("refusal", vec![Content::Refusal("I will not.".into())]),
        said("citation of a page", vec![cited]),
        probable,
        answer("several answers at once", both.into()),
    ]
}

fn ends() -> Vec<Answer> {
    let ended = |feature, finish| answer(feature, vec![choice(vec![text("Afloat")], finish)]);
    vec![
        ended("end at a stop text", FinishReason::StopSequence(Some("END".into()))),
        ended("end at the token limit", FinishReason::Length),
        ended("end at the context window", FinishReason::ContextWindow),
        ended("end by a filter", FinishReason::ContentFilter),
        ended("pause", FinishReason::Pause),
    ]
}

fn used(feature: &'static str, change: impl FnOnce(&mut Usage)) -> Answer {
    let mut answer = said(feature, vec![text("Afloat.")]);
    change(answer.answer.usage.as_mut().unwrap());
    answer
}

fn usages() -> Vec<Answer> {
    vec![
        used("tokens from a cache", |usage| usage.cache_read = 30),
        used("tokens written to a cache", |usage| usage.cache_write = 20),
        used("tokens cached for an hour", |usage| usage.cache_write_1h = 20),
        used("tokens of reasoning", |usage| usage.reasoning = 12),
        used("tokens of heard audio", |usage| usage.input_audio = 5),
        used("tokens of seen images", |usage| usage.input_image = 5),
        used("tokens of spoken audio", |usage| usage.output_audio = 5),
        used("tokens of predictions", |usage| {
            (usage.accepted_prediction, usage.rejected_prediction) = (3, 4);
        }),
        used("searches at the provider", |usage| usage.web_searches = 2),
    ]
}
