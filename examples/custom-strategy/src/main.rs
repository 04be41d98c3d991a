//! A routing strategy of one's own: requests stay at the first deployment until it has too many, then spill over.
//!
//! It runs anywhere, because its deployments are the built-in echo: `cargo run -p custom-strategy`

use std::{
    io::{self, Write},
    sync::Arc,
};

use llmux::{
    Deployment, Llmux, Result,
    core::{Candidate, Component, PickContext, Strategy},
};
use serde_json::{Value, json};

/// `spill-over`: the first candidate with fewer than `most` requests under way; if there is none, the idlest.
#[derive(Debug)]
struct SpillOver {
    most: u64,
}

impl Component for SpillOver {
    type Output = dyn Strategy;
    type Config = Value;
    const KIND: &'static str = "spill-over";

    fn build(settings: &Value) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self { most: settings.get("most").and_then(Value::as_u64).unwrap_or(4) }))
    }
}

impl Strategy for SpillOver {
    fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
        let busy = |at: usize| candidates.get(at).map_or(u64::MAX, |candidate| candidate.stats.in_flight());
        let places = 0..candidates.len();
        places.clone().find(|at| busy(*at) < self.most).or_else(|| places.min_by_key(|at| busy(*at)))
    }
}

/// A client that knows the strategy by its name, as it knows those that come with it.
fn client() -> Result<Llmux> {
    let mut registry = llmux::registry();
    registry.strategies.register::<SpillOver>();
    let slow = |id: &str| {
        Deployment::new("chat", "llmux/echo")
            .id(id)
            .provider(|settings| _ = settings.options.set("first_byte_ms", 20))
    };
    Llmux::builder()
        .registry(registry)
        .strategy_with("spill-over", json!({"most": 2}))
        .deployment(slow("own-machine"))
        .deployment(slow("cloud"))
        .build()
}

/// How many of so many requests at once each deployment answered.
async fn served(llmux: &Llmux, requests: usize) -> Result<Vec<(String, u64)>> {
    let mut running = Vec::new();
    for _ in 0..requests {
        let llmux = llmux.clone();
        let request = json!({"model": "chat", "messages": [{"role": "user", "content": "hello"}]});
        running.push(tokio::spawn(async move { llmux.chat(&request).await }));
    }
    for one in running {
        if let Ok(answer) = one.await {
            answer?;
        }
    }
    let status = llmux.router().status().into_iter();
    Ok(status.map(|one| (one.deployment.id().to_string(), one.rpm)).collect())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    for (deployment, requests) in served(&client()?, 5).await? {
        writeln!(io::stdout(), "{deployment}: {requests}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_rules_of_strategies() {
        llmux_testkit::conformance::strategy(&SpillOver { most: 2 });
    }

    #[tokio::test]
    async fn requests_spill_over_when_the_first_deployment_has_enough() {
        let served = served(&client().unwrap(), 5).await.unwrap();
        // Both have enough when the fifth comes.
        assert_eq!(served, [("cloud".to_owned(), 2), ("own-machine".to_owned(), 3)]);
    }
}
