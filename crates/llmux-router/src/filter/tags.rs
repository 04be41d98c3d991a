//! Choice by tags: who asks for some, by name or by his user agent, is served by deployments that have them.

use http::header::USER_AGENT;
use llmux_core::{Error, ErrorKind};

use super::Search;
use crate::{explain::Exclusion, group::Member};

/// The tag of deployments for requests without any.
const DEFAULT: &str = "default";

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    let by_request = search.ask.directions.is_some_and(|directions| directions.tag_filtering);
    if !search.group.looks.tags && !by_request {
        return Ok(());
    }
    let wanted = Wanted::of(search);
    let before = search.left.clone();
    if wanted.names.is_empty() && !wanted.by_agent(search) {
        return untagged(search, &wanted);
    }
    search.keep(Exclusion::Tags, |member| wanted.allow(member) && wanted.match_names(member));
    if search.left.is_empty() {
        // No tag fits: what the request says of itself may.
        search.left = before.clone();
        search.keep(Exclusion::Tags, |member| wanted.allow(member) && wanted.match_agent(member));
    }
    if !search.left.is_empty() {
        return Ok(());
    }
    search.left = before;
    let known = search.members().any(|(_, member)| wanted.names.iter().any(|tag| has(member, tag)));
    if !known && defaults(search, &wanted) {
        return Ok(());
    }
    fail_open(search, &wanted)
}

/// What a request asks of tags.
struct Wanted<'a> {
    names: Vec<&'a str>,
    /// `!tag`: not those that have it.
    without: Vec<&'a str>,
    /// `&tag`: only those that have it.
    with: Vec<&'a str>,
    any: bool,
    agent: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(search: &Search<'a>) -> Self {
        let policy = &search.shared.policy.tags;
        let agent = search.ask.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let agent = agent.map(|agent| format!("User-Agent: {agent}"));
        let (names, without, with) = (Vec::new(), Vec::new(), Vec::new());
        let mut wanted = Self { names, without, with, any: policy.match_any, agent };
        let tags = search.ask.directions.map_or(&[][..], |directions| &directions.tags);
        for tag in tags {
            let (list, tag) = match (tag.strip_prefix('!'), tag.strip_prefix('&')) {
                (Some(tag), _) => (&mut wanted.without, tag),
                (_, Some(tag)) => (&mut wanted.with, tag),
                _ => (&mut wanted.names, tag.as_str()),
            };
            // With a prefix configured, other tags are for reports and not for routing.
            list.extend(tag.strip_prefix(policy.prefix.as_str()));
        }
        wanted
    }

    /// Whether a deployment fulfils the conditions.
    fn allow(&self, member: &Member) -> bool {
        self.with.iter().all(|tag| has(member, tag)) && !self.without.iter().any(|tag| has(member, tag))
    }

    fn match_names(&self, member: &Member) -> bool {
        match self.any {
            _ if self.names.is_empty() => false,
            true => self.names.iter().any(|tag| has(member, tag)),
            false => self.names.iter().all(|tag| has(member, tag)),
        }
    }

    /// A pattern does not make good for tags that are missing, where all of them are needed.
    fn match_agent(&self, member: &Member) -> bool {
        let Some(agent) = self.agent.as_deref().filter(|_| self.any || self.names.is_empty()) else {
            return false;
        };
        member.deployment.settings().tag_patterns.iter().any(|pattern| pattern.is_match(agent))
    }

    fn by_agent(&self, search: &Search<'_>) -> bool {
        search.members().any(|(_, member)| self.match_agent(member))
    }

    fn has_conditions(&self) -> bool {
        !self.with.is_empty() || !self.without.is_empty()
    }
}

fn has(member: &Member, tag: &str) -> bool {
    member.deployment.settings().tags.iter().any(|own| own == tag)
}

/// A request without tags: the default deployments if there are any; with a condition `&tag` any that fulfil it.
fn untagged(search: &mut Search<'_>, wanted: &Wanted<'_>) -> Result<(), Error> {
    let before = search.left.clone();
    let any_default = search.members().any(|(_, member)| has(member, DEFAULT));
    let only_default = any_default && wanted.with.is_empty();
    search.keep(Exclusion::Tags, |member| wanted.allow(member) && (!only_default || has(member, DEFAULT)));
    if search.left.is_empty() {
        search.left = before;
        return fail_open(search, wanted);
    }
    Ok(())
}

/// Keeps the default deployments that fulfil the conditions, if there are any.
fn defaults(search: &mut Search<'_>, wanted: &Wanted<'_>) -> bool {
    let before = search.left.clone();
    search.keep(Exclusion::Tags, |member| wanted.allow(member) && has(member, DEFAULT));
    let found = !search.left.is_empty();
    if !found {
        search.left = before;
    }
    found
}

/// Nobody fulfils the conditions: the default deployments, where that is allowed.
fn fail_open(search: &mut Search<'_>, wanted: &Wanted<'_>) -> Result<(), Error> {
    let open = search.members().any(|(_, member)| member.deployment.settings().tags_fail_open);
    if open && wanted.has_conditions() {
        search.prefer(Exclusion::Tags, |_, member| has(member, DEFAULT));
        return Ok(());
    }
    search.keep(Exclusion::Tags, |_| false);
    let tags = search.ask.directions.map_or_else(String::new, |directions| directions.tags.join(", "));
    // LiteLLM's words.
    let message = format!(
        "Not allowed to access model due to tags configuration. Passed model={} and tags=[{tags}]",
        search.group.name
    );
    Err(Error::client(ErrorKind::Authentication, message).with_code("tags"))
}
