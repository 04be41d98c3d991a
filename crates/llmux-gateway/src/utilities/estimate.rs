//! `POST /cost/estimate`: what so many tokens cost, for one request and for many.

use llmux_core::{Error, Result, Terms, Usage};
use serde_json::{Map, Value, json};

use super::text;
use crate::snapshot::Snapshot;

/// The fields of LiteLLM's answer: amounts in US dollars, null where nobody said how many requests there are.
pub(super) fn answer(snapshot: &Snapshot, question: &Map<String, Value>) -> Result<Value> {
    let model = text(question, "model")?;
    let count = |name: &str| match question.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| Error::invalid(name, format!("`{name}` must be a whole number of zero or more"))),
    };
    let [input, output, daily, monthly] =
        ["input_tokens", "output_tokens", "num_requests_per_day", "num_requests_per_month"].map(count);
    let (input, output, daily, monthly) =
        (input?.unwrap_or_default(), output?.unwrap_or_default(), daily?, monthly?);
    let (deployment, asked) = snapshot.find(model)?;
    let mut usage = Usage::default();
    (usage.input, usage.output) = (input, output);
    let price = |usage: &Usage| {
        let facts = deployment.settings().facts.as_ref()?;
        facts.bill(usage, &Terms::new().with_models(Some(&asked), None))
    };
    let Some(bill) = price(&usage) else {
        return Err(Error::invalid("model", format!("no price is known for `{model}`"))
            .with_code("model_without_price"));
    };
    let one = |usage: fn(&mut Usage) -> &mut u64| {
        let mut single = Usage::default();
        *usage(&mut single) = 1;
        price(&single).map(|bill| bill.original.to_f64())
    };
    let told = json!({
        "model": model,
        "input_tokens": input,
        "output_tokens": output,
        "num_requests_per_day": daily,
        "num_requests_per_month": monthly,
        "input_cost_per_token": one(|usage| &mut usage.input),
        "output_cost_per_token": one(|usage| &mut usage.output),
        "provider": deployment.provider().name(),
    });
    let mut out = told.as_object().cloned().unwrap_or_default();
    let parts = [
        ("cost_per_request", "cost", bill.total),
        ("input_cost_per_request", "input_cost", bill.cost.prompt()),
        ("output_cost_per_request", "output_cost", bill.cost.completion()),
        ("margin_cost_per_request", "margin_cost", bill.margin),
    ];
    for (name, short, amount) in parts {
        let times = |requests: Option<u64>| requests.map(|count| amount.times(count).to_f64());
        out.insert(name.into(), amount.to_f64().into());
        out.insert(format!("daily_{short}"), times(daily).into());
        out.insert(format!("monthly_{short}"), times(monthly).into());
    }
    Ok(out.into())
}
