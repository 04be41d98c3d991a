//! What is known of the model behind one deployment.

use std::{borrow::Cow, sync::Arc};

use llmux_core::{Bill, Capability, Margin, ModelFacts, Terms, Usage};

use crate::{
    catalogue::{Catalogue, Query},
    facts::Facts,
    memo::{Known, Memo},
    unit::{Key, Unit},
};

/// The facts of one deployment, found once: the catalogue's, with what was set by hand in their place.
///
/// Where nothing tells beforehand which model answers (the deployment serves several, or has a name of its own at the
/// provider), the model that is asked for decides, then the one that the provider says has answered.
#[derive(Clone, Debug)]
pub struct DeploymentFacts {
    provider: String,
    found: Option<Facts>,
    custom: Facts,
    margin: Margin,
    catalogue: Arc<Catalogue>,
    memo: Memo,
}

impl DeploymentFacts {
    /// Looks a deployment's model up.
    ///
    /// `base` is another model whose facts these are; `custom` is what was set by hand. Of a deployment that serves
    /// several models, `query.model` holds a `*`.
    #[must_use]
    pub fn new(
        catalogue: &Arc<Catalogue>,
        query: &Query<'_>,
        base: Option<&str>,
        custom: Facts,
        margin: Margin,
    ) -> Self {
        let custom = with_machine_time(custom);
        let found = match base {
            Some(base) => catalogue.find_base(query.provider, base),
            None if query.model.contains('*') => None,
            None => catalogue.find(query),
        };
        let provider = query.provider.to_owned();
        let mut facts =
            Self { provider, found, custom, margin, catalogue: Arc::clone(catalogue), memo: Memo::default() };
        facts.found = facts.found.take().map(|found| facts.completed(found));
        facts
    }

    /// The facts of the model that is asked for or has answered; those set by hand alone when nothing else is known.
    #[must_use]
    pub fn of(&self, requested: Option<&str>, answered: Option<&str>) -> Cow<'_, Facts> {
        if let Some(found) = &self.found {
            return Cow::Borrowed(found);
        }
        for model in [requested, answered].into_iter().flatten() {
            match self.memo.get(model, || self.look_up(model)) {
                Known::Remembered(Some(found)) => return Cow::Borrowed(found),
                Known::Fresh(Some(found)) => return Cow::Owned(*found),
                Known::Remembered(None) | Known::Fresh(None) => {}
            }
        }
        Cow::Borrowed(&self.custom)
    }

    fn look_up(&self, model: &str) -> Option<Facts> {
        let query = match self.provider.as_str() {
            "" => Query::named(model),
            provider => Query::new(provider, model),
        };
        self.catalogue.find(&query).map(|found| self.completed(found))
    }

    /// The facts that were found before any request.
    #[must_use]
    pub fn known(&self) -> &Facts {
        self.found.as_ref().unwrap_or(&self.custom)
    }

    fn completed(&self, mut found: Facts) -> Facts {
        found.replace(&self.custom);
        found
    }
}

/// Prices of seconds of a model that makes text mean the time of the machine: such models are hosted by oneself.
fn with_machine_time(mut custom: Facts) -> Facts {
    let timed = [Unit::InputSecond, Unit::OutputSecond];
    let text = matches!(custom.mode.as_deref(), None | Some("chat" | "completion" | "embedding"));
    if text && timed.iter().any(|unit| custom.rates.get(Key::of(*unit)).is_some()) {
        custom.rates = custom.rates.machine_time(true);
    }
    custom
}

impl ModelFacts for DeploymentFacts {
    fn max_input_tokens(&self, requested: &str) -> Option<u64> {
        self.of(Some(requested), None).max_input_tokens
    }

    fn max_output_tokens(&self, requested: &str) -> Option<u64> {
        self.of(Some(requested), None).max_output_tokens
    }

    fn supports(&self, requested: &str, capability: Capability) -> Option<bool> {
        self.of(Some(requested), None).supports(capability)
    }

    fn bill(&self, usage: &Usage, terms: &Terms<'_>) -> Option<Bill> {
        let facts = self.of(terms.requested, terms.answered);
        (!facts.rates.is_empty()).then(|| self.margin.bill(facts.rates.cost(usage, terms)))
    }
}
