//! What concerns deployments as a whole: shared credentials and defaults, identity, wildcards.

mod defaults;
mod identity;

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::keys::{ROOT, Section, Shape};
use crate::problem::Problems;
use crate::source::{Entry, Node, Position};

pub use defaults::ModelDefaults;
use identity::Identities;

/// Completes `model_list` in place: merges what it refers to, splits organizations, gives every entry an id. Gives
/// what entries that come later may refer to.
pub(crate) fn complete(
    config: &mut Map<String, Json>,
    entries: &[Entry],
    problems: &mut Problems,
) -> ModelDefaults {
    let credentials = credentials(config.remove("credential_list"), entries, problems);
    let defaults = ModelDefaults::new(credentials, take_defaults(config));
    let Some(Json::Array(models)) = config.remove("model_list") else { return defaults };
    let mut identities = Identities::default();
    let mut given: HashMap<String, usize> = HashMap::new();
    let mut out = Vec::new();
    for (mut model, place) in models.into_iter().zip(places(entries)) {
        wildcards(&model, &place, problems);
        explicit_id(&model, &place, &mut given, problems);
        for mut model in organizations(&mut model) {
            let id = identities.of(&model);
            name(&mut model, id);
            defaults.fill(&mut model, &place, problems);
            out.push(model);
        }
    }
    config.insert("model_list".to_owned(), Json::Array(out));
    defaults
}

/// Gives every model of a list without origin in a file its id.
pub(crate) fn identify(models: &mut [Json]) {
    let mut identities = Identities::default();
    for model in models {
        let id = identities.of(model);
        name(model, id);
    }
}

/// Gives a model this id if it has none.
fn name(model: &mut Json, id: String) {
    let Some(model) = model.as_object_mut() else { return };
    let info = model.entry("model_info").or_insert_with(|| Json::Object(Map::new()));
    if let Some(info) = info.as_object_mut() {
        info.entry("id").or_insert(Json::String(id));
    }
}

/// Where a model stands in the files.
struct Place<'a> {
    path: String,
    node: &'a Node,
    section: &'static Section,
}

impl Place<'_> {
    /// The path and position of a key of a model, both names canonical.
    fn of(&self, outer: &str, inner: &str) -> (String, Position) {
        let mut path = self.path.clone();
        let mut node = self.node;
        let mut section = Some(self.section);
        for name in [outer, inner] {
            let Some(entry) = section.and_then(|section| find(node, section, name)) else { break };
            path = crate::check::join(&path, &entry.key);
            node = &entry.value;
            section = section.and_then(|section| nested(section, name));
        }
        (path, node.at.clone())
    }
}

/// The entry of a mapping that has this canonical name.
pub(crate) fn find<'a>(node: &'a Node, section: &Section, name: &str) -> Option<&'a Entry> {
    node.entries()?.iter().find(|entry| section.canonical(&entry.key) == name)
}

/// The section that a key of a section holds.
pub(crate) fn nested(section: &Section, name: &str) -> Option<&'static Section> {
    section.keys().find(|key| key.name == name)?.shape().and_then(Shape::section)
}

fn places(entries: &[Entry]) -> Vec<Place<'_>> {
    let list = entries.iter().find(|entry| ROOT.canonical(&entry.key) == "model_list");
    let (Some(list), Some(section)) = (list, nested(&ROOT, "model_list")) else { return Vec::new() };
    let items = list.value.items().into_iter().flatten();
    items.map(|(index, node)| Place { path: format!("{}[{index}]", list.key), node, section }).collect()
}

fn member<'a>(value: &'a mut Json, name: &str) -> Option<&'a mut Map<String, Json>> {
    value.get_mut(name)?.as_object_mut()
}

fn text<'a>(value: &'a Json, section: &str, name: &str) -> &'a str {
    value.get(section).and_then(|section| section.get(name)).and_then(Json::as_str).unwrap_or_default()
}

