//! What is known of the models that are served, as LiteLLM's clients and dashboards read it.

use std::borrow::Cow;

use bytes::Bytes;
use llmux_catalog::{Key, Unit};
use llmux_core::{Error, ErrorKind, Money, Result};
use serde_json::{Map, Value, json};

use crate::{
    dispatch::FactsPage,
    snapshot::{Entry, Snapshot},
};

/// One of the pages; `query` may narrow it down.
///
/// # Errors
/// 404 when it asks for one that is not there.
pub(crate) fn page(snapshot: &Snapshot, page: FactsPage, query: Option<&str>) -> Result<Bytes> {
    let body = match page {
        FactsPage::Deployments => {
            let wanted = parameter(query, "litellm_model_id");
            let entries = snapshot.entries.iter();
            let entries = entries.filter(|entry| wanted.as_ref().is_none_or(|id| entry.id == **id));
            let data: Vec<_> = entries.map(deployment).collect();
            found(&data, wanted.as_deref())?;
            json!({ "data": data })
        }
        FactsPage::Paged => paged(snapshot, query)?,
        FactsPage::Groups => {
            let wanted = parameter(query, "model_group");
            let names = names(snapshot).into_iter();
            let names = names.filter(|name| wanted.as_ref().is_none_or(|wanted| *name == *wanted));
            let data: Vec<_> = names.map(|name| group(snapshot, name)).collect();
            found(&data, wanted.as_deref())?;
            json!({ "data": data })
        }
        FactsPage::Public => {
            let public = &snapshot.wishes.public_models;
            let names = names(snapshot).into_iter().filter(|name| public.iter().any(|public| public == name));
            names.map(|name| group(snapshot, name)).collect()
        }
    };
    Ok(body.to_string().into())
}

/// Deployments that fit `model`, `modelId` and `search`, by pages of `size`, as LiteLLM's dashboard reads them.
fn paged(snapshot: &Snapshot, query: Option<&str>) -> Result<Value> {
    let number = |name: &str, usual: usize, most: usize| match parameter(query, name) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| Error::invalid(name, format!("`{name}` must be a number from 1 to {most}"))),
    };
    let (page, size) = (number("page", 1, 1_000_000)?, number("size", 50, 1_000)?);
    let (model, id) = (parameter(query, "model"), parameter(query, "modelId"));
    let search = parameter(query, "search").map(|text| text.to_lowercase());
    let fits = |entry: &&Entry| {
        let called = entry.params.get("model").and_then(Value::as_str).unwrap_or_default();
        let holds = |text: &String| {
            entry.name.to_lowercase().contains(text.as_str()) || called.to_lowercase().contains(text.as_str())
        };
        model.as_ref().is_none_or(|model| entry.name == **model)
            && id.as_ref().is_none_or(|id| entry.id == **id)
            && search.as_ref().is_none_or(holds)
    };
    let fitting: Vec<&Entry> = snapshot.entries.iter().filter(fits).collect();
    let skipped = page.saturating_sub(1).saturating_mul(size);
    let data: Vec<_> = fitting.iter().skip(skipped).take(size).map(|entry| deployment(entry)).collect();
    Ok(json!({
        "data": data,
        "total_count": fitting.len(),
        "current_page": page,
        "total_pages": fitting.len().div_ceil(size),
        "size": size,
    }))
}

fn found(data: &[Value], wanted: Option<&str>) -> Result<()> {
    match wanted.filter(|_| data.is_empty()) {
        Some(wanted) => Err(Error::client(ErrorKind::NotFound, format!("there is no model `{wanted}`"))
            .with_code("model_not_found")),
        None => Ok(()),
    }
}

/// The value of a parameter of the query.
fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let value = query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    percent_encoding::percent_decode_str(value).decode_utf8().ok()
}

/// The names that clients ask for, each once, in the order of the configuration.
fn names(snapshot: &Snapshot) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for entry in &snapshot.entries {
        if !names.contains(&entry.name.as_str()) {
            names.push(&entry.name);
        }
    }
    names
}

/// One deployment: how it is called, and what is known of it. What the configuration says comes last and wins.
fn deployment(entry: &Entry) -> Value {
    let mut info = entry.facts.known().to_litellm();
    info.extend(entry.info.clone());
    info.insert("id".into(), entry.id.as_str().into());
    info.insert("db_model".into(), false.into());
    json!({ "model_name": entry.name, "litellm_params": entry.params, "model_info": info })
}

/// A model: the most that any of its deployments can do, and the highest price.
fn group(snapshot: &Snapshot, name: &str) -> Value {
    let entries: Vec<_> = snapshot.entries.iter().filter(|entry| entry.name == name).collect();
    let facts = || entries.iter().map(|entry| entry.facts.known());
    let price = |unit| facts().filter_map(|facts| facts.rates.get(Key::of(unit))).max().map(Money::to_f64);
    let sum = |capacity: fn(&Entry) -> Option<u64>| {
        entries.iter().filter_map(|e| capacity(e)).reduce(u64::saturating_add)
    };
    let mut providers: Vec<&str> = Vec::new();
    for entry in &entries {
        if !providers.contains(&entry.provider.as_str()) {
            providers.push(&entry.provider);
        }
    }
    let mut out = Map::new();
    out.insert("model_group".into(), name.into());
    out.insert("providers".into(), providers.into());
    out.insert("max_input_tokens".into(), facts().filter_map(|facts| facts.max_input_tokens).max().into());
    out.insert("max_output_tokens".into(), facts().filter_map(|facts| facts.max_output_tokens).max().into());
    for unit in [Unit::Input, Unit::Output, Unit::InputPixel] {
        out.insert(Key::of(unit).to_litellm(), price(unit).into());
    }
    out.insert("mode".into(), facts().find_map(|facts| facts.mode.as_deref()).into());
    out.insert("tpm".into(), sum(|entry| entry.capacity.1).into());
    out.insert("rpm".into(), sum(|entry| entry.capacity.0).into());
    for (key, _) in llmux_catalog::Capabilities::default().all() {
        let any = facts()
            .any(|facts| facts.capabilities.all().any(|(known, there)| known == key && there == Some(true)));
        out.insert(key.into(), any.into());
    }
    let public = snapshot.wishes.public_models.iter().any(|public| public == name);
    out.insert("is_public_model_group".into(), public.into());
    out.into()
}
