//! Rules that hold for any configuration: routers and requests are made up by chance, and judged by a plain reading of
//! the rules.

use std::collections::BTreeSet;

use llmux_core::LimitUse;
use llmux_router::{DeploymentSettings, Router, RouterBuilder, RouterState};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    asking::Request,
    hosts::{member, registry, router, statuses, strategy},
};

/// What a deployment is made of, as far as the rules look at it.
#[derive(Clone, Debug)]
struct Made {
    blocked: bool,
    paused: bool,
    order: Option<u64>,
    region: Option<&'static str>,
    tags: Vec<&'static str>,
    window: Option<u64>,
    rpm: Option<u64>,
    cooling: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let seldom = || prop::bool::weighted(0.15);
    let tags = prop::sample::subsequence(vec!["red", "blue", "default"], 0..=2);
    let region = prop::option::of(prop::sample::select(vec!["eu-west-1", "us-east-1"]));
    let figures = (prop::option::of(0..3_u64), prop::option::of(Just(50_u64)), prop::option::of(0..2_u64));
    (seldom(), seldom(), seldom(), region, tags, figures).prop_map(
        |(blocked, paused, cooling, region, tags, (order, window, rpm))| Made {
            blocked,
            paused,
            order,
            region,
            tags,
            window,
            rpm,
            cooling,
        },
    )
}

/// What a request asks for.
#[derive(Clone, Debug)]
struct Wanted {
    tags: Vec<&'static str>,
    region: Option<&'static str>,
    long: bool,
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let tags = prop::sample::subsequence(vec!["red", "blue"], 0..=1);
    let region = prop::option::weighted(0.3, prop::sample::select(vec!["eu", "us"]));
    (tags, region, any::<bool>()).prop_map(|(tags, region, long)| Wanted { tags, region, long })
}

/// Whether the rules let a deployment serve a request, one deployment by itself.
fn may_serve(made: &Made, wanted: &Wanted) -> bool {
    let in_region = wanted.region.is_none_or(|region| made.region.is_some_and(|own| own.starts_with(region)));
    let fits = !wanted.long || made.window.is_none();
    let tagged = wanted.tags.is_empty() || wanted.tags.iter().any(|tag| made.tags.contains(tag));
    let by_default = made.tags.contains(&"default");
    !made.blocked
        && !made.paused
        && !made.cooling
        && in_region
        && fits
        && made.rpm != Some(0)
        && (tagged || by_default)
}

fn build(kind: &str, all: &[Made]) -> Router {
    let builder = RouterBuilder::state(router(statuses([])), RouterState::seeded(5));
    let builder = all.iter().enumerate().fold(builder, |builder, (at, made)| {
        let mut settings = DeploymentSettings::default();
        settings.blocked = made.blocked;
        settings.order = made.order;
        settings.region = made.region.map(str::to_owned);
        settings.tags = made.tags.iter().map(|tag| (*tag).to_owned()).collect();
        settings.max_input_tokens = made.window;
        settings.rpm = made.rpm;
        builder.deployment(member(&format!("d{at}")).with_settings(settings))
    });
    let builder = builder.policy(|policy| {
        policy.pre_call_checks = true;
        policy.limits = LimitUse::Enforce;
        policy.tags.enabled = true;
    });
    let group = llmux_router::RoutingGroup {
        name: "all".to_owned(),
        models: vec!["m".to_owned()],
        strategy: strategy(kind),
        priorities: std::collections::HashMap::new(),
    };
    let built = builder.routing_group(group).build().unwrap();
    for (at, made) in all.iter().enumerate() {
        built.set_paused(&format!("d{at}").into(), made.paused).unwrap();
    }
    built
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_that_is_left_out_is_ever_chosen(
        mut all in prop::collection::vec(made(), 1..8),
        wanted in wanted(),
        kind in 0..10_usize,
    ) {
        // Cooldowns follow from failures, which other tests make.
        all.iter_mut().for_each(|made| made.cooling = false);
        let kinds: Vec<_> = registry().strategies.kinds().map(str::to_owned).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let router = build(&kinds[kind % kinds.len()], &all);
            let mut request = Request::openai("m").directed(|directions| {
                directions.tags = wanted.tags.iter().map(|tag| (*tag).to_owned()).collect();
                directions.region = wanted.region.map(str::to_owned);
            });
            if wanted.long {
                request = request.field("messages", json!([{"role": "user", "content": "word ".repeat(400)}]));
            }
            let mut served = BTreeSet::new();
            for _ in 0..6 {
                if let Ok(said) = request.said(&router).await {
                    let at: usize = said.by.trim_start_matches('d').parse().unwrap();
                    prop_assert!(may_serve(&all[at], &wanted), "{:?} served {wanted:?}", all[at]);
                    served.insert(at);
                }
            }
            // A limit of one is used up by the first request.
            for at in &served {
                let one = router.status().into_iter().find(|one| one.deployment.id().as_str() == format!("d{at}"));
                let rpm = one.unwrap().rpm;
                prop_assert!(all[*at].rpm.is_none_or(|limit| rpm <= limit), "{rpm} requests");
            }
            Ok(())
        })?;
    }
}
