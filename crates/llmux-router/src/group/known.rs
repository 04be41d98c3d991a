//! What is known of a group's deployments before anybody asks: sets, so that a filter looks at sixty-four deployments at
//! once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::Member;
use crate::{Capabilities, DeploymentSettings, filter::regions::Region, mask::Mask};

/// Sets of places in a group, by what the configuration says of the deployments there.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Paused by the configuration.
    pub(crate) blocked: Mask,
    /// Whose model is known not to search the web, to see, to call tools, to answer in a given form.
    pub(crate) no_search: Mask,
    pub(crate) no_vision: Mask,
    pub(crate) no_tools: Mask,
    pub(crate) no_schema: Mask,
    pub(crate) european: Mask,
    pub(crate) american: Mask,
    /// By order, the lowest first.
    pub(crate) orders: BTreeMap<u64, Mask>,
    /// By tag.
    pub(crate) tags: HashMap<String, Mask>,
    /// With patterns for user agents.
    pub(crate) patterned: Mask,
    /// The smallest context window, in tokens.
    pub(crate) smallest_window: Option<u64>,
    /// Whether anybody has a limit of tokens, and one of prompts or answers apart.
    pub(crate) tokens_limited: bool,
    pub(crate) split_limited: bool,
}

impl Known {
    pub(super) fn of(members: &[Arc<Member>]) -> Self {
        let those = |is: &dyn Fn(&DeploymentSettings) -> bool| {
            Mask::of(members, |member| is(member.deployment.settings()))
        };
        let cannot = |can: fn(&Capabilities) -> Option<bool>| {
            those(&|settings| can(&settings.capabilities) == Some(false))
        };
        let within = |region| Mask::of(members, |member| member.region == Some(region));
        let (mut orders, mut tags) = (BTreeMap::<_, Mask>::new(), HashMap::<_, Mask>::new());
        for (at, member) in members.iter().enumerate() {
            let settings = member.deployment.settings();
            if let Some(order) = settings.order {
                orders.entry(order).or_default().add(at);
            }
            for tag in &settings.tags {
                tags.entry(tag.clone()).or_default().add(at);
            }
        }
        let settings = || members.iter().map(|member| member.deployment.settings());
        Self {
            blocked: those(&|settings| settings.blocked),
            no_search: cannot(|can| can.web_search),
            no_vision: cannot(|can| can.vision),
            no_tools: cannot(|can| can.tools),
            no_schema: cannot(|can| can.response_schema),
            european: within(Region::Eu),
            american: within(Region::Us),
            patterned: those(&|settings| !settings.tag_patterns.is_empty()),
            smallest_window: settings().filter_map(|settings| settings.max_input_tokens).min(),
            tokens_limited: settings().any(|settings| settings.tpm.is_some()),
            split_limited: settings().any(|settings| settings.itpm.or(settings.otpm).is_some()),
            orders,
            tags,
        }
    }
}
