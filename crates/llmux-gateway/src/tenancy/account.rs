//! What limits a key: its own gates, and those of everything that it belongs to.

use std::{collections::BTreeMap, sync::Arc};

use llmux_core::{
    Money,
    tenancy::{BudgetTerms, KeyIdentity, Limits, Spent, Timestamp},
};
use llmux_limits::{Budget, Gate, Meter, Meters, Rates, Scope, ScopeKind};
use serde_json::{Map, Value};

/// The gates of a key, made when it is looked up.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// In the order in which the first that refuses is told.
    gates: Vec<Arc<Gate>>,
    /// Those of single models.
    models: Vec<(Box<str>, Arc<Gate>)>,
}

/// What an identity of any kind is limited by.
struct Terms<'a> {
    limits: &'a Limits,
    budget: &'a BudgetTerms,
    spent: &'a Spent,
    metadata: Option<&'a Map<String, Value>>,
}

impl Account {
    pub(crate) fn new(identity: &KeyIdentity, meters: &Meters, now: Timestamp) -> Self {
        let mut account = Self::default();
        let KeyIdentity { key, team, user, membership, organization, .. } = identity;
        let hash = key.hash.to_string();
        let mut add = |kind, id: &str, limits, budget, spent, metadata| {
            account.add(&Scope::new(kind, id), &Terms { limits, budget, spent, metadata }, meters, now);
        };
        add(ScopeKind::Key, &hash, &key.limits, &key.budget, &key.spent, Some(&key.metadata));
        if let Some(team) = team {
            let metadata = Some(&team.metadata);
            add(ScopeKind::Team, &team.team_id, &team.limits, &team.budget, &team.spent, metadata);
        }
        if let Some(of) = organization {
            add(ScopeKind::Organization, &of.organization_id, &of.limits, &of.budget, &of.spent, None);
        }
        // What a user may spend is for keys of their own; in a team the membership says it.
        if let Some(user) = user.as_ref().filter(|_| team.is_none()) {
            add(ScopeKind::User, &user.user_id, &user.limits, &user.budget, &user.spent, None);
        }
        if let Some(member) = membership {
            let id = format!("{}:{}", member.team_id, member.user_id);
            add(ScopeKind::TeamMember, &id, &member.limits, &member.budget, &member.spent, None);
        }
        account
    }

    /// All gates that a request for this model has to pass.
    pub(crate) fn gates<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a Arc<Gate>> {
        let of_model = self.models.iter().filter(move |(name, _)| **name == *model);
        self.gates.iter().chain(of_model.map(|(_, gate)| gate))
    }

    /// Whether nothing is limited, for any model.
    pub(crate) fn is_open(&self) -> bool {
        self.gates.is_empty() && self.models.is_empty()
    }

    fn add(&mut self, scope: &Scope, terms: &Terms<'_>, meters: &Meters, now: Timestamp) {
        let seconds = u64::try_from(now.millis() / 1_000).unwrap_or(0);
        let meter = meters.of(scope, seconds);
        let limits = terms.limits;
        let rates = Rates::new(limits.rpm_limit, limits.tpm_limit, limits.max_parallel_requests);
        let gate = Gate::new(scope.clone(), Arc::clone(&meter), rates, budgets(&meter, terms, now, seconds));
        if !gate.is_open() {
            self.gates.push(Arc::new(gate));
        }
        let kind = match scope.kind {
            ScopeKind::Key => ScopeKind::ModelPerKey,
            ScopeKind::Team => ScopeKind::ModelPerTeam,
            _ => return,
        };
        for (model, (requests, tokens)) in of_models(terms) {
            let scope = Scope::new(kind, format!("{}:{model}", scope.id));
            let meter = meters.of(&scope, seconds);
            let gate = Gate::new(scope, meter, Rates::new(requests, tokens, None), Vec::new());
            self.models.push((model.into(), Arc::new(gate)));
        }
    }
}

/// Requests and tokens in a minute, by model.
fn of_models<'a>(terms: &Terms<'a>) -> BTreeMap<&'a str, (Option<u64>, Option<u64>)> {
    let mut models = BTreeMap::<&str, (Option<u64>, Option<u64>)>::new();
    for (model, budget) in &terms.budget.model_max_budget {
        if budget.rpm_limit.is_some() || budget.tpm_limit.is_some() {
            models.insert(model, (budget.rpm_limit, budget.tpm_limit));
        }
    }
    for (model, limit) in &terms.limits.model_rpm_limit {
        models.entry(model).or_default().0 = Some(*limit);
    }
    for (model, limit) in &terms.limits.model_tpm_limit {
        models.entry(model).or_default().1 = Some(*limit);
    }
    models
}

/// The budgets of an identity, which know what the database says was spent.
fn budgets(meter: &Meter, terms: &Terms<'_>, now: Timestamp, seconds: u64) -> Vec<Budget> {
    let mut budgets = Vec::new();
    let of = terms.budget;
    if of.max_budget.is_some() || of.soft_budget.is_some() {
        let cap = of.max_budget.unwrap_or(Money::from_billionths(i64::MAX));
        let mut budget = Budget::new(meter, "max_budget", cap)
            .with_period(of.budget_duration)
            .with_soft_limit(of.soft_budget);
        if let Some((more, until)) = terms.metadata.and_then(increase).filter(|(_, until)| *until > now) {
            let until = u64::try_from(until.millis() / 1_000).unwrap_or(u64::MAX);
            budget = budget.with_increase(more, until, seconds);
        }
        budget.learn(terms.spent.now(of, now), seconds, seconds);
        budgets.push(budget);
    }
    for window in &of.budget_limits {
        if let (Some(cap), Some(period)) = (window.max_budget, window.budget_duration) {
            let name = format!("window {period}");
            budgets.push(Budget::new(meter, &name, cap).with_period(Some(period)));
        }
    }
    for (model, budget) in &of.model_max_budget {
        if let Some(cap) = budget.budget_limit {
            let name = format!("model {model}");
            budgets.push(Budget::new(meter, &name, cap).with_period(budget.time_period).with_model(model));
        }
    }
    budgets
}

/// A temporary increase of a budget, which LiteLLM keeps in the metadata.
fn increase(metadata: &Map<String, Value>) -> Option<(Money, Timestamp)> {
    let amount = match metadata.get("temp_budget_increase")? {
        Value::String(text) => text.parse().ok()?,
        Value::Number(number) => number.to_string().parse().ok()?,
        _ => return None,
    };
    Some((amount, metadata.get("temp_budget_expiry")?.as_str()?.parse().ok()?))
}
