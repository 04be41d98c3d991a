//! What is known of the other replicas.

use std::collections::HashMap;

use llmux_core::Moment;

use crate::state::{Figures, RouterState};

/// Replicas that are kept in mind at most: more are no replicas.
const MANY: usize = 10_000;

/// The other replicas, by name, and what this one has told.
#[derive(Debug, Default)]
pub(super) struct Peers {
    others: HashMap<String, Peer>,
    /// What was told last, by deployment.
    pub(super) told: HashMap<String, Told>,
}

/// One other replica.
#[derive(Debug, Default)]
struct Peer {
    heard: u64,
    deployments: HashMap<String, Figures>,
}

/// What was told of a deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) figures: Figures,
    /// How many measurements of each kind had been taken.
    pub(super) samples: [u64; 3],
    /// The end of the cooldown that all have heard of.
    pub(super) cooling: u64,
    /// The moment of the health check that all have heard of.
    pub(super) health: u64,
}

impl Peers {
    pub(super) fn knows(&self, replica: &str) -> bool {
        self.others.contains_key(replica)
    }

    /// Notes that a replica was heard; false if nobody can keep so many in mind.
    pub(super) fn hear(&mut self, replica: &str, now: Moment) -> bool {
        if self.others.len() >= MANY && !self.knows(replica) {
            return false;
        }
        self.others.entry(replica.to_owned()).or_default().heard = now.millis();
        true
    }

    /// Notes what a replica said of a deployment, and gives what all others have said of it.
    pub(super) fn set(&mut self, replica: &str, id: &str, figures: Figures, now: Moment) -> Figures {
        if let Some(peer) = self.others.get_mut(replica) {
            peer.deployments.insert(id.to_owned(), figures);
        }
        self.sum(id, now)
    }

    fn sum(&self, id: &str, now: Moment) -> Figures {
        let minute = now.minute();
        let mut sum = Figures { minute, ..Figures::default() };
        for said in self.others.values().filter_map(|peer| peer.deployments.get(id)) {
            sum.in_flight = sum.in_flight.saturating_add(said.in_flight);
            let counts = sum.counts.iter_mut().zip(said.counts).filter(|_| said.minute == minute);
            counts.for_each(|(sum, said)| *sum = sum.saturating_add(said));
        }
        sum
    }

    /// Takes everybody for heard: while nobody could be, silence means nothing.
    pub(super) fn all_heard(&mut self, now: Moment) {
        self.others.values_mut().for_each(|peer| peer.heard = now.millis());
    }

    /// Other replicas that were heard within so many milliseconds.
    pub(super) fn alive(&self, now: Moment, within: u64) -> u64 {
        let alive = |peer: &&Peer| now.millis().saturating_sub(peer.heard) < within;
        self.others.values().filter(alive).count() as u64
    }

    /// Forgets replicas that were silent for so many milliseconds: nothing is under way at them any more. What they
    /// have counted stays counted while the minute lasts.
    pub(super) fn forget_gone(&mut self, state: &RouterState, now: Moment, after: u64) {
        let silent = |peer: &Peer| now.millis().saturating_sub(peer.heard) >= after;
        let mut changed = Vec::new();
        for peer in self.others.values_mut().filter(|peer| silent(peer)) {
            for (id, figures) in peer.deployments.iter_mut().filter(|(_, figures)| figures.in_flight > 0) {
                figures.in_flight = 0;
                changed.push(id.clone());
            }
            peer.deployments.retain(|_, figures| figures.minute == now.minute());
        }
        self.others.retain(|_, peer| !silent(peer) || !peer.deployments.is_empty());
        if changed.is_empty() {
            return;
        }
        let known: HashMap<_, _> = state.known_deployments().into_iter().collect();
        for id in changed {
            if let Some(deployment) = known.get(id.as_str()) {
                deployment.merge(&self.sum(&id, now), now);
            }
        }
    }
}
