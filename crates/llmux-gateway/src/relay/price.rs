//! What an answer that passed is billed: no deployment made it, so its price follows from the provider and the model.

use std::sync::Arc;

use llmux_core::{Bill, Cost, Margin, ModelFacts, Money, ReplyReport, RequestContext};

use crate::bill::bill_by;

/// How an answer that passes is billed.
#[derive(Clone, Default)]
pub(super) enum Tariff {
    /// Nothing is known of its price.
    #[default]
    Unknown,
    /// By what it consumed.
    Usage {
        /// What is known of the provider's models.
        facts: Arc<dyn ModelFacts>,
        /// The model that the path names.
        model: Option<String>,
    },
    /// The same for every answer.
    Fixed(Money),
}

impl Tariff {
    /// The bill for an answer that is a success; `None` where no price is known.
    pub(super) fn bill(&self, cx: &RequestContext, report: &ReplyReport) -> Option<Bill> {
        match self {
            Self::Unknown => None,
            Self::Usage { facts, model } => {
                bill_by(cx, facts.as_ref(), model.as_deref(), report, cx.received.elapsed())
            }
            Self::Fixed(amount) => {
                let mut cost = Cost::default();
                cost.fixed = *amount;
                Some(Margin::default().bill(cost))
            }
        }
    }

    /// Whether the bill depends on what the answer says of itself.
    pub(super) fn needs_usage(&self) -> bool {
        matches!(self, Self::Usage { .. })
    }
}
