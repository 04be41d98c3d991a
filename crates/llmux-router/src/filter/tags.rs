//! Choice by tags: who asks for some, by name or by his user agent, is served by deployments that have them.

use http::header::USER_AGENT;
use llmux_core::{Error, ErrorKind};

use smallvec::SmallVec;

use super::Search;
use crate::{
    explain::Exclusion,
    group::Member,
    mask::{self, Mask},
};

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
    search.keep_bits(Exclusion::Tags, |word, _| wanted.allow(word) & wanted.match_names(word));
    if search.left.is_empty() {
        // No tag fits: what the request says of itself may.
        search.left = before.clone();
        search.keep_at(Exclusion::Tags, |at, member| {
            wanted.allow(at / u64::BITS as usize) & mask::bit(at) != 0 && wanted.match_agent(member)
        });
    }
    if !search.left.is_empty() {
        return Ok(());
    }
    search.left = before;
    let known = wanted.names.iter().flatten().any(|those| search.left.meets(those));
    if !known && defaults(search, &wanted) {
        return Ok(());
    }
    fail_open(search, &wanted)
}

/// The deployments that have a tag; nothing for one that nobody has.
type Tagged<'a> = SmallVec<[Option<&'a Mask>; 4]>;

/// What a request asks of tags. Sixty-four deployments are looked at at a time.
struct Wanted<'a> {
    names: Tagged<'a>,
    /// `!tag`: not those that have it.
    without: Tagged<'a>,
    /// `&tag`: only those that have it.
    with: Tagged<'a>,
    any: bool,
    /// Where there are patterns for it.
    agent: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(search: &Search<'a>) -> Self {
        let (policy, known) = (&search.shared.policy.tags, &search.group.known);
        let agent = search.ask.headers.get(USER_AGENT).filter(|_| search.left.meets(&known.patterned));
        let agent = agent.and_then(|agent| agent.to_str().ok()).map(|agent| format!("User-Agent: {agent}"));
        let (names, without, with) = (Tagged::new(), Tagged::new(), Tagged::new());
        let mut wanted = Self { names, without, with, any: policy.match_any, agent };
        let tags = search.ask.directions.map_or(&[][..], |directions| &directions.tags);
        for tag in tags {
            let (list, tag) = match (tag.strip_prefix('!'), tag.strip_prefix('&')) {
                (Some(tag), _) => (&mut wanted.without, tag),
                (_, Some(tag)) => (&mut wanted.with, tag),
                _ => (&mut wanted.names, tag.as_str()),
            };
            // With a prefix configured, other tags are for reports and not for routing.
            list.extend(tag.strip_prefix(policy.prefix.as_str()).map(|tag| known.tags.get(tag)));
        }
        wanted
    }

    /// Who fulfils the conditions.
    fn allow(&self, word: usize) -> u64 {
        all(&self.with, word) & !any(&self.without, word)
    }

    fn match_names(&self, word: usize) -> u64 {
        match self.any {
            _ if self.names.is_empty() => 0,
            true => any(&self.names, word),
            false => all(&self.names, word),
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
        self.agent.is_some() && search.members().any(|(_, member)| self.match_agent(member))
    }

    fn has_conditions(&self) -> bool {
        !self.with.is_empty() || !self.without.is_empty()
    }
}

/// Who has one of the tags.
fn any(tags: &Tagged<'_>, word: usize) -> u64 {
    tags.iter().flatten().fold(0, |bits, those| bits | those.word(word))
}

/// Who has all of the tags.
fn all(tags: &Tagged<'_>, word: usize) -> u64 {
    tags.iter().fold(u64::MAX, |bits, those| bits & those.map_or(0, |those| those.word(word)))
}

/// A request without tags: the default deployments if there are any; with a condition `&tag` any that fulfil it.
fn untagged(search: &mut Search<'_>, wanted: &Wanted<'_>) -> Result<(), Error> {
    let before = search.left.clone();
    let default = search.group.known.tags.get(DEFAULT).filter(|those| before.meets(those));
    let default = default.filter(|_| wanted.with.is_empty());
    search.keep_bits(Exclusion::Tags, |word, _| {
        wanted.allow(word) & default.map_or(u64::MAX, |those| those.word(word))
    });
    if search.left.is_empty() {
        search.left = before;
        return fail_open(search, wanted);
    }
    Ok(())
}

/// Keeps the default deployments that fulfil the conditions, if there are any.
fn defaults(search: &mut Search<'_>, wanted: &Wanted<'_>) -> bool {
    let before = search.left.clone();
    let default = search.group.known.tags.get(DEFAULT);
    search.keep_bits(Exclusion::Tags, |word, _| {
        wanted.allow(word) & default.map_or(0, |those| those.word(word))
    });
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
        let default = search.group.known.tags.get(DEFAULT).filter(|those| search.left.meets(those));
        if let Some(default) = default {
            search.keep_those(Exclusion::Tags, default);
        }
        return Ok(());
    }
    search.keep_bits(Exclusion::Tags, |_, _| 0);
    let tags = search.ask.directions.map_or_else(String::new, |directions| directions.tags.join(", "));
    // LiteLLM's words.
    let message = format!(
        "Not allowed to access model due to tags configuration. Passed model={} and tags=[{tags}]",
        search.group.name
    );
    Err(Error::client(ErrorKind::Authentication, message).with_code("tags"))
}
