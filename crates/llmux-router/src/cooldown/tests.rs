use super::*;

const NOW: Moment = Moment::from_millis(60_000);

fn upstream(status: u16) -> Error {
    let status = http::StatusCode::from_u16(status).unwrap();
    Error::upstream(ErrorKind::from_status(status), "no").with_status(status)
}

/// A deployment, and what is asked of it.
struct Case {
    policy: CooldownPolicy,
    own: DeploymentCooldown,
    peers: usize,
    state: DeploymentState,
}

impl Case {
    fn new(peers: usize) -> Self {
        Self {
            policy: CooldownPolicy::default(),
            own: DeploymentCooldown::default(),
            peers,
            state: DeploymentState::default(),
        }
    }

    fn fails(&self, error: &Error) -> Option<Cooldown> {
        self.fails_at(error, NOW)
    }

    fn fails_at(&self, error: &Error, now: Moment) -> Option<Cooldown> {
        let failure = Failure { error, own: &self.own, peers: self.peers, impatient: false };
        self.policy.after(&failure, &self.state, now)
    }

    /// How many failures in a row it takes.
    fn failures_until_cooling(&self, status: u16, at_most: usize) -> Option<usize> {
        (1..=at_most).find(|_| self.fails(&upstream(status)).is_some())
    }
}

#[test]
fn a_rate_limit_cools_at_once_unless_the_deployment_is_the_only_one() {
    assert_eq!(Case::new(2).failures_until_cooling(429, 1), Some(1));
    assert_eq!(Case::new(1).failures_until_cooling(429, 999), None);
}

#[test]
fn a_wrong_key_or_model_cools_at_once_even_the_only_deployment_but_an_unpaid_bill_does_not() {
    for (status, alone, among_two) in [(401, Some(1), Some(1)), (404, Some(1), Some(1)), (402, None, Some(1))]
    {
        assert_eq!(Case::new(1).failures_until_cooling(status, 900), alone, "{status}");
        assert_eq!(Case::new(2).failures_until_cooling(status, 1), among_two, "{status}");
    }
}

#[test]
fn mistakes_of_the_client_never_cool() {
    for status in [400, 403, 409, 413, 422] {
        assert_eq!(Case::new(3).failures_until_cooling(status, 2_000), None, "{status}");
    }
    let ours = Error::new(ErrorKind::Internal, "our own fault");
    assert!((0..2_000).all(|_| Case::new(3).fails(&ours).is_none()));
}

#[test]
fn more_than_half_of_at_least_five_requests_must_fail_in_a_minute() {
    let case = Case::new(2);
    case.state.successes.add(NOW, 3);
    // 3 of 6 are half, 4 of 7 are more.
    assert_eq!(case.failures_until_cooling(500, 9), Some(4));
    assert_eq!(Case::new(2).failures_until_cooling(503, 9), Some(5));
    assert_eq!(Case::new(1).failures_until_cooling(503, 999), None);
    let case = Case::new(2);
    assert_eq!(case.failures_until_cooling(500, 4), None);
    let next_minute = Moment::from_millis(120_000);
    assert!(case.fails_at(&upstream(500), next_minute).is_none(), "every minute counts anew");
}

#[test]
fn a_thousand_failures_without_an_answer_cool_even_the_only_deployment() {
    assert_eq!(Case::new(1).failures_until_cooling(500, 2_000), Some(1_000));
    let case = Case::new(1);
    case.state.successes.add(NOW, 1);
    assert_eq!(case.failures_until_cooling(500, 2_000), None);
}

#[test]
fn allowed_fails_counts_failures_that_follow_each_other_within_the_cooldown_time() {
    let mut case = Case::new(2);
    case.policy.allowed_fails = Some(3);
    assert_eq!(case.failures_until_cooling(429, 9), Some(4), "an explicit 3 is not the same as none");
    let mut case = Case::new(2);
    case.policy.allowed_fails = Some(1);
    assert!(case.fails(&upstream(500)).is_none());
    assert!(case.fails_at(&upstream(500), NOW.plus_millis(5_000)).is_none(), "the first is forgotten");
    assert!(case.fails_at(&upstream(500), NOW.plus_millis(9_999)).is_some());
}

#[test]
fn allowed_fails_by_class_beat_allowed_fails_and_count_apart() {
    let mut case = Case::new(2);
    case.policy.allowed_fails = Some(0);
    case.policy.allowed_fails_by_class =
        PerException::default().with(Exception::RateLimit, 2).with(Exception::Timeout, 1);
    assert!(case.fails(&upstream(408)).is_none());
    assert_eq!(case.failures_until_cooling(429, 9), Some(3));
    assert!(case.fails(&upstream(408)).is_some());
    assert_eq!(case.failures_until_cooling(500, 9), Some(1));
}

#[test]
fn a_deployments_own_policy_beats_the_routers_and_may_count_what_is_no_fault_of_its_own() {
    let mut case = Case::new(2);
    case.own.allowed_fails_by_class = PerException::default().with(Exception::BadRequest, 1);
    assert_eq!(case.failures_until_cooling(400, 9), Some(2));
    let mut case = Case::new(2);
    case.own.allowed_fails = Some(2);
    assert_eq!(case.failures_until_cooling(429, 9), Some(3));
    let mut alone = Case::new(1);
    alone.own.allowed_fails = Some(2);
    assert_eq!(alone.failures_until_cooling(500, 99), None, "the only deployment has no use for it");
}

#[test]
fn the_time_is_the_deployments_else_the_providers_else_the_routers() {
    let seconds = |cooldown: Cooldown| (cooldown.until.millis() - NOW.millis()) / 1_000;
    let mut case = Case::new(2);
    assert_eq!(seconds(case.fails(&upstream(429)).unwrap()), 5);
    let asks = upstream(429).with_retry_after(Some(Duration::from_secs(30)));
    assert_eq!(seconds(case.fails(&asks).unwrap()), 30);
    case.own.time = Some(Duration::from_secs(90));
    assert_eq!(seconds(case.fails(&asks).unwrap()), 90);
    case.own.time = Some(Duration::ZERO);
    assert!(case.fails(&asks).is_none(), "no time is no cooldown");
}

#[test]
fn nothing_cools_when_cooldowns_are_disabled_or_the_client_had_no_patience() {
    let mut case = Case::new(2);
    let late = upstream(408);
    let failure = Failure { error: &late, own: &case.own, peers: 2, impatient: true };
    assert!((0..99).all(|_| case.policy.after(&failure, &case.state, NOW).is_none()));
    case.policy.disabled = true;
    assert!(case.fails(&upstream(401)).is_none());
    let case = Case::new(2);
    let relayed = Error::upstream(ErrorKind::ProviderFault, "litellm.APIConnectionError: no route");
    assert!((0..99).all(|_| case.fails(&relayed).is_none()));
}

#[test]
fn the_reason_is_kept_and_its_message_cut() {
    let error = Error::upstream(ErrorKind::RateLimited, "é".repeat(80));
    let cooldown = Case::new(2).fails(&error).unwrap();
    assert_eq!((cooldown.status, cooldown.message.chars().count(), cooldown.since), (429, 50, NOW));
}
