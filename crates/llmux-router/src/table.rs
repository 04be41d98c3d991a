//! From the model that a request names to the deployments that may answer: an immutable snapshot.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use llmux_core::{DeploymentId, Error, ErrorKind, ModelName, Result, Strategy};

use crate::{
    deployment::Deployment,
    group::{Group, Member, Shared},
    name::closest,
    pattern::Pattern,
    policy::RoutingGroup,
};

/// A model as clients see it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The name that clients ask for.
    pub name: String,
    /// The provider of its first deployment.
    pub provider: String,
}

/// What a table is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) deployments: Vec<Arc<Deployment>>,
    /// Other names of groups; those marked `true` are not listed.
    pub(crate) aliases: HashMap<String, (ModelName, bool)>,
    pub(crate) strategy: Arc<dyn Strategy>,
    pub(crate) routing_groups: Vec<RoutingGroup>,
}

#[derive(Default)]
pub(crate) struct Table {
    groups: HashMap<ModelName, Arc<Group>>,
    by_id: HashMap<DeploymentId, Arc<Group>>,
    /// Groups by what their deployments' models are called at the provider.
    by_backend: HashMap<String, Arc<Group>>,
    patterns: Vec<(Pattern, Arc<Group>)>,
    aliases: HashMap<String, (ModelName, bool)>,
    listings: Vec<Listing>,
}

impl Table {
    /// Builds the table.
    ///
    /// # Errors
    /// When two deployments have the same id, or an alias stands for itself.
    pub(crate) fn new(parts: &Parts, shared: &Arc<Shared>) -> Result<Self> {
        check(parts)?;
        let mut order: Vec<ModelName> = Vec::new();
        let mut named: HashMap<ModelName, Vec<Arc<Deployment>>> = HashMap::new();
        for deployment in &parts.deployments {
            let name = deployment.group().clone();
            let group = named.entry(name.clone()).or_default();
            if group.is_empty() {
                order.push(name);
            }
            group.push(Arc::clone(deployment));
        }
        let mut table = Self { aliases: parts.aliases.clone(), ..Self::default() };
        for name in order {
            let deployments = named.remove(&name).unwrap_or_default();
            table.add_group(&name, deployments, parts, shared);
        }
        table.patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.specificity()));
        parts.routing_groups.iter().for_each(|group| table.add_routing_group(group, shared));
        table.list_aliases();
        Ok(table)
    }

    fn add_group(
        &mut self,
        name: &ModelName,
        deployments: Vec<Arc<Deployment>>,
        parts: &Parts,
        shared: &Arc<Shared>,
    ) {
        let of_group = |group: &&RoutingGroup| {
            group.priorities.is_empty() && group.models.iter().any(|model| model == name.as_str())
        };
        let routing = parts.routing_groups.iter().find(of_group);
        let strategy = routing.map_or(&parts.strategy, |group| &group.strategy);
        let provider = deployments.first().map_or_else(String::new, |d| d.provider().name().to_owned());
        self.listings.push(Listing { name: name.as_str().to_owned(), provider });
        let peers = deployments.len();
        let members: Vec<_> =
            deployments.into_iter().map(|d| Arc::new(Member::new(d, shared, peers))).collect();
        for member in &members {
            let id = member.deployment.id();
            let alone = Group::new(name.as_str(), vec![Arc::clone(member)], Arc::clone(strategy), shared);
            self.by_id.insert(id.clone(), Arc::new(alone));
        }
        let backends: BTreeSet<_> = members.iter().map(|m| m.deployment.model().to_owned()).collect();
        let group = Arc::new(Group::new(name.as_str(), members, Arc::clone(strategy), shared));
        if Pattern::is_pattern(name.as_str()) {
            self.patterns.push((Pattern::new(name.as_str()), group));
            return;
        }
        for backend in backends.into_iter().filter(|backend| !Pattern::is_pattern(backend)) {
            self.by_backend.entry(backend).or_insert_with(|| Arc::clone(&group));
        }
        self.groups.insert(name.clone(), group);
    }

    /// Makes a routing group with numbered models callable. A model group of that name stays what it is.
    fn add_routing_group(&mut self, routing: &RoutingGroup, shared: &Arc<Shared>) {
        if routing.priorities.is_empty() || self.groups.contains_key(routing.name.as_str()) {
            return;
        }
        let groups: Vec<_> = routing
            .models
            .iter()
            .filter_map(|model| Some((model, self.groups.get(model.as_str())?)))
            .map(|(model, group)| (routing.priorities.get(model).copied(), Arc::clone(group)))
            .collect();
        let peers = groups.iter().map(|(_, group)| group.members.len()).sum();
        let mut members = Vec::new();
        for (priority, group) in groups {
            for member in &group.members {
                let mut member = Member::new(Arc::clone(&member.deployment), shared, peers);
                member.priority = priority;
                members.push(Arc::new(member));
            }
        }
        let Some(first) = members.first() else { return };
        let provider = first.deployment.provider().name().to_owned();
        self.listings.push(Listing { name: routing.name.clone(), provider });
        let group = Group::new(&routing.name, members, Arc::clone(&routing.strategy), shared);
        self.groups.insert(routing.name.as_str().into(), Arc::new(group));
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

    /// The group that a name stands for: an alias, a group, a deployment's id, the most specific pattern, or a
    /// model as its provider calls it.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Group>> {
        let name = self.real_name(name);
        let exact = || self.groups.get(name).or_else(|| self.by_id.get(name));
        let matching = || self.patterns.iter().find(|(pattern, _)| pattern.capture(name).is_some());
        exact().or_else(|| matching().map(|(_, group)| group)).or_else(|| self.by_backend.get(name))
    }

    /// As [`find`](Self::find).
    ///
    /// # Errors
    /// 404 with the names that come close.
    pub(crate) fn resolve(&self, name: &str) -> Result<&Arc<Group>> {
        self.find(name).ok_or_else(|| self.unknown(self.real_name(name)))
    }

    /// Follows aliases, also those of aliases; other names stay as they are. There are no loops: see [`check`].
    pub(crate) fn real_name<'n>(&'n self, mut name: &'n str) -> &'n str {
        while let Some((target, _)) = self.aliases.get(name) {
            name = target.as_str();
        }
        name
    }

    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// Every deployment by itself.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.by_id.values().flat_map(|group| &group.members)
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

