//! Changing a router while requests run, and seeing what it knows.

use std::sync::{Arc, PoisonError};

use llmux_core::{DeploymentId, Error, ErrorKind, Moment, Result};

use crate::{
    ask::Ask,
    cooldown::Cooldown,
    deployment::Deployment,
    engine::Router,
    explain::Explanation,
    filter::affinity::Keys,
    mask::Mask,
    pick::Choice,
    state::RouterState,
    table::{Parts, Table},
};

/// A deployment, and how it does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeploymentStatus {
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// Whether it is paused.
    pub paused: bool,
    /// Why it is left alone, if it is.
    pub cooldown: Option<Arc<Cooldown>>,
    /// How the last health check went, and when.
    pub health: Option<(bool, Moment)>,
    /// Requests that it is working on.
    pub in_flight: u64,
    /// Requests of this minute.
    pub rpm: u64,
    /// Tokens of this minute.
    pub tpm: u64,
    /// Answers and failures of this minute.
    pub outcomes: (u64, u64),
}

impl Router {
    /// Adds a deployment, or puts it in the place of the one with its id, whose counters it keeps. Requests that
    /// run are not touched.
    ///
    /// # Errors
    /// As when the router is built; then nothing changes.
    pub fn upsert(&self, deployment: Deployment) -> Result<()> {
        self.change(|parts| {
            let new = Arc::new(deployment);
            match parts.deployments.iter_mut().find(|known| known.id() == new.id()) {
                Some(known) => *known = new,
                None => parts.deployments.push(new),
            }
            Ok(())
        })
    }

    /// Removes a deployment; requests that it is working on run to their end.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn remove(&self, id: &DeploymentId) -> Result<()> {
        self.change(|parts| {
            let before = parts.deployments.len();
            parts.deployments.retain(|known| known.id() != id);
            if parts.deployments.len() == before { Err(unknown(id)) } else { Ok(()) }
        })
    }

    /// Pauses a deployment, or ends the pause. Requests that it is working on run to their end.
    ///
    /// # Errors
    /// When there is none with this id.
    pub fn set_paused(&self, id: &DeploymentId, paused: bool) -> Result<()> {
        let table = self.table.load();
        let member =
            table.members().find(|member| member.deployment.id() == id).ok_or_else(|| unknown(id))?;
        member.state.set_paused(paused);
        Ok(())
    }

    /// Whether a deployment is paused; `false` if there is none with this id.
    #[must_use]
    pub fn is_paused(&self, id: &DeploymentId) -> bool {
        let table = self.table.load();
        let mut found = table.members().filter(|member| member.deployment.id() == id);
        found.next().is_some_and(|member| member.deployment.settings().blocked || member.state.is_paused())
    }

    fn change(&self, change: impl FnOnce(&mut Parts) -> Result<()>) -> Result<()> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = parts.clone();
        change(&mut new)?;
        let table = Table::new(&new, &self.shared)?;
        *parts = new;
        self.table.store(Arc::new(table));
        self.shared.state.forget_unused();
        Ok(())
    }

    /// How every deployment does, sorted by id.
    #[must_use]
    pub fn status(&self) -> Vec<DeploymentStatus> {
        let (table, now) = (self.table.load(), self.shared.state.now());
        let status = table.members().map(|member| {
            let state = &member.state;
            DeploymentStatus {
                deployment: Arc::clone(&member.deployment),
                paused: member.deployment.settings().blocked || state.is_paused(),
                cooldown: state.cooldown(now),
                health: state.health(),
                in_flight: state.stats.in_flight(),
                rpm: state.stats.requests().count(now),
                tpm: state.stats.tokens().count(now),
                outcomes: state.outcomes(now),
            }
        });
        let mut all: Vec<_> = status.collect();
        all.sort_by(|a, b| a.deployment.id().cmp(b.deployment.id()));
        all
    }

    /// What the router remembers: to build another one with.
    #[must_use]
    pub fn state(&self) -> &Arc<RouterState> {
        &self.shared.state
    }

    /// Chooses a deployment for a request that the caller sends himself, and counts the request at it. No fallback is
    /// taken, and nothing is waited for.
    ///
    /// # Errors
    /// When the model is unknown, or nobody may serve the request.
    pub fn pick(&self, ask: &Ask<'_>) -> Result<Arc<Deployment>> {
        let table = self.table.load();
        let group = table.resolve(table.real_name(ask.model))?;
        let keys = Keys::of(group, &self.shared, ask);
        let choice = Choice { group, shared: &self.shared, ask, keys: keys.as_ref() };
        let (_, member) = choice.make(&Mask::default())?;
        Ok(Arc::clone(&member.deployment))
    }

    /// How a deployment would be chosen for a request now. Nothing is asked and nothing is counted.
    ///
    /// # Errors
    /// When the model is unknown.
    pub fn explain(&self, ask: &Ask<'_>) -> Result<Explanation> {
        let table = self.table.load();
        let name = self.known_name(&table, ask.model);
        let group = table.resolve(name)?;
        let keys = Keys::of(group, &self.shared, ask);
        let choice = Choice { group, shared: &self.shared, ask, keys: keys.as_ref() };
        let mut explanation = choice.explain();
        let failed = Error::upstream(ErrorKind::ProviderFault, "");
        if ask.directions.is_none_or(|directions| !directions.disable_fallbacks) {
            let lists = self.lists(ask);
            explanation.fallbacks =
                lists.after(&failed, name).iter().map(|fallback| fallback.model.clone()).collect();
        }
        Ok(explanation)
    }
}

fn unknown(id: &DeploymentId) -> Error {
    Error::client(ErrorKind::NotFound, format!("there is no deployment with the id `{id}`"))
        .with_code("model_not_found")
}
