//! What of an identity is a column, and how its document is read.

use llmux_core::{
    Money, Result,
    tenancy::{
        Budget, BudgetTerms, EndUser, Entity, Limits, Membership, Organization, Spent, Team, Timestamp, User,
        VirtualKey,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{Row, any::AnyRow};

use crate::{
    amount,
    connection::{away, unreadable},
};

/// The columns of an identity, as they are read.
pub(crate) const COLUMNS: &str = "document, period_end, spend_nano, spend_part, total_nano, total_part";

/// What identities are found by.
#[derive(Default)]
pub struct Columns<'a> {
    pub(crate) alias: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) team: Option<&'a str>,
    pub(crate) organization: Option<&'a str>,
    pub(crate) budget: Option<&'a str>,
    pub(crate) blocked: bool,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) created: Timestamp,
}

/// One kind of identity that the database keeps.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Its kind.
    const KIND: Entity;

    /// What it is found by.
    fn id(&self) -> String;

    #[doc(hidden)]
    fn columns(&self) -> Columns<'_>;

    /// Its limits and the terms of its budget.
    fn terms(&mut self) -> (&mut Limits, &mut BudgetTerms);

    /// What it has spent, where it spends.
    fn spent(&mut self) -> Option<&mut Spent>;
}

macro_rules! record {
    ($name:ty, $kind:ident, |$it:ident| $id:expr, spends: $spends:tt, {$($column:ident: $value:expr),* $(,)?}) => {
        impl Record for $name {
            const KIND: Entity = Entity::$kind;

            fn id(&self) -> String {
                let $it = self;
                $id
            }

            fn columns(&self) -> Columns<'_> {
                let $it = self;
                let defaults = Columns::default();
                $(let defaults = Columns { $column: $value, ..defaults };)*
                defaults
            }

            fn terms(&mut self) -> (&mut Limits, &mut BudgetTerms) {
                (&mut self.limits, &mut self.budget)
            }

            fn spent(&mut self) -> Option<&mut Spent> {
                record!(@$spends self)
            }
        }
    };
    (@yes $it:ident) => { Some(&mut $it.spent) };
    (@no $it:ident) => { None };
}

record!(VirtualKey, Key, |it| it.hash.to_string(), spends: yes, {
    alias: it.key_alias.as_deref(), user: it.user_id.as_deref(), team: it.team_id.as_deref(),
    organization: it.organization_id.as_deref(), budget: it.budget_id.as_deref(), blocked: it.blocked,
    expires: it.expires, created: it.created_at,
});
record!(Team, Team, |it| it.team_id.clone(), spends: yes, {
    alias: it.team_alias.as_deref(), organization: it.organization_id.as_deref(),
    budget: it.budget_id.as_deref(), blocked: it.blocked, created: it.created_at,
});
record!(User, User, |it| it.user_id.clone(), spends: yes, {
    alias: it.user_email.as_deref(), organization: it.organization_id.as_deref(), created: it.created_at,
});
record!(Organization, Organization, |it| it.organization_id.clone(), spends: yes, {
    alias: it.organization_alias.as_deref(), budget: it.budget_id.as_deref(), created: it.created_at,
});
record!(EndUser, EndUser, |it| it.user_id.clone(), spends: yes, {
    alias: it.alias.as_deref(), budget: it.budget_id.as_deref(), blocked: it.blocked, created: it.created_at,
});
record!(Budget, Budget, |it| it.budget_id.clone(), spends: no, { created: it.created_at });
record!(Membership, Member, |it| member_id(&it.team_id, &it.user_id), spends: yes, {
    user: Some(&it.user_id), team: Some(&it.team_id),
});

/// What a membership is found by.
pub(crate) fn member_id(team: &str, user: &str) -> String {
    format!("{team}\n{user}")
}

/// Fields of documents that are columns.
const OUTSIDE: [&str; 3] = ["spend", "total_spend", "budget_reset_at"];

/// The document of an identity, without what is kept in columns.
pub(crate) fn document<R: Record>(record: &R) -> Result<String> {
    let mut document = serde_json::to_value(record).map_err(unreadable)?;
    if let Value::Object(fields) = &mut document {
        fields.retain(|name, value| !OUTSIDE.contains(&name.as_str()) && !value.is_null());
    }
    Ok(document.to_string())
}

/// What is in the columns of spend.
#[derive(Clone, Copy)]
pub(crate) struct Ledger {
    pub(crate) spend: Money,
    pub(crate) total: Money,
    pub(crate) period_end: Option<i64>,
}

impl Ledger {
    pub(crate) fn read(row: &AnyRow) -> Result<Self> {
        let number = |name: &str| row.try_get::<i64, _>(name).map_err(away);
        Ok(Self {
            spend: amount::join(number("spend_nano")?, number("spend_part")?),
            total: amount::join(number("total_nano")?, number("total_part")?),
            period_end: row.try_get("period_end").map_err(away)?,
        })
    }
}

/// Reads an identity as it is stored, and its spend; what is due of it is for [`settle`] to say.
pub(crate) fn read<R: Record>(row: &AnyRow) -> Result<(R, Ledger)> {
    let document: String = row.try_get("document").map_err(away)?;
    Ok((serde_json::from_str(&document).map_err(unreadable)?, Ledger::read(row)?))
}

/// Says what an identity has spent in the present period, which follows from its terms. Spend of another period, or
/// of before there were periods, is no longer counted.
pub(crate) fn settle<R: Record>(record: &mut R, ledger: Ledger, now: Timestamp) {
    let (_, terms) = record.terms();
    let end = terms.budget_duration.map(|duration| duration.period(now).end);
    terms.budget_reset_at = end;
    let counts = end.is_none() || end.map(Timestamp::millis) == ledger.period_end;
    if let Some(spent) = record.spent() {
        *spent = Spent::new(if counts { ledger.spend } else { Money::ZERO }, ledger.total);
    }
}
