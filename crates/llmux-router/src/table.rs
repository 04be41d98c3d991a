//! From the model that a request names to the deployments that may answer: an immutable snapshot.

use std::{collections::HashMap, sync::Arc};

use llmux_core::{DeploymentId, Error, ErrorKind, ModelName, Result};

use crate::{deployment::Deployment, name::closest, pattern::Pattern};

/// A model as clients see it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The name that clients ask for.
    pub name: String,
    /// The provider of its first deployment.
    pub provider: String,
}

/// Deployments that answer to one name.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) deployments: Vec<Arc<Deployment>>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    groups: HashMap<ModelName, Arc<Group>>,
    by_id: HashMap<DeploymentId, Arc<Group>>,
    patterns: Vec<(Pattern, Arc<Group>)>,
    aliases: HashMap<String, (ModelName, bool)>,
    listings: Vec<Listing>,
}

impl Table {
    /// `aliases` are other names of groups; those marked `true` are not listed.
    pub(crate) fn new(deployments: Vec<Deployment>, aliases: HashMap<String, (ModelName, bool)>) -> Self {
        let mut order: Vec<ModelName> = Vec::new();
        let mut members: HashMap<ModelName, Vec<Arc<Deployment>>> = HashMap::new();
        let mut by_id = HashMap::new();
        for deployment in deployments.into_iter().map(Arc::new) {
            let name = deployment.group().clone();
            let alone = Arc::new(Group { deployments: vec![deployment.clone()] });
            by_id.insert(deployment.id().clone(), alone);
            let group = members.entry(name.clone()).or_default();
            if group.is_empty() {
                order.push(name);
            }
            group.push(deployment);
        }
        let mut table = Self { by_id, aliases, ..Self::default() };
        for name in order {
            let deployments = members.remove(&name).unwrap_or_default();
            let provider = deployments.first().map_or_else(String::new, |d| d.provider().name().to_owned());
            table.listings.push(Listing { name: name.as_str().to_owned(), provider });
            let group = Arc::new(Group { deployments });
            if Pattern::is_pattern(name.as_str()) {
                table.patterns.push((Pattern::new(name.as_str()), group));
            } else {
                table.groups.insert(name, group);
            }
        }
        table.patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.specificity()));
        table.list_aliases();
        table
    }

    fn list_aliases(&mut self) {
        let mut shown: Vec<_> = self.aliases.iter().filter(|(_, (_, hidden))| !hidden).collect();
        shown.sort();
        for (alias, (target, _)) in shown {
            let provider = self.listings.iter().find(|listing| listing.name == target.as_str());
            let provider = provider.map_or_else(String::new, |listing| listing.provider.clone());
            self.listings.push(Listing { name: alias.clone(), provider });
        }
    }

    /// The group that a name stands for: an alias, a group, a deployment's id, or the most specific pattern.
    pub(crate) fn resolve(&self, name: &str) -> Result<&Arc<Group>> {
        let name = self.aliases.get(name).map_or(name, |(target, _)| target.as_str());
        if let Some(group) = self.groups.get(name).or_else(|| self.by_id.get(name)) {
            return Ok(group);
        }
        let matching = self.patterns.iter().find(|(pattern, _)| pattern.capture(name).is_some());
        matching.map(|(_, group)| group).ok_or_else(|| self.unknown(name))
    }

    /// Follows an alias; other names stay as they are.
    pub(crate) fn real_name<'n>(&'n self, name: &'n str) -> &'n str {
        self.aliases.get(name).map_or(name, |(target, _)| target.as_str())
    }

    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    pub(crate) fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        let patterns = self.patterns.iter().map(|(_, group)| group);
        self.groups.values().chain(patterns).flat_map(|group| &group.deployments)
    }

    fn unknown(&self, name: &str) -> Error {
        let close = closest(name, self.listings.iter().map(|listing| listing.name.as_str()));
        let hint = match close.as_slice() {
            [] => "GET /v1/models lists the models you can use".to_owned(),
            names => format!("did you mean {}?", names.join(" or ")),
        };
        Error::client(ErrorKind::NotFound, format!("the model `{name}` does not exist; {hint}"))
            .with_param("model")
            .with_code("model_not_found")
    }
}
