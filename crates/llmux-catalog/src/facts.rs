//! What is known of one model.

use std::borrow::Cow;

use llmux_core::{Capability, Money};
use serde_json::{Map, Value};

use crate::{
    capability::{self, Capabilities},
    rates::Rates,
    unit::{Key, Unit},
};

/// What is known of one model. Everything may be missing: nothing said is not the same as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The name in LiteLLM's price map, such as `azure/gpt-4o` or `claude-sonnet-4-5`.
    pub name: Cow<'static, str>,
    /// The provider, by the name before the slash of a deployment's model; empty when nobody said.
    pub provider: Cow<'static, str>,
    /// The provider as LiteLLM's price map has it, such as `vertex_ai-language-models`.
    pub label: Cow<'static, str>,
    /// What the model is for: `chat`, `embedding`, `image_generation` …
    pub mode: Option<Cow<'static, str>>,
    /// Most tokens that a prompt may have.
    pub max_input_tokens: Option<u64>,
    /// Most tokens that an answer may have.
    pub max_output_tokens: Option<u64>,
    /// Numbers in a vector that the model makes.
    pub vector_size: Option<u64>,
    /// Prices.
    pub rates: Rates,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The paths that serve it, such as `/v1/chat/completions`.
    pub endpoints: Vec<Cow<'static, str>>,
    /// The day from which the provider serves it no more, as `2026-12-01`.
    pub retires: Option<Cow<'static, str>>,
}

/// A fact that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFact {
    /// LiteLLM's key.
    pub key: String,
    /// What it should have been.
    pub expected: &'static str,
}

