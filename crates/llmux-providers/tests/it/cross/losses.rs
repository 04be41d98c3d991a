//! What dialects cannot carry, each stated once, and the judge who goes by it.

mod table;

use std::collections::BTreeMap;

use self::table::LOSSES;

/// What becomes of a feature where it cannot be carried as it is. Later ones weigh more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It arrives; something beside it is added or written in another way.
    Whole,
    /// It arrives in another form, or in part.
    Changed,
    /// It does not arrive, and nothing but the answer's quality depends on it.
    LeftOut,
    /// The client is told that the provider does not have it.
    Refused,
    /// The client's dialect, or that of the answering provider, has no word for it.
    Unsaid,
}

/// What a dialect cannot carry.
pub(super) struct Loss {
    /// Clients and providers whose dialect it is: `name`, or only `name client` or `name provider`.
    pub(super) of: &'static [&'static str],
    /// The features that are concerned; none for all of them.
    pub(super) features: &'static [&'static str],
    /// What the complaint about it contains.
    pub(super) says: &'static [&'static str],
    pub(super) fate: Fate,
    pub(super) reason: &'static str,
}

/// One step of a feature between a client and a provider, with what is wrong about it.
#[derive(Debug)]
pub(super) struct Step {
    client: &'static str,
    provider: &'static str,
    pub(super) feature: &'static str,
    /// The side whose dialect is read or written: `name client` or `name provider`.
    side: String,
    /// Whether the two speak alike.
    passed: bool,
    /// Whether a side that says nothing has no word for it, rather than being kept from it.
    speaks: bool,
    complaints: Vec<String>,
}

impl Step {
    /// Notes what differs. The places in lists are of no interest.
    pub(super) fn complain(&mut self, complaints: impl IntoIterator<Item = String>) {
        self.complaints.extend(complaints);
    }
}

/// Hears of every step.
#[derive(Default)]
pub(super) struct Judge {
    steps: Vec<Step>,
}

/// What became of each feature: by client, feature and provider.
pub(super) type Verdict = BTreeMap<(&'static str, &'static str, &'static str), Outcome>;

/// What became of a feature between a client and a provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) fate: Fate,
    pub(super) passed: bool,
    /// The number of the row of the table that says most about it.
    pub(super) row: Option<usize>,
}

impl Judge {
    fn step(&mut self, step: Step) -> &mut Step {
        self.steps.push(step);
        self.steps.last_mut().unwrap()
    }

    /// A client puts its request into words.
    pub(super) fn client(
        &mut self,
        client: &'static str,
        provider: &'static str,
        feature: &'static str,
    ) -> &mut Step {
        let side = format!("{client} client");
        self.step(Step {
            client,
            provider,
            feature,
            side,
            passed: false,
            speaks: true,
            complaints: Vec::new(),
        })
    }

    /// A provider gets the request.
    pub(super) fn provider(
        &mut self,
        client: &'static str,
        provider: &'static str,
        feature: &'static str,
        passed: bool,
    ) -> &mut Step {
        let side = format!("{provider} provider");
        self.step(Step { client, provider, feature, side, passed, speaks: false, complaints: Vec::new() })
    }

    /// A provider puts its answer into words.
    pub(super) fn answering(
        &mut self,
        client: &'static str,
        provider: &'static str,
        feature: &'static str,
    ) -> &mut Step {
        let own = [("responses", "openai"), ("anthropic", "bedrock")].contains(&(client, provider));
        let side = format!("{} provider", if own { client } else { provider });
        self.step(Step {
            client,
            provider,
            feature,
            side,
            passed: false,
            speaks: true,
            complaints: Vec::new(),
        })
    }

    /// A client gets the answer.
    pub(super) fn hearing(
        &mut self,
        client: &'static str,
        provider: &'static str,
        feature: &'static str,
        passed: bool,
    ) -> &mut Step {
        let side = format!("{client} client");
        self.step(Step { client, provider, feature, side, passed, speaks: false, complaints: Vec::new() })
    }

    /// Holds every complaint against the table, and the table against the complaints.
    pub(super) fn verdict(self) -> Verdict {
        let mut verdict = Verdict::new();
        let mut unexplained = BTreeMap::<String, Vec<&str>>::new();
        let mut needed = Vec::new();
        for step in &self.steps {
            let whole = Outcome { fate: Fate::Whole, passed: false, row: None };
            let outcome = verdict.entry((step.client, step.feature, step.provider)).or_insert(whole);
            outcome.passed |= step.passed;
            for complaint in &step.complaints {
                let Some((row, loss, keys)) = explain(step, complaint) else {
                    let told = format!("{}: {}: {complaint}", step.side, step.feature);
                    unexplained.entry(told).or_default().push(step.client);
                    continue;
                };
                needed.extend(keys.map(|key| (row, key)));
                let lost = loss.fate >= Fate::LeftOut && step.speaks;
                let fate = if lost { Fate::Unsaid } else { loss.fate };
                if fate > outcome.fate {
                    (outcome.fate, outcome.row) = (fate, Some(row));
                }
            }
        }
        let told: Vec<_> = unexplained
            .into_iter()
            .map(|(told, mut clients)| {
                clients.dedup();
                format!("{told} [{}]", clients.join(" "))
            })
            .collect();
        assert!(told.is_empty(), "{} complaints:\n{}", told.len(), told.join("\n"));
        let keys = LOSSES.iter().enumerate().flat_map(|(row, loss)| {
            let keys = loss.of.iter().chain(loss.features).chain(loss.says);
            keys.map(move |key| (row, *key))
        });
        let unused: Vec<_> = keys.filter(|key| !needed.contains(key)).collect();
        assert!(unused.is_empty(), "losses that nothing needs: {unused:#?}");
        verdict
    }
}

/// The row that explains a complaint, with the keys of it that were needed.
fn explain(
    step: &Step,
    complaint: &str,
) -> Option<(usize, &'static Loss, impl Iterator<Item = &'static str>)> {
    let is_of = |of: &&&str| {
        step.side.strip_prefix(**of).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    LOSSES.iter().enumerate().find_map(|(row, loss)| {
        let of = loss.of.iter().find(is_of)?;
        let feature = loss.features.iter().find(|feature| **feature == step.feature);
        let says = loss.says.iter().find(|says| complaint.contains(**says))?;
        (loss.features.is_empty() || feature.is_some())
            .then(|| (row, loss, [Some(*of), feature.copied(), Some(*says)].into_iter().flatten()))
    })
}

/// The reason of a row.
pub(super) fn reason(row: usize) -> &'static str {
    LOSSES[row].reason
}
