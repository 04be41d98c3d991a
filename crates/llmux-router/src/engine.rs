//! The engine: a model group's deployments one after the other, then other groups.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use llmux_core::{Call, Error, ErrorKind, Retry, Timeouts, Transport};

use crate::{
    ask::{Answer, Ask, Opened, Refusal},
    attempt::attempt,
    deployment::Deployment,
    filter::affinity::Keys,
    group::{Group, Member, Shared},
    hedge::Lost,
    line,
    mask::Mask,
    media,
    pattern::Pattern,
    pick::Choice,
    retry::{Decision, Failed},
    state::{Gate, Permit},
    table::{Listing, Parts, Table},
    upload::Upload,
    visit::Visit,
};

/// The engine; see [`RouterBuilder`](crate::RouterBuilder).
pub struct Router {
    pub(crate) table: ArcSwap<Table>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) transport: Arc<dyn Transport>,
    /// What the table was made of, for changes while requests run.
    pub(crate) parts: Mutex<Parts>,
}

/// A request at a group.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    pub(crate) choice: Choice<'a>,
    /// The model that is asked for, aliases followed.
    pub(crate) name: &'a str,
}

impl Router {
    /// Finds a deployment that answers.
    ///
    /// # Errors
    /// When the model is unknown, the request is at fault, or every attempt failed.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let table = self.table.load_full();
        if self.shared.policy.retry.budget.is_some() {
            self.shared.state.retries.request(self.shared.state.now());
        }
        let name = self.known_name(&table, ask.model);
        let group = table.resolve(name)?;
        let mock = ask.directions.and_then(|directions| directions.mock);
        let served = match mock {
            Some(mock) => Err(mock.error(name).into()),
            None => self.serve(group, name, ask).await,
        };
        match served {
            Ok(answer) => Ok(answer),
            Err(refusal) => Box::pin(self.fall_back(&table, ask, name, refusal)).await,
        }
    }

    /// The model that is asked for, aliases followed. An unknown one gives way to the first default fallback.
    pub(crate) fn known_name<'a>(&'a self, table: &'a Table, model: &'a str) -> &'a str {
        let name = table.real_name(model);
        if table.find(name).is_some() {
            return name;
        }
        let defaults = self.shared.policy.fallbacks.general.star();
        let default = defaults.iter().map(|fallback| table.real_name(&fallback.model));
        default.into_iter().find(|name| table.find(name).is_some()).unwrap_or(name)
    }

    /// The models that clients can ask for, in the order of the configuration.
    #[must_use]
    pub fn models(&self) -> Vec<Listing> {
        self.table.load().listings().to_vec()
    }

    /// Whether a request for this model would find a deployment.
    #[must_use]
    pub fn knows(&self, model: &str) -> bool {
        self.table.load().find(model).is_some()
    }

    /// Whether a deployment is one of those that answer for a model, and can be asked for by its id instead: one
    /// whose name is a pattern cannot, since its id says nothing of the model that is meant.
    #[must_use]
    pub fn serves(&self, model: &str, deployment: &str) -> bool {
        let table = self.table.load();
        let group = table.find(model).filter(|group| !Pattern::is_pattern(&group.name));
        group.is_some_and(|group| {
            group.members.iter().any(|member| member.deployment.id().as_str() == deployment)
        })
    }

    /// Whether a deployment of this model must know all fields of a form before anything of it goes out.
    #[must_use]
    pub fn reads_forms(&self, model: &str) -> bool {
        let table = self.table.load();
        let group = table.find(table.real_name(model));
        group.is_some_and(|group| {
            group.members.iter().any(|member| member.deployment.provider().reads_forms())
        })
    }

    /// Every deployment, in no particular order.
    #[must_use]
    pub fn deployments(&self) -> Vec<Arc<Deployment>> {
        self.table.load().members().map(|member| Arc::clone(&member.deployment)).collect()
    }

    /// Asks the deployments of one group.
    pub(crate) async fn serve(&self, group: &Group, name: &str, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let keys = Keys::of(group, &self.shared, ask);
        let choice = Choice { group, shared: &self.shared, ask, keys: keys.as_ref() };
        let stop = Stop { choice, name };
        let mut place = self.place(&group.state.gate, choice, self.patience(ask, None)).await?;
        let mut run = Run::default();
        loop {
            let (at, member) = match choice.secure(&run.tried).await {
                Ok(chosen) => chosen,
                Err(none) => match run.last.take() {
                    Some(last) => return Err(last),
                    None => line::wait(choice, &run.tried, none).await?,
                },
            };
            run.wanted = run.wanted.or(ask.overrides.retries).or(member.deployment.settings().num_retries);
            let tried = &run.tried;
            let lost = match self.visit_or_hedge(stop, (at, member), &mut place, tried).await {
                Ok((member, opened)) => return Ok(self.answer(opened, &member, &run)),
                Err(lost) => lost,
            };
            let Lost { at, member, error, beside } = lost;
            if let Some(beside) = beside {
                run.tried.add(beside);
            }
            let decision = self.after_failure(stop, &mut run, at, &member, &error);
            tracing::debug!(
                deployment = %member.deployment.id(), attempt = run.attempts, error = %error, ?decision,
                "attempt failed"
            );
            run.last = Some(run.refusal(error, &member, self.shared.policy.retry.retries));
            match decision {
                Decision::Stop => return Err(run.last.take().unwrap_or_else(|| internal().into())),
                Decision::Elsewhere => {}
                Decision::After(pause) => {
                    tokio::time::sleep(pause).await;
                    run.tried.clone_from(&run.refused);
                }
            }
            run.attempts += 1;
            run.at_level += 1;
        }
    }

    fn after_failure(
        &self,
        stop: Stop<'_>,
        run: &mut Run,
        at: usize,
        member: &Member,
        error: &Error,
    ) -> Decision {
        run.tried.add(at);
        if error.retry() != Retry::Anywhere {
            run.refused.add(at);
        }
        let Choice { group, shared, ask, .. } = stop.choice;
        // What has gone out of a form cannot be sent a second time.
        if ask.upload.is_some_and(Upload::is_spent) {
            return Decision::Stop;
        }
        let policy = &shared.policy;
        let typed = policy.fallbacks.has_own(error);
        let failed = Failed {
            error,
            group: &group.name,
            attempt: run.at_level,
            wanted: run.wanted,
            untried: stop.choice.has_untried(&run.tried),
            fallbacks: self.has_fallback(ask, error, stop.name),
            own_fallback: typed,
        };
        let decision = policy.retry.decide(&failed, shared.state.random());
        let levels = group.looks.order || member.priority.is_some();
        let decision = match decision {
            // The next level has its turn when this one has used up its attempts.
            Decision::Stop if levels && failed.untried && !typed && error.is_retryable() => {
                run.at_level = 0;
                Decision::Elsewhere
            }
            other => other,
        };
        let allowed = policy
            .retry
            .budget
            .is_none_or(|budget| shared.state.retries.retry(shared.state.now(), budget.share, budget.least));
        if decision == Decision::Stop || allowed { decision } else { Decision::Stop }
    }

    /// Waits for a place at a deployment and asks it.
    pub(crate) async fn visit(
        &self,
        stop: Stop<'_>,
        member: &Arc<Member>,
        place: Permit,
    ) -> Result<Opened, (Error, Permit)> {
        let Choice { ask, shared, keys, .. } = stop.choice;
        let reserved = stop.choice.claim(member).map(|claim| (claim, shared.state.now()));
        let patience = self.patience(ask, Some(&member.deployment));
        let own = match self.place(&member.state.gate, stop.choice, patience).await {
            Ok(own) => own,
            Err(full) => return Err((full, place)),
        };
        let mut visit = Visit::begin(Arc::clone(member), ask, own, reserved);
        match self.attempt(&member.deployment, ask, stop.name).await {
            Ok(opened) => {
                visit.keep(place);
                Ok(visit.opened(opened, keys))
            }
            Err(error) => {
                visit.failed(&error, ask);
                Err((error, place))
            }
        }
    }

    async fn place(
        &self,
        gate: &Gate,
        choice: Choice<'_>,
        patience: Option<Duration>,
    ) -> Result<Permit, Error> {
        gate.enter(choice.urgency(), self.shared.policy.max_queued_requests, patience).await
    }

    /// How long a request waits for a place: as long as it may take in all.
    fn patience(&self, ask: &Ask<'_>, deployment: Option<&Deployment>) -> Option<Duration> {
        match deployment {
            Some(deployment) => self.timeouts(ask, deployment).total,
            None => ask.overrides.timeouts.or(self.shared.policy.timeouts).total,
        }
    }

    async fn attempt(
        &self,
        deployment: &Deployment,
        ask: &Ask<'_>,
        requested: &str,
    ) -> Result<Opened, Error> {
        let model = deployment.model_for(requested);
        let call = Call::new(ask.operation, ask.dialect, &model, ask.body, ask.envelope, ask.headers)
            .with_stream(ask.stream)
            .with_created(ask.created)
            .with_drop_params(ask.overrides.drop_params)
            .with_form(ask.upload.is_some());
        let inlined = match &self.shared.policy.media {
            Some(source) if deployment.provider().wants_media(&call) => {
                Box::pin(media::inlined(&**source, &call)).await?
            }
            _ => None,
        };
        let call = inlined.as_ref().map_or(call, |inlined| inlined.call(&call));
        let timeouts = self.timeouts(ask, deployment);
        let (transport, most) = (&*self.transport, self.shared.policy.max_answer);
        attempt(deployment, &call, ask.forwarded, ask.upload, transport, timeouts, most).await
    }

    fn answer(&self, opened: Opened, member: &Member, run: &Run) -> Answer {
        let Opened { status, headers, body, dropped } = opened;
        Answer {
            status,
            headers,
            body,
            deployment: Arc::clone(&member.deployment),
            retries: run.attempts,
            max_retries: run.wanted.unwrap_or(self.shared.policy.retry.retries),
            fallbacks: 0,
            dropped,
        }
    }

    fn timeouts(&self, ask: &Ask<'_>, deployment: &Deployment) -> Timeouts {
        let (settings, policy) = (deployment.settings(), &self.shared.policy);
        let of_tier = settings.tier_timeouts.as_deref();
        let of_tier = of_tier.map_or_else(Timeouts::default, |tiers| tiers.of(ask));
        let asked = ask.overrides.timeouts.or(of_tier);
        if ask.stream {
            let own = settings.stream_timeouts.or(settings.timeouts);
            asked.or(own).or(policy.stream_timeouts).or(policy.timeouts)
        } else {
            asked.or(settings.timeouts).or(policy.timeouts)
        }
    }
}

fn internal() -> Error {
    Error::new(ErrorKind::Internal, "a failed attempt left no error")
}

/// What a request has behind it in a group.
#[derive(Default)]
struct Run {
    tried: Mask,
    /// Those among them that would refuse again.
    refused: Mask,
    attempts: u32,
    /// Attempts since the present order or priority had its turn.
    at_level: u32,
    wanted: Option<u32>,
    last: Option<Refusal>,
}

impl Run {
    fn refusal(&self, error: Error, member: &Member, retries: u32) -> Refusal {
        Refusal {
            error,
            deployment: Some(Arc::clone(&member.deployment)),
            retries: self.attempts,
            max_retries: self.wanted.unwrap_or(retries),
            fallbacks: 0,
        }
    }
}
