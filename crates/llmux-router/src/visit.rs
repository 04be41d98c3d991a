//! One request at one deployment: counted while it lasts, and accounted for once, however it ends.

use std::{cell::Cell, sync::Arc, time::Duration};

use llmux_core::{Error, ErrorKind, Moment, Origin, ReplyReport, Terms};
use llmux_wire::tap::Ending;

use crate::{
    ask::{AnswerBody, Ask, Opened},
    cooldown::Failure,
    filter::affinity::Keys,
    group::{Member, Shared},
    state::{Claim, Permit},
};

/// Seconds that a timeout counts as: LiteLLM's penalty, more than any answer takes.
const TIMED_OUT: f64 = 1_000.0;

/// A request that a deployment is working on.
pub(crate) struct Visit {
    member: Arc<Member>,
    started: Moment,
    /// Whether the client set the time limit himself.
    impatient: bool,
    /// Tags whose budgets pay.
    tags: Vec<String>,
    /// Tokens that were reserved for it, until it is over.
    reserved: Cell<Option<(Claim, Moment)>>,
    /// Places at the deployment and in the group, taken as long as it lasts.
    places: (Permit, Permit),
}

impl Visit {
    pub(crate) fn begin(
        member: Arc<Member>,
        ask: &Ask<'_>,
        place: Permit,
        reserved: Option<(Claim, Moment)>,
    ) -> Self {
        member.state.stats.enter();
        let paying = !member.shared.tag_budgets.is_empty();
        let tags = ask.directions.filter(|_| paying).map(|directions| directions.tags.clone());
        Self {
            started: member.shared.state.now(),
            impatient: ask.overrides.timeouts.total.is_some(),
            tags: tags.unwrap_or_default(),
            reserved: Cell::new(reserved),
            places: (place, None),
            member,
        }
    }

    /// Keeps the request's place in its group until it is over.
    pub(crate) fn keep(&mut self, place: Permit) {
        self.places.1 = place;
    }

    /// The answer has begun. A whole one is over with that; a stream is accounted for at its end.
    pub(crate) fn opened(self, opened: Opened, keys: Option<&Keys>) -> Opened {
        if let Some(keys) = keys {
            keys.remember(&self.member.shared, self.member.mark);
        }
        let now = self.shared().state.now();
        self.member.state.stats.opening().record(self.seconds(now), now);
        match opened.body {
            AnswerBody::Whole(bytes, report) => {
                self.succeeded(&report, now);
                Opened { body: AnswerBody::Whole(bytes, report), ..opened }
            }
            AnswerBody::Stream(tap) => {
                self.member.state.stats.first_token().record(self.seconds(now), now);
                let tap = tap.watched(Box::new(move |report, ending| self.ended(report, ending)));
                Opened { body: AnswerBody::Stream(Box::new(tap)), ..opened }
            }
            AnswerBody::Bytes(raw) => {
                let raw = raw.watched(Box::new(move |report, ending| self.ended(report, ending)));
                Opened { body: AnswerBody::Bytes(Box::new(raw)), ..opened }
            }
        }
    }

    /// The attempt failed before an answer began.
    pub(crate) fn failed(self, error: &Error, ask: &Ask<'_>) {
        self.fault(error);
        if error.origin() == Origin::Upstream {
            self.lose(ask);
        }
    }

    /// Counts what the attempt would have consumed: as much as others here did on average, or what it claimed.
    fn lose(&self, ask: &Ask<'_>) {
        let (state, now) = (&self.member.state, self.shared().state.now());
        let average = state.stats.tokens().count(now).checked_div(state.successes.count(now));
        let claim = Claim::of(ask);
        let claimed = claim.input.saturating_add(claim.output).max(1);
        state.stats.lost().add(now, average.map_or(claimed, |average| average.max(claimed)));
    }

