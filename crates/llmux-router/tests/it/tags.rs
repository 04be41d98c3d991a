//! Choice by tags, rule by rule.

use llmux_core::ErrorKind;
use llmux_router::{Router, RouterPolicy};

use crate::{
    asking::Request,
    hosts::{member_with, router, statuses},
};

/// Deployments with these tags, under their names.
fn tagged(members: &[(&str, &[&str])], change: impl FnOnce(&mut RouterPolicy)) -> Router {
    let mut builder = router(statuses([]));
    for (id, tags) in members {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        builder = builder.deployment(member_with(id, |settings| settings.tags = tags));
    }
    builder.policy(|policy| policy.tags.enabled = true).policy(change).build().unwrap()
}

fn asking(tags: &[&str]) -> Request {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Request::openai("m").directed(|directions| directions.tags = tags)
}

/// Everybody who may answer.
fn may_answer(router: &Router, request: &Request) -> Vec<String> {
    let explanation = request.explained(router);
    let left = explanation.deployments.into_iter().filter(|one| {
        matches!(one.excluded, None | Some(llmux_router::Exclusion::Strategy)) && explanation.error.is_none()
    });
    left.map(|one| one.id).collect()
}

const FLEET: &[(&str, &[&str])] =
    &[("free", &["free", "default"]), ("paid", &["paid", "fast"]), ("eu", &["paid", "eu"]), ("bare", &[])];

#[tokio::test]
async fn one_common_tag_is_enough_or_all_are_needed() {
    let any = tagged(FLEET, |_| {});
    assert_eq!(may_answer(&any, &asking(&["paid"])), ["paid", "eu"]);
    assert_eq!(may_answer(&any, &asking(&["fast", "free"])), ["free", "paid"]);
    let all = tagged(FLEET, |policy| policy.tags.match_any = false);
    assert_eq!(may_answer(&all, &asking(&["paid", "eu"])), ["eu"]);
    assert!(may_answer(&all, &asking(&["fast", "eu"])).is_empty());
}

#[tokio::test]
async fn a_request_without_tags_takes_the_default_deployments_if_there_are_any() {
    assert_eq!(may_answer(&tagged(FLEET, |_| {}), &asking(&[])), ["free"]);
    let without: &[(&str, &[&str])] = &[("a", &["x"]), ("b", &[])];
    assert_eq!(may_answer(&tagged(without, |_| {}), &asking(&[])), ["a", "b"]);
}

#[tokio::test]
async fn an_unknown_tag_takes_the_default_deployments_and_a_known_one_that_fits_nobody_is_refused() {
    assert_eq!(may_answer(&tagged(FLEET, |_| {}), &asking(&["unheard-of"])), ["free"]);
    let all = tagged(FLEET, |policy| policy.tags.match_any = false);
    let error = asking(&["fast", "eu"]).refused(&all).await.error;
    assert_eq!((error.status().as_u16(), error.kind()), (401, ErrorKind::Authentication));
    assert!(error.message().starts_with("Not allowed to access model due to tags configuration"), "{error}");
    let without: &[(&str, &[&str])] = &[("a", &["x"])];
    assert_eq!(asking(&["y"]).refused(&tagged(without, |_| {})).await.error.status().as_u16(), 401);
}

#[tokio::test]
async fn conditions_exclude_and_require() {
    let fleet = tagged(FLEET, |_| {});
    assert_eq!(may_answer(&fleet, &asking(&["paid", "!eu"])), ["paid"]);
    assert_eq!(may_answer(&fleet, &asking(&["paid", "&eu"])), ["eu"]);
    assert_eq!(may_answer(&fleet, &asking(&["&eu"])), ["eu"], "a condition alone is applied to all");
    assert_eq!(may_answer(&fleet, &asking(&["!eu"])), ["free"], "an exclusion alone to the default ones");
    assert_eq!(asking(&["!default"]).refused(&fleet).await.error.status().as_u16(), 401);
}

#[tokio::test]
async fn conditions_that_nobody_fulfils_may_fall_open_to_the_default_deployments() {
    let open = |id: &str, tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        member_with(id, |settings| (settings.tags, settings.tags_fail_open) = (tags, true))
    };
    let router = router(statuses([]))
        .deployment(open("d", &["default"]))
        .deployment(open("x", &["x"]))
        .policy(|policy| policy.tags.enabled = true)
        .build()
        .unwrap();
    assert_eq!(may_answer(&router, &asking(&["&nowhere"])), ["d"]);
}

#[tokio::test]
async fn a_user_agent_counts_as_a_tag_after_the_tags_themselves() {
    let pattern = |text: &str| vec![regex::Regex::new(text).unwrap()];
    let build = |match_any| {
        router(statuses([]))
            .deployment(member_with("curl", |settings| settings.tag_patterns = pattern("^User-Agent: curl/")))
            .deployment(member_with("tagged", |settings| settings.tags = vec!["t".to_owned()]))
            .deployment(member_with("default", |settings| settings.tags = vec!["default".to_owned()]))
            .policy(|policy| (policy.tags.enabled, policy.tags.match_any) = (true, match_any))
            .build()
            .unwrap()
    };
    let router = build(true);
    let curl = || asking(&[]).header("user-agent", "curl/8.0");
    assert_eq!(may_answer(&router, &curl()), ["curl"]);
    assert_eq!(may_answer(&router, &asking(&[]).header("user-agent", "python")), ["default"]);
    assert_eq!(may_answer(&router, &asking(&["t"]).header("user-agent", "curl/8.0")), ["tagged"]);
    assert_eq!(may_answer(&router, &asking(&["z"]).header("user-agent", "curl/8.0")), ["curl"]);
    let all = build(false);
    assert_eq!(may_answer(&all, &asking(&["z"]).header("user-agent", "curl/8.0")), ["default"]);
}

#[tokio::test]
async fn only_tags_with_the_prefix_take_part_where_there_is_one() {
    let router = tagged(FLEET, |policy| policy.tags.prefix = "route:".to_owned());
    assert_eq!(may_answer(&router, &asking(&["route:paid", "project-7"])), ["paid", "eu"]);
    assert_eq!(may_answer(&router, &asking(&["paid"])), ["free"]);
}

#[tokio::test]
async fn filtering_is_switched_on_for_all_for_a_group_or_by_a_request_and_off_by_none() {
    let off = tagged(FLEET, |policy| policy.tags.enabled = false);
    assert_eq!(may_answer(&off, &asking(&["paid"])).len(), 4);
    let by_request = asking(&["paid"]).directed(|directions| directions.tag_filtering = true);
    assert_eq!(may_answer(&off, &by_request), ["paid", "eu"]);
    let group = router(statuses([]))
        .deployment(member_with("a", |settings| {
            (settings.tags, settings.tag_filtering) = (vec!["x".to_owned()], Some(true));
        }))
        .deployment(member_with("b", |_| {}))
        .build()
        .unwrap();
    assert_eq!(may_answer(&group, &asking(&["x"])), ["a"]);
}
