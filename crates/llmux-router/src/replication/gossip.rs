//! From what a replica knows to what it says, and back.

use std::collections::HashMap;

use llmux_core::{Moment, stats::Samples};

use super::{
    before,
    peers::{Peers, Told},
    report::{Cooling, DEPLOYMENTS, Health, Line, Report, SAMPLES},
};
use crate::{
    cooldown::Cooldown,
    state::{DeploymentState, Figures, RouterState},
};

/// The rule of a cooldown that another replica began.
const RULE: &str = "another replica's failures";
/// Differences in time, in milliseconds, that come from messages being under way.
const SAME: u64 = 1_000;

/// What there is to say: what has changed since it was said last, or everything.
pub(super) fn news<'a>(
    state: &RouterState,
    peers: &mut Peers,
    replica: &'a str,
    whole: bool,
    now: Moment,
) -> Vec<Report<'a>> {
    let known = state.known_deployments();
    let mut lines = Vec::new();
    for (id, deployment) in &known {
        let told = peers.told.entry(id.as_str().to_owned()).or_default();
        lines.extend(line(id.as_str(), deployment, told, whole, now));
    }
    if whole {
        let ids: std::collections::HashSet<&str> = known.iter().map(|(id, _)| id.as_str()).collect();
        peers.told.retain(|id, _| ids.contains(id.as_str()));
    }
    let mut reports: Vec<_> = lines
        .chunks(DEPLOYMENTS)
        .map(|lines| Report { deployments: lines.to_vec(), ..Report::silence(replica, now) })
        .collect();
    if whole && reports.is_empty() {
        reports.push(Report::silence(replica, now));
    }
    reports
}

/// What there is to say of a deployment, if there is anything.
fn line(id: &str, state: &DeploymentState, told: &mut Told, whole: bool, now: Moment) -> Option<Line> {
    let figures = state.own_figures(now);
    let mut line =
        Line { id: id.to_owned(), in_flight: figures.in_flight, counts: figures.counts, ..Line::default() };
    let mut news = figures.in_flight != told.figures.in_flight
        || (figures.counts != told.figures.counts && figures.counts != [0; 4]);
    told.figures = figures;
    let kinds = [state.stats.latency(), state.stats.first_token(), state.stats.opening()];
    let places = [&mut line.latency, &mut line.first_token, &mut line.opening];
    for ((samples, seen), place) in kinds.into_iter().zip(&mut told.samples).zip(places) {
        *place = measured(samples, seen);
        news |= !place.is_empty();
    }
    let until = state.cooling.until();
    let (cooling, was_cooling) = (until > now.millis(), told.cooling > now.millis());
    if (cooling || was_cooling) && (whole || until != told.cooling) {
        news |= until != told.cooling;
        line.cooldown = Some(cooldown(state, now));
    }
    told.cooling = until;
    if let Some((good, when)) = state.health().filter(|(_, when)| whole || when.millis() != told.health) {
        news |= when.millis() != told.health;
        told.health = when.millis();
        line.health = Some(Health { good, age: now.millis().saturating_sub(when.millis()) });
    }
    let something = line != Line { id: id.to_owned(), ..Line::default() };
    (news || whole && something).then_some(line)
}

/// This replica's own new measurements, oldest first.
fn measured(samples: &Samples, seen: &mut u64) -> Vec<f32> {
    let recorded = samples.recorded();
    let mut new: Vec<f32> = samples.own_since(*seen).take(SAMPLES).map(|value| value as f32).collect();
    new.reverse();
    *seen = recorded;
    new
}

fn cooldown(state: &DeploymentState, now: Moment) -> Cooling {
    state.cooldown(now).map_or_else(Cooling::default, |why| Cooling {
        left: why.until.millis().saturating_sub(now.millis()),
        age: now.millis().saturating_sub(why.since.millis()),
        status: why.status,
        message: why.message.clone(),
    })
}

/// Takes over what another replica says.
pub(super) fn heard(state: &RouterState, peers: &mut Peers, report: &Report<'_>, now: Moment) {
    if !peers.hear(&report.from, now) {
        return;
    }
    let known: HashMap<_, _> = state.known_deployments().into_iter().collect();
    for line in &report.deployments {
        let Some(deployment) = known.get(line.id.as_str()) else { continue };
        let figures = Figures { minute: report.minute, counts: line.counts, in_flight: line.in_flight };
        let others = peers.set(&report.from, &line.id, figures, now);
        deployment.merge(&others, now);
        let stats = &deployment.stats;
        let kinds = [
            (stats.latency(), &line.latency),
            (stats.first_token(), &line.first_token),
            (stats.opening(), &line.opening),
        ];
        for (samples, new) in kinds {
            new.iter().for_each(|value| samples.record_foreign(f64::from(*value), now));
        }
        let told = peers.told.entry(line.id.clone()).or_default();
        if let Some(cooldown) = &line.cooldown {
            cool(deployment, cooldown, told, now);
        }
        if let Some(health) = line.health {
            check(deployment, health, told, now);
        }
    }
}

/// Takes over a cooldown. One that is known already stays as it is.
fn cool(state: &DeploymentState, cooldown: &Cooling, told: &mut Told, now: Moment) {
    let until = now.plus_millis(cooldown.left);
    let own = state.cooling.until();
    if cooldown.left == 0 {
        state.cooling.end();
        told.cooling = 0;
    } else if until.millis() > own.saturating_add(SAME) || own <= now.millis() {
        state.cooling.begin(Cooldown {
            until,
            since: before(now, cooldown.age),
            status: cooldown.status,
            message: cooldown.message.clone(),
            rule: RULE,
        });
        told.cooling = state.cooling.until();
    }
}

/// Takes over a health check that is newer than the last one.
fn check(state: &DeploymentState, health: Health, told: &mut Told, now: Moment) {
    let when = before(now, health.age);
    let last = state.health().map_or(0, |(_, when)| when.millis());
    if when.millis() > last.saturating_add(SAME) {
        state.set_health(health.good, when);
        told.health = state.health().map_or(0, |(_, when)| when.millis());
    }
}