impl std::fmt::Display for WrongFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` must be {}", self.key, self.expected)
    }
}

impl std::error::Error for WrongFact {}

const A_PRICE: &str = "a price of zero or more, in US dollars";
const A_COUNT: &str = "a whole number";

impl Facts {
    /// Takes one of LiteLLM's keys, as it stands in a price map or in `model_info`. Returns whether it is a fact that
    /// is known here; any other is left alone.
    ///
    /// # Errors
    /// When the value cannot be what the key says.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<bool, WrongFact> {
        if value.is_null() {
            return Ok(false);
        }
        let wrong = |expected| WrongFact { key: key.to_owned(), expected };
        if let Some(price) = Key::from_litellm(key) {
            self.rates.set(price, self::price(value).ok_or_else(|| wrong(A_PRICE))?);
            return Ok(true);
        }
        if let Some(capability) = capability::from_litellm(key) {
            let there = value.as_bool().ok_or_else(|| wrong("true or false"))?;
            self.capabilities.set(capability, there);
            return Ok(true);
        }
        let count = || count(value).ok_or_else(|| wrong(A_COUNT));
        let text = || value.as_str().map(|text| Cow::Owned(text.to_owned())).ok_or_else(|| wrong("a text"));
        match key {
            "max_input_tokens" => self.max_input_tokens = Some(count()?),
            "max_output_tokens" => self.max_output_tokens = Some(count()?),
            // The old field, which means the prompt or the answer: it counts where neither is told apart.
            "max_tokens" => self.max_input_tokens = self.max_input_tokens.or(Some(count()?)),
            "output_vector_size" => self.vector_size = Some(count()?),
            "mode" => self.mode = Some(text()?),
            "deprecation_date" => self.retires = Some(text()?),
            "litellm_provider" => self.label = text()?,
            "supported_endpoints" => {
                let texts = value.as_array().ok_or_else(|| wrong("a list of texts"))?;
                self.endpoints =
                    texts.iter().filter_map(Value::as_str).map(|text| Cow::Owned(text.to_owned())).collect();
            }
            "search_context_cost_per_query" => {
                for (size, value) in value.as_object().ok_or_else(|| wrong("a mapping of sizes to prices"))? {
                    self.set(size, value)?;
                }
            }
            "tiered_pricing" => return self.set_tiers(value).map(|()| true),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Prices by ranges of the prompt's length: `[{range: [0, 32000], input_cost_per_token: …}, …]`.
    fn set_tiers(&mut self, value: &Value) -> Result<(), WrongFact> {
        let wrong = || WrongFact {
            key: "tiered_pricing".to_owned(),
            expected: "a list of mappings with `range: [from, to]` and prices",
        };
        for tier in value.as_array().ok_or_else(wrong)? {
            let tier = tier.as_object().ok_or_else(wrong)?;
            let from = tier.get("range").and_then(|range| count(range.get(0)?)).ok_or_else(wrong)?;
            for (key, value) in tier {
                if let Some(price) = Key::from_litellm(key) {
                    self.rates.set(price.above(from), self::price(value).ok_or_else(wrong)?);
                }
            }
        }
        Ok(())
    }

    /// Puts what was set by hand in place of what is known.
    pub fn replace(&mut self, by: &Self) {
        self.rates.replace(&by.rates);
        self.capabilities.replace(by.capabilities);
        let texts = [(&mut self.mode, &by.mode), (&mut self.retires, &by.retires)];
        for (mine, theirs) in texts {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        self.max_input_tokens = by.max_input_tokens.or(self.max_input_tokens);
        self.max_output_tokens = by.max_output_tokens.or(self.max_output_tokens);
        self.vector_size = by.vector_size.or(self.vector_size);
        if !by.endpoints.is_empty() {
            self.endpoints.clone_from(&by.endpoints);
        }
        if !by.label.is_empty() {
            self.label.clone_from(&by.label);
        }
    }

    /// Whether the model can do something; `None` when nobody said.
    #[must_use]
    pub fn supports(&self, capability: Capability) -> Option<bool> {
        self.capabilities.get(capability)
    }

    /// Whether nothing at all is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { name: self.name.clone(), provider: self.provider.clone(), ..Self::default() }
    }

    /// The facts under LiteLLM's keys. Those that clients read without asking whether they are there are always
    /// there, if need be as null.
    #[must_use]
    pub fn to_litellm(&self) -> Map<String, Value> {
        let text = |text: &Cow<'static, str>| (!text.is_empty()).then(|| Value::from(text.as_ref()));
        let mut out = Map::new();
        out.insert("key".into(), text(&self.name).unwrap_or_default());
        out.insert("max_tokens".into(), self.max_output_tokens.or(self.max_input_tokens).into());
        out.insert("max_input_tokens".into(), self.max_input_tokens.into());
        out.insert("max_output_tokens".into(), self.max_output_tokens.into());
        for unit in [Unit::Input, Unit::Output] {
            let key = Key::of(unit);
            out.insert(key.to_litellm(), self.rates.get(key).map(Money::to_f64).into());
        }
        let mut searches = Map::new();
        for (key, price) in self.rates.iter() {
            let to = match key.unit {
                Unit::SearchLow | Unit::SearchMedium | Unit::SearchHigh => &mut searches,
                _ => &mut out,
            };
            to.insert(key.to_litellm(), price.to_f64().into());
        }
        if !searches.is_empty() {
            out.insert("search_context_cost_per_query".into(), searches.into());
        }
        out.insert("output_vector_size".into(), self.vector_size.into());
        out.insert("litellm_provider".into(), text(&self.label).or(text(&self.provider)).unwrap_or_default());
        out.insert("mode".into(), self.mode.as_deref().into());
        for (key, known) in self.capabilities.all() {
            out.insert(key.into(), known.into());
        }
        if !self.endpoints.is_empty() {
            out.insert("supported_endpoints".into(), self.endpoints.iter().map(AsRef::as_ref).collect());
        }
        if let Some(day) = &self.retires {
            out.insert("deprecation_date".into(), day.as_ref().into());
        }
        out
    }
}

/// A price: a number, or a text with one.
fn price(value: &Value) -> Option<Money> {
    let price: Money = match value {
        // The shortest text that means this number: what was written, up to fifteen digits.
        Value::Number(number) => number.to_string().parse().ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (!price.is_negative()).then_some(price)
}

/// A whole number, also one that is written as `128000.0` or as a text.
fn count(value: &Value) -> Option<u64> {
    let whole =
        |number: f64| (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as u64);
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