/// Adds what is not there yet; what is gathered in one field, one by one.
fn fill(params: &mut Map<String, Json>, more: &Map<String, Json>) {
    for (name, value) in more {
        match (name.as_str(), params.get_mut(name), value) {
            ("defaults" | "options" | "pricing", Some(Json::Object(known)), Json::Object(more)) => {
                fill(known, more)
            }
            (_, Some(_), _) => {}
            (_, None, value) => {
                params.insert(name.clone(), value.clone());
            }
        }
    }
}

fn take_defaults(config: &mut Map<String, Json>) -> Map<String, Json> {
    let router = config.get_mut("router_settings").and_then(Json::as_object_mut);
    match router.and_then(|router| router.remove("default_litellm_params")) {
        Some(Json::Object(defaults)) => defaults,
        _ => Map::new(),
    }
}

type Credentials = HashMap<String, crate::JsonObject>;

fn credentials(list: Option<Json>, entries: &[Entry], problems: &mut Problems) -> Credentials {
    let mut known = Credentials::new();
    let Some(Json::Array(items)) = list else { return known };
    let list = entries.iter().find(|entry| ROOT.canonical(&entry.key) == "credential_list");
    let nodes = list.iter().filter_map(|list| list.value.items()).flatten();
    for (item, (index, node)) in items.into_iter().zip(nodes) {
        let Json::Object(mut item) = item else { continue };
        let (Some(Json::String(name)), Some(Json::Object(values))) =
            (item.remove("credential_name"), item.remove("credential_values"))
        else {
            continue;
        };
        if known.insert(name, values.into()).is_some() {
            let message = "a second credential of this name: the last one counts";
            problems.warn(&node.at, &format!("credential_list[{index}]"), message);
        }
    }
    known
}

/// One copy of a model for each organization it lists.
fn organizations(model: &mut Json) -> Vec<Json> {
    let list = model.get("litellm_params").and_then(|params| params.get("organization")).cloned();
    match list {
        Some(Json::Array(list)) if list.len() > 1 => list
            .into_iter()
            .map(|organization| {
                let mut copy = model.clone();
                if let Some(params) = member(&mut copy, "litellm_params") {
                    params.insert("organization".to_owned(), organization);
                }
                // One id cannot name several deployments.
                if let Some(info) = member(&mut copy, "model_info") {
                    info.remove("id");
                }
                copy
            })
            .collect(),
        _ => vec![model.take()],
    }
}

fn one_organization(params: &mut Map<String, Json>) {
    if let Some(Json::Array(list)) = params.get_mut("organization") {
        let only = list.first().cloned().unwrap_or(Json::Null);
        params.insert("organization".to_owned(), only);
    }
}

/// The `*`s of a name are what the `*`s of the provider's model stand for.
fn wildcards(model: &Json, place: &Place<'_>, problems: &mut Problems) {
    let stars = |text: &str| text.matches('*').count();
    let name = model.get("model_name").and_then(Json::as_str).unwrap_or_default();
    let (offered, wanted) = (stars(name), stars(text(model, "litellm_params", "model")));
    if wanted > offered {
        let (path, at) = place.of("litellm_params", "model");
        let message = match offered {
            0 => "has a `*`, but the model's name has none to take it from".to_owned(),
            _ => format!("has {wanted} `*`, but the model's name has only {offered} to take them from"),
        };
        problems.error(&at, &path, message);
    }
}

fn explicit_id(model: &Json, place: &Place<'_>, given: &mut HashMap<String, usize>, problems: &mut Problems) {
    let id = text(model, "model_info", "id");
    if id.is_empty() {
        return;
    }
    let (path, at) = place.of("model_info", "id");
    match given.get(id) {
        Some(line) => problems.error(&at, &path, format!("another deployment has this id, on line {line}")),
        None => {
            given.insert(id.to_owned(), at.line);
        }
    }
}
