//! The built-in provider keeps to the limits and faults as one over the network does.

use std::time::Duration;

use llmux_core::{ErrorKind, ProviderSettings, Timeouts};
use llmux_router::{Deployment, Router};
use llmux_testkit::ScriptedTransport;
use llmux_wire::tap::Ending;
use serde_json::{Value, json};

use crate::{
    asking::{DIALECTS, Request},
    hosts::{registry, router},
};

fn echo(options: Value) -> Router {
    let mut settings = ProviderSettings::default();
    settings.options = options.as_object().unwrap().clone().into();
    let provider = registry().providers.build("llmux", &settings).unwrap();
    router(ScriptedTransport::new()).deployment(Deployment::new("e", "m", "echo", provider)).build().unwrap()
}

fn limit(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut limits = Timeouts::default();
    set(&mut limits);
    limits
}

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

#[tokio::test(start_paused = true)]
async fn it_says_back_what_it_was_told_in_either_dialect() {
    let router = echo(json!({"first_byte_ms": 300, "between_ms": 300}));
    for dialect in DIALECTS {
        assert_eq!(Request::new(dialect, "m").said(&router).await.unwrap().text, "hi there");
        let said = Request::new(dialect, "m").streamed().said(&router).await.unwrap();
        assert_eq!((said.text.as_str(), said.complete, said.error), ("hi there", true, None));
        assert!(said.report.usage_reported);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_given_up_when_it_is_slow() {
    let slow = echo(json!({"first_byte_ms": 1500}));
    for limits in [limit(|limit| limit.first_byte = SECOND), limit(|limit| limit.total = SECOND)] {
        let refusal = Request::openai("m").timeouts(limits).retries(0).refused(&slow).await;
        assert_eq!(refusal.error.kind(), ErrorKind::Timeout);
    }
    let halting = echo(json!({"between_ms": 1500}));
    let between = limit(|limit| limit.between_bytes = SECOND);
    let total = limit(|limit| limit.total = Some(Duration::from_secs(2)));
    for (dialect, limits) in [(DIALECTS[0], between), (DIALECTS[0], total), (DIALECTS[1], total)] {
        let said = Request::new(dialect, "m").streamed().timeouts(limits).said(&halting).await.unwrap();
        assert!(said.error.is_some() && !said.complete, "{dialect}: {said:?}");
        assert!(matches!(said.ending, Some(Ending::Broken(error)) if error.kind() == ErrorKind::Timeout));
    }
}

#[tokio::test(start_paused = true)]
async fn it_fails_as_told() {
    for dialect in DIALECTS {
        let broken = echo(json!({"status": 429, "retry_after_ms": 1500}));
        let error = Request::new(dialect, "m").retries(0).refused(&broken).await.error;
        assert_eq!(
            (error.kind(), error.retry_after()),
            (ErrorKind::RateLimited, Some(Duration::from_millis(1500)))
        );

        let cut = echo(json!({"cut_after": 0}));
        let error = Request::new(dialect, "m").streamed().retries(0).refused(&cut).await.error;
        assert_eq!(error.kind(), ErrorKind::Connection);

        let cut = echo(json!({"cut_after": 2}));
        let said = Request::new(dialect, "m").streamed().said(&cut).await.unwrap();
        assert!(said.error.is_some() && !said.complete, "{said:?}");
    }
}