/// Finds what contradicts itself.
fn check(parts: &Parts) -> Result<()> {
    let mut ids = BTreeSet::new();
    if let Some(twice) = parts.deployments.iter().find(|deployment| !ids.insert(deployment.id())) {
        let message = format!("two deployments have the id `{}`", twice.id());
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("model_info.id"));
    }
    if let Some(alias) = parts.aliases.keys().filter(|alias| is_loop(parts, alias)).min() {
        let message = format!("the alias `{alias}` stands for itself");
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("model_group_alias"));
    }
    if let Some(empty) = parts.routing_groups.iter().find(|group| group.models.is_empty()) {
        let message = format!("the routing group `{}` has no models", empty.name);
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("routing_groups"));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = parts.routing_groups.iter().find(|group| !names.insert(group.name.as_str())) {
        let message = format!("two routing groups have the name `{}`", twice.name);
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("routing_groups"));
    }
    let mut grouped = BTreeSet::new();
    for group in parts.routing_groups.iter().filter(|group| group.priorities.is_empty()) {
        if let Some(model) = group.models.iter().find(|model| !grouped.insert(model.as_str())) {
            let message = format!("the model `{model}` is in more than one routing group");
            return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("routing_groups"));
        }
    }
    Ok(())
}

/// Whether an alias leads back to itself, over others too.
fn is_loop(parts: &Parts, alias: &str) -> bool {
    let mut at = alias;
    for _ in 0..parts.aliases.len() {
        match parts.aliases.get(at) {
            Some((target, _)) if target.as_str() == alias => return true,
            Some((target, _)) => at = target.as_str(),
            None => return false,
        }
    }
    false
}
