//! What is known of the models that are served, as LiteLLM's clients and dashboards read it.

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;
use llmux_catalog::{Key, Unit};
use llmux_core::{DeploymentId, Error, ErrorKind, Money, Result};
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
            let data = deployments(snapshot, entries);
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

/// Deployments by pages: those whose name holds `search`, of the model `model`, with the id `modelId`; sorted by
/// `sortBy` and `sortOrder`, else as they were configured.
fn paged(snapshot: &Snapshot, query: Option<&str>) -> Result<Value> {
    let of = |name| parameter(query, name).filter(|value| !value.is_empty());
    let (search, model, id) = (of("search").map(|text| text.to_lowercase()), of("model"), of("modelId"));
    let fits = |entry: &&Entry| {
        search.as_ref().is_none_or(|text| entry.name.to_lowercase().contains(text.as_str()))
            && model.as_ref().is_none_or(|model| entry.name == **model)
            && id.as_ref().is_none_or(|id| entry.id == **id)
    };
    let mut entries: Vec<&Entry> = snapshot.entries.iter().filter(fits).collect();
    match of("sortBy").as_deref() {
        None => {}
        Some("model_name") => entries.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("created_at") => entries.sort_by_key(|entry| entry.added.map(|(created, _)| created)),
        Some("updated_at") => entries.sort_by_key(|entry| entry.added.map(|(_, updated)| updated)),
        Some(_) => return Err(not_known("sortBy", "`model_name`, `created_at` or `updated_at`")),
    }
    match of("sortOrder").as_deref() {
        None | Some("asc") => {}
        Some("desc") => entries.reverse(),
        Some(_) => return Err(not_known("sortOrder", "`asc` or `desc`")),
    }
    let number = |name, default| match of(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| not_known(name, "a number from 1")),
    };
    let (page, size) = (number("page", 1)?, number("size", 50)?);
    let total = entries.len();
    let shown = entries.into_iter().skip((page - 1).saturating_mul(size)).take(size);
    Ok(json!({
        "data": deployments(snapshot, shown),
        "total_count": total,
        "current_page": page,
        "total_pages": total.div_ceil(size),
        "size": size,
    }))
}

fn not_known(name: &str, form: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, format!("`{name}` must be {form}")).with_param(name)
}

fn deployments<'e>(snapshot: &Snapshot, entries: impl Iterator<Item = &'e Entry>) -> Vec<Value> {
    let paused = snapshot.router.status().into_iter().filter(|one| one.paused);
    let paused: BTreeSet<DeploymentId> = paused.map(|one| one.deployment.id().clone()).collect();
    entries.map(|entry| deployment(entry, paused.contains(entry.id.as_str()))).collect()
}

fn found(data: &[Value], wanted: Option<&str>) -> Result<()> {
    match wanted.filter(|_| data.is_empty()) {
        Some(wanted) => Err(Error::client(ErrorKind::NotFound, format!("there is no model `{wanted}`"))
            .with_code("model_not_found")),
        None => Ok(()),
    }
}

/// The value of a parameter of the query.
pub(crate) fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
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
/// `db_model` is LiteLLM's word for those that were added by request.
pub(crate) fn deployment(entry: &Entry, paused: bool) -> Value {
    let mut info = entry.facts.known().to_litellm();
    info.extend(entry.info.clone());
    info.insert("id".into(), entry.id.as_str().into());
    info.insert("db_model".into(), entry.added.is_some().into());
    if paused {
        info.insert("blocked".into(), true.into());
    }
    if let Some((created, updated)) = entry.added {
        info.insert("created_at".into(), time(created).into());
        info.insert("updated_at".into(), time(updated).into());
    }
    json!({ "model_name": entry.name, "litellm_params": entry.params, "model_info": info })
}

/// A time in seconds since 1970, as clients read it.
pub(crate) fn time(seconds: u64) -> String {
    llmux_wire::ollama::write_time(seconds)
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
