//! What an answer cost, in parts that add up to the total.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Money, money::Share};

/// The class of service that a provider gave a request, where it sells several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceTier {
    /// The ordinary one.
    #[default]
    Standard,
    /// Answered whenever there is room, as part of a batch.
    Batch,
    /// Cheaper and slower.
    Flex,
    /// Dearer and faster.
    Priority,
    /// Between standard and priority, where a host has it.
    Balanced,
    /// The fastest, where a host has it.
    Ultrafast,
}

impl ServiceTier {
    /// Reads a provider's word; words that mean the ordinary service, and unknown ones, are [`Self::Standard`].
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "batch" => Self::Batch,
            "flex" => Self::Flex,
            "priority" | "fast" => Self::Priority,
            "balanced" => Self::Balanced,
            "ultrafast" => Self::Ultrafast,
            _ => Self::Standard,
        }
    }
}

/// How much a provider's web search reads, which decides its price at some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SearchContext {
    /// Little.
    Low,
    /// What providers take when nobody says.
    #[default]
    Medium,
    /// Much.
    High,
}

/// What beside usage decides the price of an answer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Terms<'a> {
    /// The class of service.
    pub service: ServiceTier,
    /// How much web searches read.
    pub search: SearchContext,
    /// How long the exchange took, for hosts that bill their machine's time.
    pub elapsed: Option<Duration>,
    /// The provider's name of the model that was asked for: it decides where a deployment serves several.
    pub requested: Option<&'a str>,
    /// The model that answered, as the provider names it.
    pub answered: Option<&'a str>,
}

impl<'a> Terms<'a> {
    /// Ordinary terms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the class of service.
    #[must_use]
    pub fn with_service(mut self, service: ServiceTier) -> Self {
        self.service = service;
        self
    }

    /// Sets how much web searches read.
    #[must_use]
    pub fn with_search(mut self, search: SearchContext) -> Self {
        self.search = search;
        self
    }

    /// Sets how long the exchange took.
    #[must_use]
    pub fn with_elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// Sets the model that was asked for, and the one that answered.
    #[must_use]
    pub fn with_models(mut self, requested: Option<&'a str>, answered: Option<&'a str>) -> Self {
        (self.requested, self.answered) = (requested, answered);
        self
    }
}

/// What usage cost by a price list, in parts that do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Cost {
    /// What was read for the first time: text, audio, images, pages, queries.
    pub input: Money,
    /// What was read from the provider's cache.
    pub cache_read: Money,
    /// What was written to the provider's cache.
    pub cache_write: Money,
    /// What was answered, but for reasoning.
    pub output: Money,
    /// Reasoning.
    pub reasoning: Money,
    /// Tools that the provider ran, such as web searches.
    pub tools: Money,
    /// The machine's time, and what each request costs whatever is in it.
    pub fixed: Money,
}

impl Cost {
    /// All parts together.
    #[must_use]
    pub fn total(&self) -> Money {
        self.prompt() + self.completion() + self.tools + self.fixed
    }

    /// All that the prompt cost, caches included.
    #[must_use]
    pub fn prompt(&self) -> Money {
        self.input + self.cache_read + self.cache_write
    }

    /// All that the answer cost, reasoning included.
    #[must_use]
    pub fn completion(&self) -> Money {
        self.output + self.reasoning
    }
}

/// What an operator takes off providers' prices, and puts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Margin {
    /// Taken off first, as a share of the cost.
    pub discount: Share,
    /// Put on what is left, as a share of it.
    pub markup: Share,
    /// Put on each request.
    pub fee: Money,
}

impl Margin {
    /// A discount, then a markup, then a fee.
    #[must_use]
    pub fn new(discount: Share, markup: Share, fee: Money) -> Self {
        Self { discount, markup, fee }
    }

    /// Whether the bill is the cost.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The bill for a cost. It is never negative.
    #[must_use]
    pub fn bill(&self, cost: Cost) -> Bill {
        let original = cost.total();
        let discount = original.share(self.discount);
        let reduced = original - discount;
        let margin = reduced.share(self.markup) + self.fee;
        let total = (reduced + margin).max(Money::ZERO);
        Bill { cost, original, discount, margin, total }
    }
}

/// What a request is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Bill {
    /// The cost by the price list, in parts.
    pub cost: Cost,
    /// The cost by the price list, all of it.
    pub original: Money,
    /// What was taken off.
    pub discount: Money,
    /// What was put on.
    pub margin: Money,
    /// What is charged.
    pub total: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_takes_off_first_and_puts_on_then() {
        let cost = Cost { input: "0.6".parse().unwrap(), output: "0.4".parse().unwrap(), ..Cost::default() };
        let margin = Margin::new("0.1".parse().unwrap(), "0.2".parse().unwrap(), "0.01".parse().unwrap());
        let bill = margin.bill(cost);
        assert_eq!(bill.original.to_string(), "1");
        assert_eq!((bill.discount.to_string(), bill.margin.to_string()), ("0.1".into(), "0.19".into()));
        assert_eq!(bill.total.to_string(), "1.09");
        assert_eq!(Margin::default().bill(cost).total, cost.total());
    }

    #[test]
    fn a_bill_is_never_negative() {
        let fee = Margin::new(Share::ZERO, Share::ZERO, "-5".parse().unwrap());
        assert_eq!(fee.bill(Cost::default()).total, Money::ZERO);
    }

    #[test]
    fn providers_words_for_their_service_are_known() {
        assert_eq!(ServiceTier::from_word("fast"), ServiceTier::Priority);
        assert_eq!(ServiceTier::from_word("on_demand"), ServiceTier::Standard);
    }
}
