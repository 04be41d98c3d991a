//! Pain 1: what a request costs does not grow with the configuration.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use llmux_core::{Candidate, PickContext, Strategy};
use llmux_router::RouterBuilder;
use llmux_testkit::{ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{Host, member},
};

/// Takes the first candidate and counts all that it was shown.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Strategy for Counting {
    fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
        self.0.fetch_add(candidates.len(), Ordering::Relaxed);
        (!candidates.is_empty()).then_some(0)
    }
}

#[tokio::test]
async fn pain_01_a_request_looks_at_the_deployments_of_its_own_model_only() {
    let strategy = Arc::new(Counting::default());
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let mut builder = RouterBuilder::new(Arc::new(transport), Arc::clone(&strategy) as Arc<dyn Strategy>)
        .deployment(member("a"))
        .deployment(member("b"));
    for at in 0..500 {
        let (id, group) = (format!("other-{at}"), format!("group-{}", at / 2));
        builder = builder.deployment(Host::OpenAi.deployment(&id, &group, "m", "http://other"));
    }
    let router = builder.build().unwrap();
    Request::openai("m").said(&router).await.unwrap();
    assert_eq!(strategy.0.load(Ordering::Relaxed), 2);
}
