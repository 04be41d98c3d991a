//! What a request may use and cost at most, as far as that can be told before it runs.

use llmux_core::{ModelFacts, Money, Terms, Usage};

use crate::{snapshot::Snapshot, stage::receive::Received};

/// Bytes of a body for a token, roughly.
const BYTES_OF_A_TOKEN: u64 = 4;
/// Tokens of an answer whose length nobody limits: LiteLLM's figure.
const ANSWER: u64 = 16_384;
/// Fields that limit the length of an answer, in the dialects that clients speak.
const LIMITS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/// Tokens of the question, and those of the answer at most if the request says so.
pub(super) fn tokens(received: &Received) -> (u64, Option<u64>) {
    let input = u64::try_from(received.body.len()).unwrap_or(u64::MAX) / BYTES_OF_A_TOKEN;
    let number = |name: &str| {
        let raw = received.envelope.get(&received.body, name)?;
        std::str::from_utf8(raw).ok()?.trim().parse::<u64>().ok()
    };
    let choices = number("n").unwrap_or(1).clamp(1, 128);
    let output = LIMITS.iter().find_map(|name| number(name));
    (input.max(1), output.map(|output| output.saturating_mul(choices)))
}

/// The most that a request may cost, by the dearest deployment that may answer it; nothing if no price is known.
pub(super) fn cost(snapshot: &Snapshot, model: &str, input: u64, output: Option<u64>) -> Money {
    let real = snapshot.aliases.get(model).map_or(model, String::as_str);
    let price = |facts: &dyn ModelFacts, asked: &str| {
        let most = facts.max_output_tokens(asked).unwrap_or(u64::MAX);
        let mut usage = Usage::default();
        (usage.input, usage.output) = (input, output.unwrap_or(ANSWER).min(most));
        facts.bill(&usage, &Terms::new().with_models(Some(asked), None)).map(|bill| bill.total)
    };
    let named = snapshot.entries.iter().filter(|entry| entry.name == real);
    let dearest = named.filter_map(|entry| price(&*entry.facts, real)).max();
    let of_pattern = || {
        let (deployment, asked) = snapshot.find(real).ok()?;
        price(deployment.settings().facts.as_deref()?, &asked)
    };
    dearest.or_else(of_pattern).unwrap_or_default()
}