    /// A stream is over.
    fn ended(self, report: &ReplyReport, ending: &Ending) {
        let broken = |what: &str| Error::upstream(ErrorKind::BadReply, what);
        match ending {
            Ending::Broken(error) => self.broke(report, error),
            Ending::Complete if report.cut_short => self.broke(report, &broken("the stream was cut short")),
            Ending::Complete => match &report.stream_error {
                Some(message) => {
                    self.broke(report, &Error::upstream(ErrorKind::ProviderFault, message.as_str()))
                }
                None => self.succeeded(report, self.shared().state.now()),
            },
            // The client left: no fault of the deployment's, and no proof that it works. What was used is paid.
            _ => self.pay(report, self.shared().state.now()),
        }
    }

    fn broke(self, report: &ReplyReport, error: &Error) {
        self.pay(report, self.shared().state.now());
        self.fault(error);
    }

    fn succeeded(&self, report: &ReplyReport, now: Moment) {
        let state = &self.member.state;
        state.successes.add(now, 1);
        state.cooling.succeeded(now);
        let tokens = report.usage.completion_total();
        let seconds = self.seconds(now);
        state.stats.latency().record(if tokens > 0 { seconds / tokens as f64 } else { seconds }, now);
        self.pay(report, now);
    }

    /// Counts tokens and money.
    fn pay(&self, report: &ReplyReport, now: Moment) {
        let shared = self.shared();
        self.member.state.stats.tokens().add(now, report.usage.total());
        let (input, output) = (report.usage.prompt_total(), report.usage.completion_total());
        self.settle(Claim { input, output }, now);
        if self.member.purses.is_empty() && self.tags.is_empty() {
            return;
        }
        let Some(dollars) = self.cost(report, now) else { return };
        self.member.purses.iter().for_each(|purse| purse.pay(dollars, now));
        let of_tags = self.tags.iter().filter_map(|tag| shared.tag_budgets.get(tag));
        of_tags.for_each(|purse| purse.pay(dollars, now));
    }

    /// Sets right what was reserved, once.
    fn settle(&self, used: Claim, now: Moment) {
        if let Some((claim, since)) = self.reserved.take() {
            self.member.state.split.settle(claim, since, used, now);
        }
    }

    /// US dollars: by what is known of the model, else by the prices of its tokens.
    fn cost(&self, report: &ReplyReport, now: Moment) -> Option<f64> {
        let (usage, deployment) = (&report.usage, &self.member.deployment);
        let settings = deployment.settings();
        if let Some(facts) = &settings.facts {
            let elapsed = Duration::from_millis(now.millis().saturating_sub(self.started.millis()));
            let terms = Terms::new()
                .with_service(report.service)
                .with_elapsed(elapsed)
                .with_models(Some(deployment.model()), report.model.as_deref());
            return facts.bill(usage, &terms).map(|bill| bill.total.to_f64());
        }
        let prices = settings.prices?;
        Some(usage.prompt_total() as f64 * prices.input + usage.completion_total() as f64 * prices.output)
    }

    /// Counts a failure; the deployment may be left alone for a while.
    fn fault(&self, error: &Error) {
        let (member, shared) = (&self.member, self.shared());
        let now = shared.state.now();
        if error.kind() == ErrorKind::Timeout {
            member.state.stats.latency().record(TIMED_OUT, now);
        }
        // A time limit that the gateway kept has no answer with headers.
        let impatient = self.impatient && error.kind() == ErrorKind::Timeout && error.headers().is_none();
        let own = &member.deployment.settings().cooldown;
        let failure = Failure { error, own, peers: member.peers, impatient };
        member.state.cooling.probe_failed();
        if let Some(cooldown) = shared.policy.cooldown.after(&failure, &member.state, now) {
            let milliseconds = cooldown.until.millis().saturating_sub(now.millis());
            tracing::info!(
                deployment = %member.deployment.id(), group = %member.deployment.group(), milliseconds,
                status = cooldown.status, rule = cooldown.rule, reason = cooldown.message.as_str(),
                "deployment left alone"
            );
            member.state.cooling.begin(cooldown);
        }
    }

    fn seconds(&self, now: Moment) -> f64 {
        now.millis().saturating_sub(self.started.millis()) as f64 / 1_000.0
    }

    fn shared(&self) -> &Shared {
        &self.member.shared
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.settle(Claim::default(), self.shared().state.now());
        self.member.state.stats.leave();
    }
}
