//! Teams, users, organizations, end customers and shared budgets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BudgetTerms, Limits, MemberRole, Role, Spent, Timestamp};

/// The kinds of identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entity {
    /// [`VirtualKey`](super::VirtualKey), by its hash.
    Key,
    /// [`Team`]
    Team,
    /// [`TeamMember`] with spend of their own, by `team_id`, a line feed, `user_id`.
    Member,
    /// [`User`]
    User,
    /// [`Organization`]
    Organization,
    /// [`EndUser`]
    EndUser,
    /// [`Budget`]
    Budget,
}

impl Entity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::Member => "member",
            Self::User => "user",
            Self::Organization => "organization",
            Self::EndUser => "end_user",
            Self::Budget => "budget",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Key, Self::Team, Self::Member, Self::User, Self::Organization, Self::EndUser, Self::Budget]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// People who share keys, models and a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Team {
    /// What it is found by.
    pub team_id: String,
    /// A name of the operator's choice.
    pub team_alias: Option<String>,
    /// The organization that it belongs to.
    pub organization_id: Option<String>,
    /// A budget that it shares the terms of.
    pub budget_id: Option<String>,
    /// Whether its keys are refused for now.
    pub blocked: bool,
    /// Models its keys may ask for; all where there are none.
    pub models: Vec<String>,
    /// Models that stand for the names that clients use.
    pub model_aliases: BTreeMap<String, String>,
    /// Who belongs to it.
    pub members_with_roles: Vec<TeamMember>,
    /// Routes that plain members may use to manage the team's keys.
    pub team_member_permissions: Vec<String>,
    /// What every request of its keys is marked with.
    pub tags: Vec<String>,
    /// What the operator noted, and LiteLLM's settings that live there.
    pub metadata: Map<String, Value>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Team {
    /// A team without members and limits.
    #[must_use]
    pub fn new(team_id: impl Into<String>) -> Self {
        Self { team_id: team_id.into(), ..Self::default() }
    }

    /// What it knows of a member.
    #[must_use]
    pub fn member(&self, user_id: &str) -> Option<&TeamMember> {
        self.members_with_roles.iter().find(|member| member.user_id.as_deref() == Some(user_id))
    }
}

/// A user's place in a team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TeamMember {
    /// The user.
    pub user_id: Option<String>,
    /// The user's address, where that is all that is known.
    pub user_email: Option<String>,
    /// What the user may do in the team.
    pub role: MemberRole,
}

/// What a member may use and spend within a team, and has spent there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Membership {
    /// The team.
    pub team_id: String,
    /// The user.
    pub user_id: String,
    /// Models that the member may ask for; those of the team where there are none.
    pub allowed_models: Vec<String>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Membership {
    /// A membership without limits.
    #[must_use]
    pub fn new(team_id: impl Into<String>, user_id: impl Into<String>) -> Self {
        Self { team_id: team_id.into(), user_id: user_id.into(), ..Self::default() }
    }
}

/// Somebody of one's own, who has keys and belongs to teams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct User {
    /// What they are found by.
    pub user_id: String,
    /// A name of the operator's choice.
    pub user_alias: Option<String>,
    /// Their address.
    pub user_email: Option<String>,
    /// What they may do.
    pub user_role: Option<Role>,
    /// What the sign-on service calls them.
    pub sso_user_id: Option<String>,
    /// The organization that they belong to.
    pub organization_id: Option<String>,
    /// Teams that they belong to.
    pub teams: Vec<String>,
    /// Models their own keys may ask for; all where there are none.
    pub models: Vec<String>,
    /// What the operator noted, and LiteLLM's settings that live there.
    pub metadata: Map<String, Value>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A customer of the operator's who has teams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Organization {
    /// What it is found by.
    pub organization_id: String,
    /// A name of the operator's choice.
    pub organization_alias: Option<String>,
    /// A budget that it shares the terms of.
    pub budget_id: Option<String>,
    /// Models that its teams may ask for; all where there are none.
    pub models: Vec<String>,
    /// What the operator noted, and LiteLLM's settings that live there.
    pub metadata: Map<String, Value>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A customer of an application, whom requests name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndUser {
    /// What they are found by.
    pub user_id: String,
    /// A name of the operator's choice.
    pub alias: Option<String>,
    /// Whether their requests are refused for now.
    pub blocked: bool,
    /// Where their requests may be served.
    pub allowed_model_region: Option<String>,
    /// The model they get.
    pub default_model: Option<String>,
    /// Models that they may ask for; all where there are none.
    pub models: Vec<String>,
    /// A budget that they share the terms of.
    pub budget_id: Option<String>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Terms that several identities share; each spends for itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Budget {
    /// What it is found by.
    pub budget_id: String,
    /// Models that may be asked for; all where there are none.
    pub allowed_models: Vec<String>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Budget {
    /// Fills what an identity that shares these terms has not set itself.
    pub fn fill(&self, limits: &mut Limits, terms: &mut BudgetTerms) {
        let (of, to) = (&self.limits, limits);
        to.rpm_limit = to.rpm_limit.or(of.rpm_limit);
        to.tpm_limit = to.tpm_limit.or(of.tpm_limit);
        to.tpd_limit = to.tpd_limit.or(of.tpd_limit);
        to.max_parallel_requests = to.max_parallel_requests.or(of.max_parallel_requests);
        terms.max_budget = terms.max_budget.or(self.budget.max_budget);
        terms.soft_budget = terms.soft_budget.or(self.budget.soft_budget);
        terms.budget_duration = terms.budget_duration.or(self.budget.budget_duration);
        for (model, budget) in &self.budget.model_max_budget {
            terms.model_max_budget.entry(model.clone()).or_insert_with(|| budget.clone());
        }
    }
}
