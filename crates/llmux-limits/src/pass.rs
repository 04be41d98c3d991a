//! Letting a request through, and settling what it came to.

use std::sync::{Arc, atomic::Ordering};

use llmux_core::Money;
use smallvec::SmallVec;

use crate::{
    budget::Term,
    gate::Gate,
    meter::Scope,
    refusal::{LimitKind, Refusal},
    window::Reading,
};

/// Tokens that are reserved for an answer of unknown length.
const ANSWER: u32 = 1_024;
/// The part of a limit that they are at most, so that a small limit lets somebody pass at all.
const ANSWER_PART: u32 = 8;

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// The model.
    pub model: &'a str,
    /// Tokens of the question, as far as they can be told.
    pub input: u64,
    /// Tokens that the answer may have at most, if the request says so.
    pub output: Option<u64>,
    /// The most that it may cost; nothing if that cannot be told.
    pub cost: Money,
    /// The time, in seconds since 1970.
    pub now: u64,
}

impl<'a> Ask<'a> {
    /// A request for this model at this time.
    #[must_use]
    pub fn new(model: &'a str, now: u64) -> Self {
        Self { model, input: 0, output: None, cost: Money::ZERO, now }
    }

    /// Sets the tokens of the question, and those of the answer at most if that is known.
    #[must_use]
    pub fn with_tokens(mut self, input: u64, output: Option<u64>) -> Self {
        (self.input, self.output) = (input, output);
        self
    }

    /// Sets the most that it may cost.
    #[must_use]
    pub fn with_cost(mut self, cost: Money) -> Self {
        self.cost = cost;
        self
    }

    /// The tokens to reserve within a limit.
    fn tokens(&self, limit: u32) -> u32 {
        let output = self.output.unwrap_or_else(|| ANSWER.min(limit / ANSWER_PART).into());
        u32::try_from(self.input.saturating_add(output)).unwrap_or(u32::MAX)
    }
}

/// What was taken at one gate.
struct Held {
    gate: Arc<Gate>,
    /// The window that the request was counted in.
    requests: Option<u32>,
    /// The window and the number of tokens that were reserved.
    tokens: Option<(u32, u32)>,
    parallel: bool,
    /// The budgets that the cost was reserved of, by their place at the gate.
    terms: SmallVec<[(usize, Arc<Term>); 1]>,
}

/// The leave to run one request. Dropped without [`settle`](Self::settle) it gives back what was reserved: the
/// request failed, and cost nothing.
#[must_use = "the request runs as long as its pass is held"]
pub struct Pass {
    held: SmallVec<[Held; 4]>,
    cost: i64,
    now: u64,
}

/// A soft limit that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SoftLimit {
    /// Whose budget it is of.
    pub scope: Scope,
    /// The limit.
    pub amount: Money,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Room {
    /// The limit.
    pub limit: u32,
    /// What is left of it.
    pub remaining: u32,
    /// Seconds until all of it is there again; for requests at a time 0.
    pub resets_in: u64,
}

/// Lets a request through all these gates, or through none. Budgets are asked first; the first gate that refuses is
/// named.
///
/// # Errors
/// Why it may not pass. Then nothing was counted.
pub fn admit<'g>(
    gates: impl IntoIterator<Item = &'g Arc<Gate>>,
    ask: &Ask<'_>,
) -> Result<Pass, Box<Refusal>> {
    let mut pass = Pass { held: SmallVec::new(), cost: ask.cost.billionths().max(0), now: ask.now };
    let taken = pass.take_budgets(gates, ask).and_then(|()| pass.take_rates(ask));
    match taken {
        Ok(()) => Ok(pass),
        Err(refusal) => {
            pass.uncount();
            Err(refusal)
        }
    }
}

impl Pass {
    fn take_budgets<'g>(
        &mut self,
        gates: impl IntoIterator<Item = &'g Arc<Gate>>,
        ask: &Ask<'_>,
    ) -> Result<(), Box<Refusal>> {
        for gate in gates.into_iter().filter(|gate| !gate.is_open()) {
            let mut terms = SmallVec::new();
            let mut refused = None;
            let counting = gate.budgets.iter().enumerate().filter(|(_, budget)| budget.counts(ask.model));
            for (at, budget) in counting {
                match budget.reserve(self.cost, ask.now) {
                    Ok(term) => terms.push((at, term)),
                    Err(spent) => {
                        let resets = budget.resets_at(ask.now);
                        refused = Some(Refusal::budget(&gate.scope, spent, budget.cap(), resets));
                        break;
                    }
                }
            }
            let gate = Arc::clone(gate);
            self.held.push(Held { gate, requests: None, tokens: None, parallel: false, terms });
            if let Some(refusal) = refused {
                return Err(Box::new(refusal));
            }
        }
        Ok(())
    }

    fn take_rates(&mut self, ask: &Ask<'_>) -> Result<(), Box<Refusal>> {
        for held in &mut self.held {
            let (scope, rates, meter) = (&held.gate.scope, held.gate.rates, &held.gate.meter);
            if let Some(limit) = rates.parallel {
                let more = |running: u32| (running < limit).then(|| running.saturating_add(1));
                let counted = meter.parallel.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
                counted.map_err(|used| Refusal::rate(scope, LimitKind::Parallel, limit, used, None))?;
                held.parallel = true;
            }
            let full =
                |kind, limit, at: Reading| Refusal::rate(scope, kind, limit, at.count, Some(at.closes()));
            if let Some(limit) = rates.requests {
                let counted = meter.requests.reserve(ask.now, 1, limit);
                held.requests = Some(counted.map_err(|at| full(LimitKind::Requests, limit, at))?.opened);
            }
            if let Some(limit) = rates.tokens {
                let tokens = ask.tokens(limit);
                let counted = meter.tokens.reserve(ask.now, tokens, limit);
                held.tokens =
                    Some((counted.map_err(|at| full(LimitKind::Tokens, limit, at))?.opened, tokens));
            }
        }
        Ok(())
    }

    /// Says what the request used and cost in the end. Gives the soft limits that it reached.
    pub fn settle(mut self, tokens: u64, cost: Money, now: u64) -> Vec<SoftLimit> {
        self.now = now;
        self.close(tokens, cost)
    }

    /// The least room that is left for requests, or for tokens, at the gates that it came through.
    #[must_use]
    pub fn tightest(&self, kind: LimitKind) -> Option<Room> {
        self.rooms()
            .filter(|(_, of, _)| *of == kind)
            .map(|(_, _, room)| room)
            .min_by_key(|room| room.remaining)
    }

    /// What is left of each rate at each gate.
    pub fn rooms(&self) -> impl Iterator<Item = (&Scope, LimitKind, Room)> {
        let now = self.now;
        self.held.iter().flat_map(move |held| {
            let (scope, rates, meter) = (&held.gate.scope, held.gate.rates, &held.gate.meter);
            let room = |limit: u32, at: Reading| Room {
                limit,
                remaining: limit.saturating_sub(at.count),
                resets_in: at.closes().saturating_sub(now),
            };
            let requests =
                rates.requests.map(|limit| (LimitKind::Requests, room(limit, meter.requests.read(now))));
            let tokens = rates.tokens.map(|limit| (LimitKind::Tokens, room(limit, meter.tokens.read(now))));
            let parallel = rates.parallel.map(|limit| {
                let remaining = limit.saturating_sub(meter.running());
                (LimitKind::Parallel, Room { limit, remaining, resets_in: 0 })
            });
            [requests, tokens, parallel].into_iter().flatten().map(move |(kind, room)| (scope, kind, room))
        })
    }

    /// Takes back that the request was counted: it did not pass.
    fn uncount(&mut self) {
        for held in &mut self.held {
            if let Some(opened) = held.requests.take() {
                held.gate.meter.requests.correct(self.now, opened, 1, 0);
            }
        }
    }

    fn close(&mut self, tokens: u64, cost: Money) -> Vec<SoftLimit> {
        let (tokens, cost) = (u32::try_from(tokens).unwrap_or(u32::MAX), cost.billionths().max(0));
        let mut reached = Vec::new();
        for held in self.held.drain(..) {
            let meter = &held.gate.meter;
            if held.parallel {
                meter.parallel.fetch_sub(1, Ordering::Relaxed);
            }
            if let Some((opened, reserved)) = held.tokens {
                meter.tokens.correct(self.now, opened, reserved, tokens);
            }
            for (at, term) in held.terms {
                let (before, after) = term.settle(self.cost, cost);
                let amount = held.gate.budgets.get(at).and_then(|budget| budget.reached(before, after));
                reached.extend(amount.map(|amount| SoftLimit { scope: held.gate.scope.clone(), amount }));
            }
        }
        reached
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.close(0, Money::ZERO);
    }
}
